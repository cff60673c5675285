"""count ≤ true ≤ count + error for every itemset, and none that is frequent is missed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm_online.decay import Decay
from crm_online.itemsets.baskets import Baskets
from crm_online.itemsets.counters import ItemsetCounters
from tests.itemsets.brute import batches, padded, true_weights
from tests.itemsets.logs import DAY, HALF_LIFE, Log, alternating, late_friends, logs, wide

half_lives = st.sampled_from([None, HALF_LIFE, DAY])
epsilons = st.sampled_from([0.0, 0.01, 0.05, 0.2])
budgets = st.sampled_from([200, 2_000, 6_000, 20_000, 10**7])


def counted(
    log: Log, size: int, epsilon: float, half_life: int | None, max_size: int, max_bytes: int
) -> ItemsetCounters:
    counters = ItemsetCounters(epsilon, Decay(half_life), max_size, max_bytes)
    for batch in batches(log, size):
        counters.count(batch)
    return counters


def assert_bounds_hold(counters: ItemsetCounters, log: Log, half_life: int | None, max_size: int) -> None:
    as_of = max(time for time, _ in log)
    total, truth = true_weights(log, half_life, as_of)
    rounding = 1e-9 * max(total, 1.0)
    assert counters.baskets(as_of) == pytest.approx(total, rel=1e-9)
    absent = [(24, 25), (3, 24, 25), (0, 1, 24)]
    sets = [itemset for itemset in truth if len(itemset) <= max_size]
    sets += [itemset for itemset in absent if itemset not in truth]
    found = counters.lookup(padded(sets), as_of)
    for itemset, count, error in zip(sets, found.count, found.error, strict=True):
        true = truth.get(itemset, 0.0)
        assert count <= true + rounding, itemset
        assert true <= count + error + rounding, itemset
    for min_support in {0.02, 0.1, 0.3, min(counters.achieved_epsilon, 1.0)}:
        frequent = counters.frequent(min_support, as_of)
        if min_support >= counters.achieved_epsilon and min_support > 0:
            there = {tuple(items[items >= 0].tolist()) for items in frequent.items}
            missed = [s for s in sets if truth.get(s, 0.0) >= min_support * total + rounding and s not in there]
            assert not missed


@given(logs, st.integers(1, 40), epsilons, half_lives, st.integers(1, 3), budgets)
@settings(max_examples=120, deadline=None)
def test_every_true_weight_is_within_its_bounds_and_nothing_frequent_is_missed(
    log: Log, size: int, epsilon: float, half_life: int | None, max_size: int, max_bytes: int
) -> None:
    counters = counted(log, size, epsilon, half_life, max_size, max_bytes)
    assert_bounds_hold(counters, log, half_life, max_size)


@pytest.mark.parametrize("half_life", [None, HALF_LIFE])
@pytest.mark.parametrize("max_bytes", [3_000, 10**7])
@pytest.mark.parametrize("made", [alternating(240), late_friends(240), wide(40)], ids=["alternating", "late", "wide"])
def test_logs_made_to_defeat_gates_do_not(made: Log, max_bytes: int, half_life: int | None) -> None:
    for size in (1, 7, 100):
        log = [(time * DAY // 10, items) for time, items in made]
        counters = counted(log, size, 0.01, half_life, 3, max_bytes)
        assert_bounds_hold(counters, log, half_life, 3)


@given(logs, st.integers(1, 40), half_lives, st.integers(1, 3))
@settings(max_examples=40, deadline=None)
def test_epsilon_0_counts_everything_exactly(log: Log, size: int, half_life: int | None, max_size: int) -> None:
    counters = counted(log, size, 0.0, half_life, max_size, 10**7)
    as_of = max(time for time, _ in log)
    total, truth = true_weights(log, half_life, as_of)
    found = counters.frequent(0.0, as_of)
    there = {tuple(i[i >= 0].tolist()): count for i, count in zip(found.items, found.count, strict=True)}
    rounding = 1e-9 * total
    assert {s: truth[s] for s in there if len(s) <= max_size} == pytest.approx(there, rel=1e-9, abs=rounding)
    assert all(s in there for s, weight in truth.items() if len(s) <= max_size and weight > rounding)
    assert not found.error.any()
    assert counters.achieved_epsilon == 0


@given(logs, st.randoms(use_true_random=False), half_lives)
@settings(max_examples=30, deadline=None)
def test_counts_do_not_depend_on_the_order_of_baskets(log: Log, random: object, half_life: int | None) -> None:
    shuffled = list(log)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    as_of = max(time for time, _ in log)
    one, other = (counted(part, 7, 0.0, half_life, 3, 10**7).frequent(0.0, as_of) for part in (log, shuffled))
    np.testing.assert_array_equal(one.items, other.items)
    np.testing.assert_array_equal(one.count, other.count)


def test_an_empty_basket_counts_for_nothing() -> None:
    counters = counted([(0, []), (5, [1]), (9, [])], 2, 0.0, None, 3, 10**6)
    assert counters.baskets(9) == 1


def test_a_batch_without_baskets_changes_nothing() -> None:
    counters = counted([(0, [1, 2])], 1, 0.0, HALF_LIFE, 3, 10**6)
    before = counters.dump()
    counters.count(Baskets.of([]))
    counters.count(Baskets.of([(10**12, [])]))
    assert counters.dump() == before


def test_an_item_never_seen_has_no_weight() -> None:
    counters = counted([(0, [1, 2])], 1, 0.0, None, 3, 10**6)
    found = counters.lookup(padded([(7,), (1, 7), (1, 2, 7)]), 0)
    assert not found.count.any()
    assert not found.error.any()
