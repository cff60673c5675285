"""Forty faults, and the books are right: the long version of this is ``make chaos``."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kafka.chaos.run import in_turn, run, simulated
from tests.servers.broker import need_kafka

SEED = 5


@pytest.mark.slow
def test_nothing_is_lost_or_counted_or_told_twice_whatever_is_killed_stopped_or_put_back(tmp_path: Path) -> None:
    need_kafka()
    report = run(SEED, simulated(tmp_path, 50_000), tmp_path, in_turn(40))
    assert sum(report.faults.values()) == 40
    assert report.faults["redis put back"] == 6
    assert report.epochs > 0, "no change was published that a Redis that was put back did not know of"
    assert not report.wrong
