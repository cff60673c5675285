"""Long baskets and small budgets: bounded work and memory, and the price is reported."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from crm_online.decay import Decay
from crm_online.errors import InvalidSetting
from crm_online.itemsets.baskets import Baskets
from crm_online.itemsets.counters import ItemsetCounters
from tests.itemsets.brute import padded


def peak_bytes(counters: ItemsetCounters, batch: Baskets) -> int:
    tracemalloc.start()
    counters.count(batch)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


@pytest.mark.parametrize("lines", [300, 3_000, 10_000])
def test_a_basket_of_many_lines_takes_memory_like_the_budget(lines: int) -> None:
    budget = 20_000_000
    counters = ItemsetCounters(0.0, Decay(None), 3, budget)
    counters.count(Baskets.of([(0, [0, 1, 2])] * 10))
    assert peak_bytes(counters, Baskets.of([(0, range(lines))] * 3)) < 3 * budget
    assert counters.bytes <= budget
    assert 0 < counters.achieved_epsilon < 1
    found = counters.lookup(padded([(0, 1, 2), (0, 1, lines - 1), (lines - 3, lines - 2, lines - 1)]), 0)
    for true, count, error in zip([13, 3, 3], found.count, found.error, strict=True):
        assert count <= true <= count + error


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


def test_the_threshold_raised_by_a_budget_fades_as_baskets_come() -> None:
    counters = ItemsetCounters(0.0, Decay(None), 3, 100_000)
    counters.count(Baskets.of([(0, range(200))] * 2))
    high = counters.achieved_epsilon
    counters.count(Baskets.of([(0, [1, 2])] * 1000))
    assert 0 < counters.achieved_epsilon < high / 100


def test_a_budget_too_small_for_the_items_keeps_the_bounds() -> None:
    counters = ItemsetCounters(0.01, Decay(None), 3, 100)
    counters.count(Baskets.of([(0, [1, 2, 3])] * 20))
    counters.count(Baskets.of([(0, [1, 2, 3])] * 20))
    found = counters.lookup(padded([(1, 2), (1, 2, 3)]), 0)
    assert (found.count + found.error >= 40).all()
    assert counters.achieved_epsilon >= 1


@pytest.mark.parametrize(
    ("epsilon", "size", "budget"), [(-0.1, 3, 1), (2.0, 3, 1), (0.1, 0, 1), (0.1, 4, 1), (0.1, 3, 0)]
)
def test_settings_out_of_range_are_refused(epsilon: float, size: int, budget: int) -> None:
    with pytest.raises(InvalidSetting):
        ItemsetCounters(epsilon, Decay(None), size, budget)
