"""Itemsets and their bounds, and how one is found among many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

NO_ITEM = -1
"""Fills the places of an itemset that has fewer items than others."""

MAX_SIZE = 6
"""Items that an itemset may have."""

ABSENT = -1
"""In place of the row of an itemset that is not there."""

SLACK = 1e-12
"""A support this share below the one asked for still counts: sums of floats are rounded."""


@dataclass(frozen=True, slots=True)
class Itemsets:
    """Itemsets with the bounds of their weights: count ≤ true ≤ count + error.

    Attributes
    ----------
    items
        Item ids, ascending, ``NO_ITEM`` (-1) after the last one; shape (n, width).
    count, error
        Decayed number of baskets as of one time; shape (n,).
    missed
        Itemsets may be missing here, each of which weighs no more than this; 0: none is missing.
    """

    items: NDArray[np.int32]
    count: NDArray[np.float64]
    error: NDArray[np.float64]
    missed: float = 0.0

    def __len__(self) -> int:
        """Return the number of itemsets."""
        return len(self.count)

    @property
    def sizes(self) -> NDArray[np.int64]:
        """Number of items of each itemset."""
        sizes: NDArray[np.int64] = np.count_nonzero(self.items != NO_ITEM, axis=1)
        return sizes


class ItemsetIndex:
    """Finds itemsets, whole arrays at a time.

    Each itemset is a path from column to column; the paths up to a column are numbered in their order.

    Parameters
    ----------
    items
        Distinct itemsets, padded with ``NO_ITEM``; shape (n, width).

    Examples
    --------
    >>> index = ItemsetIndex(np.array([[0, 1, -1], [2, -1, -1]], np.int32))
    >>> index.find(np.array([[2, -1, -1], [0, 2, -1], [0, 1, -1]], np.int32)).tolist()
    [1, -1, 0]
    """

    def __init__(self, items: NDArray[np.int32]) -> None:
        self._steps: list[NDArray[np.int64]] = []
        path = np.zeros(len(items), np.int64)
        for column in items.T:
            steps, path = np.unique(path << 32 | (column.astype(np.int64) + 1), return_inverse=True)
            self._steps.append(steps)
        self._rows = np.empty(len(items), np.int64)
        self._rows[path] = np.arange(len(items))

    def find(self, items: NDArray[np.int32]) -> NDArray[np.int64]:
        """Return the row of each itemset, or ``ABSENT``; of the width that the index has."""
        path, found = np.zeros(len(items), np.int64), np.ones(len(items), bool)
        if not len(self._rows):
            return np.full(len(items), ABSENT)
        for column, steps in zip(items.T, self._steps, strict=True):
            key = path << 32 | (column.astype(np.int64) + 1)
            path = np.minimum(np.searchsorted(steps, key), len(steps) - 1)
            found &= steps[path] == key
        return np.where(found, self._rows[path], ABSENT)


def widened(items: NDArray[np.int32], width: int) -> NDArray[np.int32]:
    """Return itemsets in at least so many columns."""
    if items.shape[1] >= width:
        return items
    wide = np.full((len(items), width), NO_ITEM, np.int32)
    wide[:, : items.shape[1]] = items
    return wide


def in_order(items: NDArray[np.int32]) -> NDArray[np.int64]:
    """Return the order of itemsets by size and then by items; equals stay as they are."""
    sizes = np.count_nonzero(items != NO_ITEM, axis=1)
    return np.lexsort(sort_keys([sizes, *items.T]))


def sort_keys(columns: Sequence[NDArray[np.integer[Any]]]) -> list[NDArray[np.int64]]:
    """Return columns of items as the keys of a ``lexsort`` by the first, then by the second, and so on.

    As many columns as fit are one key: sorting costs as much for each key as for each other.

    Examples
    --------
    >>> sort_keys([np.array([2, 1]), np.array([0, NO_ITEM])])
    [array([13,  8])]
    """
    most = max((int(column.max(initial=0)) for column in columns), default=0)
    bits = (most + 1).bit_length()
    together = 63 // bits
    keys = list[NDArray[np.int64]]()
    for begin in range(0, len(columns), together):
        key = np.zeros(len(columns[0]), np.int64)
        for column in columns[begin : begin + together]:
            key = key << bits | (column.astype(np.int64) + 1)  # NO_ITEM, -1, is 0
        keys.append(key)
    return keys[::-1]
