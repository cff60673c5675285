"""count ≤ true ≤ count + error for every itemset, and none that is frequent is missed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm_online import decay
from crm_online.decay import Decay
from crm_online.itemsets import counting, pruning, triples
from crm_online.itemsets.baskets import Baskets
from crm_online.itemsets.counters import ItemsetCounters
from crm_online.itemsets.keys import MAX_ITEMS
from crm_online.itemsets.state import TRIPLE_BYTES
from tests.itemsets.brute import batches, padded, true_weights
from tests.itemsets.logs import DAY, HALF_LIFE, Log, alternating, late_friends, logs, wide

half_lives = st.sampled_from([None, HALF_LIFE, DAY])
epsilons = st.sampled_from([0.0, 0.01, 0.05, 0.2])
budgets = st.sampled_from([200, 2_000, 6_000, 20_000, 10**7])


@pytest.fixture(autouse=True, params=["whole batches", "small parts, pruned always"])
def _prunings(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "small parts, pruned always":
        monkeypatch.setattr(pruning, "FEWEST_PAIRS", 8)
        monkeypatch.setattr(pruning, "FEWEST_TRIPLES", 4)
        monkeypatch.setattr(triples, "TRIPLES_AT_ONCE", 6)
        monkeypatch.setattr(counting, "SMALLEST_PART", 40)


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
    epsilon = counters.achieved_epsilon
    for min_support in {0.02, 0.1, 0.3, min(epsilon, 1.0)}:
        if min_support >= epsilon and min_support > 0:
            frequent = counters.frequent(min_support, as_of)
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
    _, truth = true_weights(log, half_life, as_of)
    # Weights of a thousand half-lives ago are rounded away.
    truth = {itemset: weight for itemset, weight in truth.items() if len(itemset) <= max_size and weight > 1e-250}
    found = counters.frequent(0.0, as_of)
    bounds = zip(found.items, found.count, strict=True)
    there = {tuple(items[items >= 0].tolist()): count for items, count in bounds if count > 1e-250}
    assert there == pytest.approx(truth, rel=1e-9)
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
    np.testing.assert_allclose(one.count, other.count, rtol=1e-9)


def test_an_empty_basket_counts_for_nothing() -> None:
    counters = counted([(0, []), (5, [1]), (9, [])], 2, 0.0, None, 3, 10**6)
    assert counters.baskets(9) == 1


def test_a_batch_without_baskets_changes_nothing() -> None:
    counters = counted([(0, [1, 2])], 1, 0.0, HALF_LIFE, 3, 10**6)
    before = counters.dump()
    counters.count(Baskets.of([]))
    counters.count(Baskets.of([(10**12, [])]))
    assert counters.dump() == before


def test_items_beyond_the_room_of_a_key_raise_the_reported_epsilon() -> None:
    log = [(0, [1, 2, MAX_ITEMS + 5])] * 3 + [(0, [1, 2])] * 97
    counters = counted(log, 10, 0.0, None, 3, 10**9)
    assert counters.achieved_epsilon == pytest.approx(0.09, rel=1e-6)
    found = counters.lookup(padded([(1, MAX_ITEMS + 5), (1, 2, MAX_ITEMS + 5), (MAX_ITEMS + 5,), (1, 2)]), 0)
    assert found.count.tolist() == [0, 0, 3, 100]
    assert found.error.tolist() == [3, 3, 0, 0]


def test_an_item_never_seen_has_no_weight() -> None:
    counters = counted([(0, [1, 2])], 1, 0.0, None, 3, 10**6)
    found = counters.lookup(padded([(7,), (1, 7), (1, 2, 7)]), 0)
    assert not found.count.any()
    assert not found.error.any()


def test_a_triple_pruned_in_the_middle_of_a_batch_and_born_again_owns_up_to_what_it_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(triples, "TRIPLES_AT_ONCE", 100)
    monkeypatch.setattr(counting, "SMALLEST_PART", 1 << 13)
    crowds = [(0, range(16 * crowd, 16 * crowd + 16)) for crowd in range(1, 9) for _ in range(6)]
    counters = ItemsetCounters(0.0, Decay(None), 3, 120_000)
    counters.count(Baskets.of([(0, [0, 1, 2])] * 5 + crowds + [(0, [0, 1, 2])] * 25))
    found = counters.lookup(padded([(0, 1, 2)]), 0)
    assert found.count[0] == 25
    assert found.error[0] >= 5


def test_no_basket_is_lost_wherever_in_a_batch_the_budget_is_spent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(triples, "TRIPLES_AT_ONCE", 1)
    crowds = [list(range(6 * crowd, 6 * crowd + 6)) for crowd in range(1, 41)]
    log: Log = [(0, items) for crowd in crowds for items in (crowd, [0, 1, 2], [0, 1, 2])]
    # A crowd has 20 triples: so the budget is spent after each of them in turn.
    for max_bytes in range(50_000, 50_000 + 20 * TRIPLE_BYTES, TRIPLE_BYTES):
        counters = ItemsetCounters(0.0, Decay(None), 3, max_bytes)
        counters.count(Baskets.of(log))
        assert counters.achieved_epsilon > 0
        found = counters.lookup(padded([(0, 1), (0, 1, 2)]), 0)
        assert (found.count.tolist(), found.error.tolist()) == ([80, 80], [0, 0])


@pytest.mark.parametrize("max_bytes", [4_000, 10**7])
def test_a_new_landmark_changes_no_bound(monkeypatch: pytest.MonkeyPatch, max_bytes: int) -> None:
    log = [(time * DAY, items) for time, items in late_friends(300)]
    sets = padded([itemset for itemset in true_weights(log, DAY, 0)[1] if max(itemset) < 25])
    found = []
    for every in (1, 64, 700):
        monkeypatch.setattr(decay, "LANDMARK_EVERY", every)
        counters = counted(log, 7, 0.02, 2 * DAY, 3, max_bytes)
        bounds = counters.lookup(sets, 350 * DAY)
        found.append(np.concatenate([bounds.count, bounds.error, [counters.achieved_epsilon]]))
    np.testing.assert_allclose(found[0], found[2], rtol=1e-9)
    np.testing.assert_allclose(found[1], found[2], rtol=1e-9)


def test_what_a_pair_may_have_missed_fades_with_the_landmark(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decay, "LANDMARK_EVERY", 1)
    counters = ItemsetCounters(0.02, Decay(DAY), 3, 10**6)
    counters.count(Baskets.of([(0, [9])] * 300))
    for item in (1, 2):
        for _ in range(20):
            counters.count(Baskets.of([(0, [item])]))
    counters.count(Baskets.of([(10 * DAY, [1, 2])] * 3))
    found = counters.lookup(padded([(1, 2)]), 10 * DAY)
    # Both items opened at the third sight, 2 of 300 baskets being too few: two baskets of ten half-lives ago.
    assert (found.count[0], found.error[0]) == (3, 2 * 2.0**-10)
