"""Counting a batch level by level: items, pairs of open items, triples of open pairs; and taking baskets out again."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from crm_online.itemsets.baskets import Baskets
from crm_online.itemsets.combinations import cut
from crm_online.itemsets.keys import MAX_ITEMS
from crm_online.itemsets.pairs import Weights, count_pairs
from crm_online.itemsets.pruning import close_above, is_due, prune
from crm_online.itemsets.state import CounterState
from crm_online.itemsets.triples import count_triples
from crm_online.itemsets.withdrawing import withdraw

SMALLEST_PART, LARGEST_PART = 1 << 12, 1 << 19
"""Pairs that a part of a batch may have, whatever the budget."""

_LARGEST_BASKET = 4


def count(state: CounterState, batch: Baskets, withdrawn: Baskets | None = None) -> None:
    """Count a batch: in parts of whole baskets whose pairs fit into a share of the budget.

    A part is a small batch of its own, so where a batch is cut changes no promise; the cuts follow from the baskets
    and the budget alone.

    Baskets that are withdrawn leave N before anything is counted, so that the threshold is never that of more baskets
    than there are, and the entries afterwards, so that none is dropped in between. Openings and floors may be as high
    as the threshold was before: it is kept where N has become smaller.

    Parameters
    ----------
    batch
        Baskets to be counted.
    withdrawn
        Baskets to be taken out: each was counted before with the same items and time, and its items stand in a
        basket of the batch.
    """
    filled = np.flatnonzero(np.diff(batch.start))
    if len(filled):
        state.move_to(int(batch.times[filled].max()))
        state.reserve_items(int(batch.items.max()) + 1)
    before = state.threshold
    if withdrawn is not None:
        state.baskets -= float(_weights(state, withdrawn.times[np.diff(withdrawn.start) > 0]).sum())
    if len(filled):
        _count(state, batch, filled)
    if withdrawn is not None:
        withdraw(state, withdrawn, _weights(state, withdrawn.times))
        if state.threshold < before:
            state.raised = before


def _count(state: CounterState, batch: Baskets, filled: NDArray[np.int64]) -> None:
    lengths = np.diff(batch.start)[filled]
    weights: Weights = 1.0
    if state.decay.half_life is not None:
        weights = _weights(state, batch.times[filled])
    start = np.concatenate([[0], np.cumsum(lengths)])
    for begin, end in cut(lengths, most_pairs(state)):
        items = batch.items[start[begin] : start[end]].astype(np.int64)
        _count_part(
            state, items, lengths[begin:end], weights[begin:end] if isinstance(weights, np.ndarray) else weights
        )
        if is_due(state):
            prune(state)


def _weights(state: CounterState, times: NDArray[np.int64]) -> NDArray[np.float64]:
    return state.decay.weight(times, np.array([state.landmark]))


def most_pairs(state: CounterState) -> int:
    """Return how many pairs a part should have at most; a basket of more than four times as many is gated harder."""
    return min(LARGEST_PART, max(SMALLEST_PART, state.max_bytes // 512))


def _count_part(state: CounterState, items: NDArray[np.int64], lengths: NDArray[np.int64], weights: Weights) -> None:
    state.baskets += float(weights.sum()) if isinstance(weights, np.ndarray) else weights * len(lengths)
    weight = np.repeat(weights, lengths) if isinstance(weights, np.ndarray) else weights
    before = _count_items(state, items, weight)
    if state.max_size == 1:
        return
    if len(lengths) == 1:
        _limit_pairs(state, items)
    is_open = state.item_opening.take(items) >= 0
    basket = np.repeat(np.arange(len(lengths)), lengths)[is_open]
    items, before = items[is_open], before[is_open]
    weight = weight[is_open] if isinstance(weight, np.ndarray) else weight
    pairs = count_pairs(state, items, before, np.bincount(basket, minlength=len(lengths)), weight)
    if state.max_size > 2:
        count_triples(state, items, pairs)


def _count_items(state: CounterState, items: NDArray[np.int64], weight: Weights) -> NDArray[np.float64]:
    """Count single items and open those that reach the gate; return each place's count before this part."""
    count, opening = state.item_count, state.item_opening
    before: NDArray[np.float64] = count.take(items)
    np.add.at(count, items, weight)
    opens = (count.take(items) >= state.gate(1)) & ~(opening.take(items) >= 0)
    too_many = items[opens] >= MAX_ITEMS
    if too_many.any():
        # No key has room for such an item: its pairs are missed, so the threshold must be above it.
        close_above(state, float(count[items[opens][too_many]].max()))
        opens &= items < MAX_ITEMS
    opening[items[opens]] = before[opens]
    return before


def _limit_pairs(state: CounterState, items: NDArray[np.int64]) -> None:
    """Raise the threshold until the open items of a single basket have not too many pairs."""
    most = int((2 * _LARGEST_BASKET * most_pairs(state)) ** 0.5)
    items = items[state.item_opening.take(items) >= 0]
    if len(items) > most:
        close_above(state, float(np.sort(state.item_count[items])[-most - 1]))
        prune(state, close_items=True)
