"""Long baskets and small budgets: bounded work and memory, and the price is reported."""

from __future__ import annotations

import tracemalloc
from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest

from crm_online.decay import Decay
from crm_online.errors import InvalidSetting
from crm_online.itemsets import border
from crm_online.itemsets.baskets import Baskets
from crm_online.itemsets.counters import ItemsetCounters
from tests.itemsets.brute import padded


def peak_bytes(work: Callable[[], object]) -> int:
    tracemalloc.start()
    work()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


@pytest.mark.parametrize("lines", [300, 3_000, 10_000])
def test_a_basket_of_many_lines_takes_what_its_lines_take(lines: int) -> None:
    budget = 20_000_000
    counters = ItemsetCounters(0.0, Decay(None), 3, budget)
    counters.count(Baskets.of([(0, [0, 1, 2])] * 10))
    wide = Baskets.of([(0, range(lines))] * 3)
    assert peak_bytes(lambda: counters.count(wide)) < budget
    found = counters.lookup(padded([(0, 1, 2), (0, 1, lines - 1), (lines - 3, lines - 2, lines - 1)]), 0)
    assert (found.count.tolist(), found.error.tolist()) == ([13, 3, 3], [0, 0, 0])


def test_work_on_baskets_too_wide_and_too_alike_is_bounded_and_what_is_left_out_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(border, "MOST_CANDIDATES", 1 << 12)
    counters = ItemsetCounters(0.0, Decay(None), 6, 10**7)
    counters.count(Baskets.of([(0, range(3))] * 70 + [(0, range(80))] * 60))
    found = counters.frequent(0.01, 0)
    # All 3,160 pairs are tried, but of their 82,160 triples only that of the heaviest pairs.
    assert Counter(found.sizes.tolist()) == {1: 80, 2: 3160, 3: 1}
    assert found.count[-1] == 130
    assert found.missed == 60
    assert counters.achieved_epsilon == pytest.approx(60 / 130)
    counters.count(Baskets.of([(0, range(1000))] * 60))
    found = counters.frequent(0.01, 0)
    assert set(found.count[found.sizes > 1].tolist()) == {120, 190}, (
        "the pairs of the lighter items are not even listed"
    )
    assert found.missed == 120
    counters.count(Baskets.of([(0, [0])] * 20_000))
    counters.frequent(0.01, 0)
    assert counters.achieved_epsilon == 0, "above what is asked for nothing is left out any more"


def test_long_baskets_among_others_hold_the_bounds() -> None:
    rng = np.random.default_rng(7)
    log = [rng.choice(400, rng.choice([3, 5, 8, 250]), replace=False) for _ in range(300)]
    present = np.zeros((len(log), 400), bool)
    for row, items in zip(present, log, strict=True):
        row[items] = True
    for budget in (300_000, 3_000_000):
        counters = ItemsetCounters(0.001, Decay(None), 3, budget)
        for begin in range(0, len(log), 50):
            counters.count(Baskets.of([(0, items.tolist()) for items in log[begin : begin + 50]]))
            assert counters.bytes <= budget
        sets = padded([tuple(sorted(rng.choice(400, size, replace=False).tolist())) for size in (2, 3) * 500])
        true = np.array([present[:, row[row >= 0]].all(axis=1).sum() for row in sets])
        found = counters.lookup(sets, 0)
        assert (found.count <= true).all()
        assert (true <= found.count + found.error).all()
        absent = (found.count == 0) & (true > 0)
        assert (true[absent] <= counters.achieved_epsilon * len(log)).all()


def test_the_error_that_a_budget_made_fades_as_baskets_come() -> None:
    counters = ItemsetCounters(0.0, Decay(None), 3, 20_000)
    counters.count(Baskets.of([(0, range(40 * (n % 5), 40 * (n % 5) + 40)) for n in range(200)]))
    high = counters.achieved_epsilon
    counters.count(Baskets.of([(1, [1, 2])] * 5000))
    assert 0 < counters.achieved_epsilon < high / 10


def test_a_budget_too_small_for_the_items_keeps_the_bounds() -> None:
    counters = ItemsetCounters(0.01, Decay(None), 3, 100)
    counters.count(Baskets.of([(0, [1, 2, 3])] * 20))
    counters.count(Baskets.of([(0, [1, 2, 3])] * 20))
    found = counters.lookup(padded([(1, 2), (1, 2, 3)]), 0)
    assert (found.count + found.error >= 40).all()
    assert counters.achieved_epsilon >= 1


@pytest.mark.parametrize(
    ("epsilon", "size", "budget"), [(-0.1, 3, 1), (2.0, 3, 1), (0.1, 0, 1), (0.1, 7, 1), (0.1, 3, 0)]
)
def test_settings_out_of_range_are_refused(epsilon: float, size: int, budget: int) -> None:
    with pytest.raises(InvalidSetting):
        ItemsetCounters(epsilon, Decay(None), size, budget)
