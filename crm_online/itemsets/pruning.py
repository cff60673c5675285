"""Dropping what cannot matter, and raising the threshold when the budget is spent."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from crm_online.itemsets.keys import ITEM_BITS
from crm_online.itemsets.state import CLOSED, COUNT, ERROR, OPENING, PAIR_BYTES, TRIPLE_BYTES, CounterState

FEWEST_PAIRS, FEWEST_TRIPLES = 1 << 19, 1 << 19
"""Entries that are not worth a pruning."""

_KEPT_OF_BUDGET = 0.75
_SMALLEST = 1e-300


def is_due(state: CounterState) -> bool:
    """Return whether pairs or triples have doubled since they were pruned, or the budget is spent."""
    return state.bytes > state.max_bytes or (state.threshold > 0 and (_pairs_due(state) or _triples_due(state)))


def prune(state: CounterState, *, close_items: bool = False) -> NDArray[np.int64]:
    """Drop what is below the threshold; over budget, raise the threshold until three quarters of it are enough.

    Pairs are dropped only where they have doubled: as long as there is room, a pair that is kept needs no error.

    Returns
    -------
    The new row of each pair's old row in the table, or ``ABSENT``.
    """
    spent = state.bytes > state.max_bytes
    if spent:
        state.raised = max(state.raised, threshold_that_fits(state))
    if spent or close_items or _pairs_due(state):
        _close_items(state)
        moved = _drop_pairs(state)
        state.kept = len(state.pairs), state.kept[1]
    else:
        moved = np.arange(len(state.pairs))
    _close_pairs(state)
    _drop_triples(state)
    state.kept = state.kept[0], len(state.triples)
    return moved


def _pairs_due(state: CounterState) -> bool:
    return len(state.pairs) > max(2 * state.kept[0], FEWEST_PAIRS)


def _triples_due(state: CounterState) -> bool:
    return len(state.triples) > max(2 * state.kept[1], FEWEST_TRIPLES)


def threshold_that_fits(state: CounterState) -> float:
    """Return the least threshold with which the pairs and triples left take three quarters of the budget."""
    fixed = state.bytes - len(state.pairs) * PAIR_BYTES - len(state.triples) * TRIPLE_BYTES
    room = state.max_bytes * _KEPT_OF_BUDGET - fixed
    # An entry stays while the threshold is at most its bound times the level's factor.
    levels = [
        (_bounds(state, level), state.max_size / (level if level == state.max_size else level - 1), cost)
        for level, cost in ((2, PAIR_BYTES), (3, TRIPLE_BYTES))
        if level <= state.max_size
    ]

    def fits(threshold: float) -> bool:
        stay = sum(np.count_nonzero(bounds * factor >= threshold) * cost for bounds, factor, cost in levels)
        return bool(stay <= room)

    highest = max((float(bounds.max(initial=0.0)) * factor for bounds, factor, _ in levels), default=0.0)
    return least_that(fits, highest)


def least_that(fits: Callable[[float], bool], highest: float) -> float:
    """Return, nearly, the least number that fits: by halving, up to a little above ``highest``, which always fits."""
    low, high = 0.0, max(highest, _SMALLEST) * (1 + 1e-9)
    if fits(low):
        return low
    while high - low > 1e-9 * high:
        middle = (low + high) / 2
        low, high = (low, middle) if fits(middle) else (middle, high)
    return high


def close_above(state: CounterState, bound: float, level: int = 1) -> None:
    """Raise the threshold so that sets of this size and upper bound are closed."""
    state.raised = max(state.raised, math.nextafter(bound * state.max_size / level * (1 + 1e-12), math.inf))


def _bounds(state: CounterState, level: int) -> NDArray[np.float64]:
    values = state.tables[level - 2].values
    bounds: NDArray[np.float64] = values[COUNT] + values[ERROR]
    return bounds


def _close_items(state: CounterState) -> None:
    state.item_opening[state.item_count < state.gate(1)] = CLOSED


def _drop_pairs(state: CounterState) -> NDArray[np.int64]:
    keys, bounds = state.pairs.keys, _bounds(state, 2)
    # The openings of items cover what was counted of a pair before one of them closed: no floor is needed for it.
    is_open = state.item_opening[keys >> ITEM_BITS] >= 0
    is_open &= state.item_opening[keys & (1 << ITEM_BITS) - 1] >= 0
    small = bounds < state.pruning_gate(2)
    gone = is_open & small
    state.raise_floor(2, keys[gone], bounds[gone])
    return state.pairs.keep(is_open & ~small)


def _close_pairs(state: CounterState) -> None:
    if state.max_size > 2:
        state.pairs.values[OPENING, _bounds(state, 2) < state.gate(2)] = CLOSED


def _drop_triples(state: CounterState) -> None:
    # A triple at the threshold has its three pairs open: their bounds are not below its own, their gate is two thirds.
    bounds = _bounds(state, 3)
    small = bounds < state.pruning_gate(3)
    state.raise_floor(3, state.triples.keys[small], bounds[small])
    state.triples.keep(~small)
