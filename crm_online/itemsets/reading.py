"""Reading bounds out of the counters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crm_online.itemsets.keys import MAX_ITEMS, NO_ITEM, items_of, keys_of
from crm_online.itemsets.state import COUNT, ERROR, OPENING, CounterState
from crm_online.itemsets.table import ABSENT

SLACK = 1e-12
"""A support this share below the asked one is still taken: sums of floats are rounded."""


@dataclass(frozen=True, slots=True)
class Itemsets:
    """Itemsets with the bounds of their weights: count ≤ true ≤ count + error.

    Attributes
    ----------
    items
        Item ids, ascending, ``NO_ITEM`` (-1) behind the last one; shape (n, 3).
    count, error
        Decayed number of baskets as of one time; shape (n,).
    """

    items: NDArray[np.int32]
    count: NDArray[np.float64]
    error: NDArray[np.float64]

    def __len__(self) -> int:
        """Return the number of itemsets."""
        return len(self.count)

    @property
    def sizes(self) -> NDArray[np.int64]:
        """Number of items of each itemset."""
        sizes: NDArray[np.int64] = np.count_nonzero(self.items != NO_ITEM, axis=1)
        return sizes


def frequent(state: CounterState, least: float, *, upper: bool) -> Itemsets:
    """Return the entries that reach a weight, by size and then by items; relative to the landmark.

    Parameters
    ----------
    least
        The weight to reach.
    upper
        Judge by the upper bound, so that none is missed; else by the count, so that none is wrongly there.
    """
    least *= 1 - SLACK
    item = np.flatnonzero(state.item_count >= least) if least > 0 else np.flatnonzero(state.item_count > 0)
    found = [Itemsets(items_of(item, 1), state.item_count[item], np.zeros(len(item)))]
    for size, table in zip((2, 3), state.tables, strict=True):
        counts, errors = table.values[COUNT], table.values[ERROR]
        row = np.flatnonzero((counts + errors if upper else counts) >= least)
        row = row[np.argsort(table.keys[row], kind="stable")]
        found.append(Itemsets(items_of(table.keys[row], size), counts[row], errors[row]))
    found[0].items[:, 0] = item
    return Itemsets(
        np.concatenate([sets.items for sets in found]),
        np.concatenate([sets.count for sets in found]),
        np.concatenate([sets.error for sets in found]),
    )


def lookup(state: CounterState, items: NDArray[np.int32]) -> Itemsets:
    """Return the bounds of any itemsets, counted or not; relative to the landmark.

    An itemset that is not counted has a count of 0, and as error the least of what it can have missed: the upper
    bounds of its subsets and, where all of these are open, their openings and what was pruned.

    Parameters
    ----------
    items
        Ascending ids padded with ``NO_ITEM``, shape (n, 3). An id that was never counted makes both bounds 0.
    """
    count, error = np.zeros(len(items)), np.zeros(len(items))
    sizes = np.count_nonzero(items != NO_ITEM, axis=1)
    for size, bounds in ((1, _items), (2, _pairs), (3, _triples)):
        rows = np.flatnonzero((sizes == size) & (items.max(axis=1, initial=NO_ITEM) < state.known))
        if len(rows):
            count[rows], error[rows] = bounds(state, items[rows, :size])[:2]
    return Itemsets(items, count, error)


_Bounds = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]
"""Count, error and opening (NaN: not open)."""


def _items(state: CounterState, items: NDArray[np.int32]) -> _Bounds:
    item = items[:, 0]
    return state.item_count[item], np.zeros(len(item)), state.item_opening[item]


def _pairs(state: CounterState, items: NDArray[np.int32]) -> _Bounds:
    sides = [_items(state, items[:, [side]]) for side in (0, 1)]
    return _sets(state, items, sides)


def _triples(state: CounterState, items: NDArray[np.int32]) -> _Bounds:
    sides = [_pairs(state, items[:, side]) for side in ([0, 1], [0, 2], [1, 2])]
    return _sets(state, items, sides)


def _sets(state: CounterState, items: NDArray[np.int32], sides: list[_Bounds]) -> _Bounds:
    size = items.shape[1]
    least = np.min([count + error for count, error, _ in sides], axis=0)
    opening = np.max([opening for _, _, opening in sides], axis=0)
    # An item that no key has room for is never open, and its sets are in no table.
    fits = items.max(axis=1) < MAX_ITEMS
    keys = np.where(fits, keys_of(items), 0)
    table = state.tables[size - 2]
    row = np.where(fits, table.find(keys), ABSENT)
    is_there = row != ABSENT
    count, error = np.zeros(len(items)), least
    # What was missed since all sides are open; NaN, and so no limit, while one is not.
    missed = np.maximum(opening, state.floor(size, keys))
    error = np.where(np.isnan(missed), least, np.fmin(missed, least)) if size <= state.max_size else least
    found = table.values[:, row[is_there]]
    count[is_there], error[is_there] = found[COUNT], found[ERROR]
    openings = np.full(len(items), np.nan)
    if size == 2:
        openings[is_there] = found[OPENING]
    return count, error, openings
