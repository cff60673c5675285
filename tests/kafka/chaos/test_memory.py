"""What is said of the memory of a soak; the soak itself is ``make soak``."""

from __future__ import annotations

import pytest

from tests.kafka.chaos.memory import Sample, growth, table

SAMPLES = [Sample(n / 12, 100 * n, n // 5, 300.0 + n, 310.0, 10.0, 20.0, 280.0) for n in range(40)]


def test_growth_compares_the_last_quarter_with_the_second_and_not_with_the_start() -> None:
    assert growth(SAMPLES, "worker") == pytest.approx(334.5 / 314.5)
    assert growth(SAMPLES, "broker") == 1.0


@pytest.mark.parametrize("count", [1, 3, 40])
def test_the_table_ends_with_the_last_moment_and_says_how_each_memory_grew(count: int) -> None:
    *_, last, grown = table(SAMPLES[:count], rows=4).splitlines()

    assert last.startswith(f"| to {SAMPLES[count - 1].minute:.1f} | {SAMPLES[count - 1].events:,} |")
    assert grown.count(" ×") == 5
