"""Baskets that are withdrawn, since more of them came, are counted as if they had come whole."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm_online.decay import Decay
from crm_online.itemsets.baskets import Baskets
from crm_online.itemsets.counters import ItemsetCounters
from tests.itemsets.logs import DAY, HALF_LIFE, Log, alternating, late_friends, logs, wide
from tests.itemsets.test_bounds import assert_bounds_hold, budgets, counted, epsilons, half_lives


def counted_in_pieces(counters: ItemsetCounters, log: Log, size: int, seed: int) -> None:
    """Count a log of which some baskets come in up to three pieces: each piece makes the basket an earlier one."""
    random = np.random.default_rng(seed)
    steps: list[tuple[Log, Log]] = [([], []) for _ in range(len(log) // size + 3)]
    for number, (time, items) in enumerate(log):
        lengths = sorted(random.integers(0, len(items) + 1, random.integers(0, 3)).tolist())
        times = [time + shift for shift in sorted(random.integers(0, DAY, len(lengths)).tolist(), reverse=True)]
        pieces: Log = [*zip(times, (items[:length] for length in lengths), strict=True), (time, items)]
        for place, piece in enumerate(pieces):
            whole, withdrawn = steps[number // size + place]
            whole.append(piece)
            if place:
                withdrawn.append(pieces[place - 1])
    for whole, withdrawn in steps:
        counters.count(Baskets.of(whole), Baskets.of(withdrawn) if withdrawn else None)


@given(logs, st.integers(1, 40), epsilons, half_lives, st.integers(1, 3), budgets, st.integers(0, 99))
@settings(max_examples=80, deadline=None)
def test_bounds_hold_and_nothing_frequent_is_missed_when_baskets_come_in_pieces(
    log: Log, size: int, epsilon: float, half_life: int | None, max_size: int, max_bytes: int, seed: int
) -> None:
    counters = ItemsetCounters(epsilon, Decay(half_life), max_size, max_bytes)
    counted_in_pieces(counters, log, size, seed)
    assert_bounds_hold(counters, log, half_life, max_size)


@pytest.mark.parametrize("made", [alternating(240), late_friends(240), wide(40)], ids=["alternating", "late", "wide"])
@pytest.mark.parametrize("max_bytes", [3_000, 10**7])
def test_gates_hold_when_baskets_come_in_pieces(made: Log, max_bytes: int) -> None:
    for size in (1, 7, 100):
        counters = ItemsetCounters(0.01, Decay(HALF_LIFE), 3, max_bytes)
        counted_in_pieces(counters, made, size, size)
        assert_bounds_hold(counters, made, HALF_LIFE, 3)


@given(logs, st.integers(1, 40), half_lives, st.integers(1, 3), st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_with_epsilon_0_the_counts_are_those_of_whole_baskets(
    log: Log, size: int, half_life: int | None, max_size: int, seed: int
) -> None:
    as_of = max(time for time, _ in log)
    counters = ItemsetCounters(0.0, Decay(half_life), max_size, 10**7)
    counted_in_pieces(counters, log, size, seed)
    found = counters.frequent(0.0, as_of)
    plain = counted(log, size, 0.0, half_life, max_size, 10**7).frequent(0.0, as_of)
    np.testing.assert_array_equal(found.items, plain.items)
    np.testing.assert_allclose(found.count, plain.count, rtol=1e-9, atol=1e-12)
    assert not found.error.any()
    assert counters.achieved_epsilon == 0
