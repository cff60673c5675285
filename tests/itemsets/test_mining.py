"""Mining again, with what was counted before, finds what mining anew finds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from crm_online.decay import Decay
from crm_online.errors import StateCorrupt
from crm_online.itemsets import border, kept, vertical
from crm_online.itemsets.baskets import Baskets
from crm_online.itemsets.counters import ItemsetCounters
from tests.itemsets.brute import true_weights
from tests.itemsets.logs import DAY, HALF_LIFE, Log, logs


def assert_mined_alike(counters: ItemsetCounters, min_support: float, as_of: int) -> None:
    anew = ItemsetCounters.load(counters.dump())
    one, other = counters.frequent(min_support, as_of), anew.frequent(min_support, as_of)
    np.testing.assert_array_equal(one.items, other.items)
    np.testing.assert_array_equal(one.count, other.count)
    np.testing.assert_array_equal(one.error, other.error)
    assert one.missed == other.missed


@given(
    logs,
    st.integers(1, 30),
    st.sampled_from([None, HALF_LIFE, DAY]),
    st.integers(1, 4),
    st.sampled_from([1_500, 10**7]),
    st.sampled_from([1 << 21, 40]),
    st.integers(0, 99),
)
@settings(max_examples=60, deadline=None)
def test_mining_again_finds_what_mining_anew_finds_whatever_came_and_went(
    log: Log, size: int, half_life: int | None, max_size: int, max_bytes: int, candidates: int, seed: int
) -> None:
    random = np.random.default_rng(seed)
    counters = ItemsetCounters(0.01, Decay(half_life), max_size, max_bytes)
    here: Log = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(border, "MOST_CANDIDATES", candidates)
        patch.setattr(kept, "_FEWEST_GONE", 3)
        patch.setattr(kept, "_FEWEST_UNSORTED", 5)
        for begin in range(0, len(log), size):
            batch = [(time, sorted(set(items))) for time, items in log[begin : begin + size]]
            leaving = [
                here.pop(int(random.integers(len(here)))) for _ in range(min(len(here), int(random.integers(4))))
            ]
            counters.count(Baskets.of(batch), Baskets.of(leaving))
            here += [(time, items) for time, items in batch if items]
            if random.integers(2):
                assert_mined_alike(counters, float(random.choice([0.15, 0.2, 0.4])), log[0][0])
    if max_bytes == 10**7 and candidates > 40:
        as_of = max((time for time, _ in here), default=0)
        total, truth = true_weights(here, half_life, as_of, max_size)
        found = counters.frequent(0.2, as_of)
        there = {tuple(i[i >= 0].tolist()): n for i, n in zip(found.items, found.count, strict=True)}
        frequent = {itemset: n for itemset, n in truth.items() if n >= 0.2 * total * (1 + 1e-8)}
        assert {itemset: there[itemset] for itemset in frequent} == pytest.approx(frequent, rel=1e-8)


def test_a_basket_that_was_never_counted_cannot_be_taken_back() -> None:
    counters = ItemsetCounters(0.0, Decay(None), 3, 10**6)
    counters.count(Baskets.of([(5, [1, 2]), (5, [1, 2]), (6, [1, 2])]))
    counters.count(Baskets.of([]), Baskets.of([(5, [1, 2]), (5, [1, 2])]))
    for other in ((5, [1, 2]), (6, [1]), (7, [1, 2])):
        with pytest.raises(StateCorrupt):
            counters.count(Baskets.of([]), Baskets.of([other]))
    assert counters.baskets(0) == 1


def test_what_was_open_stays_counted_while_it_is_nearly_frequent(monkeypatch: pytest.MonkeyPatch) -> None:
    counters = ItemsetCounters(0.0, Decay(None), 3, 10**6)
    counters.count(Baskets.of([(0, [0, 1, 2])] * 11 + [(0, [3])] * 89))
    assert len(counters.frequent(0.1, 0)) == 8
    counted: list[int] = []
    count = vertical.count

    def noted(itemsets: NDArray[np.int64], baskets: Baskets, weights: NDArray[np.int64] | None) -> NDArray[np.int64]:
        counted.append(len(itemsets) * len(baskets))
        return count(itemsets, baskets, weights)

    monkeypatch.setattr(vertical, "count", noted)
    counters.count(Baskets.of([(0, [3])] * 20))
    assert len(counters.frequent(0.1, 0)) == 1
    counters.count(Baskets.of([(0, [0, 1, 2])] * 2))
    assert len(counters.frequent(0.1, 0)) == 8
    assert sum(counted) == 22, "only in the baskets that came"
