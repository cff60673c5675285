"""The weights of all subsets of itemsets, looked up among frequent itemsets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crm_online.itemsets.reading import Itemsets

_ABSENT = -1


@dataclass(frozen=True, slots=True)
class SubsetIndex:
    """Frequent itemsets by size, for looking their subsets up.

    An itemset is found by the place of its prefix (all items but the last, among the itemsets of that size) and its
    last item. Prefixes of frequent itemsets are frequent, so each is there.

    Attributes
    ----------
    items
        For each size s the itemsets, ascending, int32[n, s].
    count, error
        For each size their bounds.
    keys
        For each size ``place of the prefix << 32 | last item``, ascending.
    """

    items: list[NDArray[np.int32]]
    count: list[NDArray[np.float64]]
    error: list[NDArray[np.float64]]
    keys: list[NDArray[np.int64]]

    @classmethod
    def of(cls, sets: Itemsets) -> SubsetIndex:
        """Index itemsets of any size."""
        index, sizes = cls([], [], [], []), sets.sizes
        for size in range(1, sets.items.shape[1] + 1):
            row = np.flatnonzero(sizes == size)
            items = sets.items[row, :size]
            prefix = index.places(items[:, :-1])
            there = prefix != _ABSENT
            keys = prefix[there] << 32 | items[there, -1]
            order = np.argsort(keys, kind="stable")
            row = row[there][order]
            index.items.append(items[there][order])
            index.count.append(sets.count[row])
            index.error.append(sets.error[row])
            index.keys.append(keys[order])
        return index

    def places(self, items: NDArray[np.int32]) -> NDArray[np.int64]:
        """Return the place of each itemset (ascending, int32[n, s]) among those of its size, -1 where it is not."""
        place = np.zeros(len(items), np.int64)
        for size in range(1, items.shape[1] + 1):
            place = self.step(place, items[:, size - 1], size)
        return place

    def step(self, prefix: NDArray[np.int64], last: NDArray[np.int32], size: int) -> NDArray[np.int64]:
        """Return the places of itemsets of one size by the places of their prefixes and their last items."""
        keys = self.keys[size - 1]
        if not len(keys):
            return np.full(len(prefix), _ABSENT)
        key = prefix << 32 | last
        place = np.minimum(np.searchsorted(keys, key), len(keys) - 1)
        return np.where((prefix != _ABSENT) & (keys[place] == key), place, _ABSENT)

    def subsets(self, items: NDArray[np.int32]) -> dict[int, NDArray[np.float64]]:
        """Return the weight of every subset of some itemsets of one size, 0 where it is not there.

        Returns
        -------
        dict
            By a number whose bit b says that the item in column b is in the subset: float64[n].
        """
        size = items.shape[1]
        places = {0: np.zeros(len(items), np.int64)}
        found: dict[int, NDArray[np.float64]] = {}
        for subset in range(1, 1 << size):
            last = subset.bit_length() - 1
            many = subset.bit_count()
            place = self.step(places[subset ^ 1 << last], items[:, last], many)
            places[subset] = place
            count = self.count[many - 1]
            found[subset] = np.where(place != _ABSENT, count[place], 0.0) if len(count) else np.zeros(len(items))
        return found
