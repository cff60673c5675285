"""Counting the pairs of open items in a part of a batch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crm_online.itemsets.combinations import PairsWithin, pairs_within
from crm_online.itemsets.keys import ITEM_BITS
from crm_online.itemsets.pruning import prune
from crm_online.itemsets.state import CLOSED, CounterState
from crm_online.itemsets.table import ABSENT

Weights = NDArray[np.float64] | float
"""One weight for each basket, place or set; or one for all."""


@dataclass(slots=True)
class PairsOfPart:
    """The pairs of open items in a part, one by one: their places, rows in the table and bounds before this part."""

    places: PairsWithin
    keys: NDArray[np.int64]
    rows: NDArray[np.int64]
    before: NDArray[np.float64]
    is_open: NDArray[np.bool_]
    weight: Weights


def count_pairs(
    state: CounterState,
    items: NDArray[np.int64],
    before: NDArray[np.float64],
    lengths: NDArray[np.int64],
    weight: Weights,
) -> PairsOfPart:
    """Count the pairs, open those that reach the gate, and return them for the triples.

    Parameters
    ----------
    items
        The open items of each basket, one behind the other.
    before
        Their counts before this part.
    lengths
        Number of open items of each basket.
    weight
        Weight of each item's basket.
    """
    places = pairs_within(lengths)
    first, second = places.first, places.second
    keys = items.take(first)
    keys <<= ITEM_BITS
    keys |= items.take(second)
    table = state.pairs
    rows, begin, new = table.find_or_add(keys)
    counts, errors, openings = table.values
    openings[begin:] = CLOSED
    if len(new) and state.threshold > 0:
        a, b = first[new], second[new]
        missed = np.maximum(state.item_opening[items[a]], state.item_opening[items[b]])
        missed = np.maximum(missed, state.floor(2, keys[new]))
        errors[begin:] = np.minimum(missed, np.minimum(before[a], before[b]))
    weight = weight.take(first) if isinstance(weight, np.ndarray) else weight
    error = errors.take(rows)
    bound = counts.take(rows) + error
    np.add.at(counts, rows, weight)
    is_open = openings.take(rows) >= 0
    if state.max_size > 2:
        closed = np.flatnonzero(~is_open)
        opens = closed[counts.take(rows[closed]) + error[closed] >= state.gate(2)]
        openings[rows[opens]] = bound[opens]
        is_open[opens] = True
    pairs = PairsOfPart(places, keys, rows, bound, is_open, weight)
    if state.bytes > state.max_bytes:
        prune_between(state, pairs)
    return pairs


def prune_between(state: CounterState, pairs: PairsOfPart) -> None:
    """Prune in the middle of a part, after all its pairs were counted.

    From here on "before this part" means now: a triple of this part may be counted, pruned and born again.
    """
    moved = prune(state)
    there = pairs.rows != ABSENT
    pairs.rows[there] = moved[pairs.rows[there]]
    there = pairs.rows != ABSENT
    rows = pairs.rows[there]
    counts, errors, openings = state.pairs.values
    pairs.is_open = np.zeros(len(there), bool)
    pairs.is_open[there] = openings[rows] >= 0
    pairs.before[there] = counts[rows] + errors[rows]
