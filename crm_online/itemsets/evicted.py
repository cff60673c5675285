"""What is known of baskets that are kept no more, since the budget is spent."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from crm_online.itemsets.reading import ABSENT, NO_ITEM, ItemsetIndex, widened


@dataclass(frozen=True, slots=True)
class Mined:
    """Itemsets of one size with the bounds of their weights; int64[n, size], int64[n] each."""

    items: NDArray[np.int64]
    least: NDArray[np.int64]
    most: NDArray[np.int64]


Bounds = tuple[NDArray[np.int64], NDArray[np.int64]]
"""Least and largest weight."""


@dataclass
class Evicted:
    """The weight of the evicted baskets, and of those of them that have an itemset.

    Attributes
    ----------
    baskets, weight
        How many there are, and their weight, which may have faded altogether.
    items
        Weight of those with each item, by id, int64[known]; exact.
    floor
        Largest weight of an itemset that is not in ``sets``.
    sets
        Itemsets of two items and more, padded with ``NO_ITEM``; int32[n, width].
    least, most
        Bounds of their weights, int64[n].
    """

    baskets: int = 0
    weight: int = 0
    items: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    floor: int = 0
    sets: NDArray[np.int32] = field(default_factory=lambda: np.empty((0, 2), np.int32))
    least: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    most: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))

    def __bool__(self) -> bool:
        """Return whether any basket was evicted."""
        return self.baskets > 0

    @property
    def bytes(self) -> int:
        """Bytes that this takes, as the budget counts them."""
        return self.items.nbytes + self.sets.nbytes + self.least.nbytes + self.most.nbytes if self else 0

    def of_items(self, items: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the weight of those with each of some items."""
        found = np.zeros(items.shape, np.int64)
        inside = items < len(self.items)
        found[inside] = self.items[items[inside]]
        return found

    def bounds(self, itemsets: NDArray[np.int64]) -> Bounds:
        """Return the bounds of itemsets of one size, at least two items, given ascending; shape (n, size)."""
        least = np.zeros(len(itemsets), np.int64)
        if not self:
            return least, least
        most = np.minimum(self.of_items(itemsets).min(axis=1, initial=np.iinfo(np.int64).max), self.floor)
        width = self.sets.shape[1]
        if itemsets.shape[1] > width:
            return least, most
        wide = np.full((len(itemsets), width), NO_ITEM, np.int32)
        wide[:, : itemsets.shape[1]] = itemsets
        row = self._index.find(wide)
        there = row != ABSENT
        least[there], most[there] = self.least[row[there]], self.most[row[there]]
        return least, most

    def of_size(self, size: int) -> NDArray[np.int64]:
        """Return the itemsets of a size that have bounds of their own; shape (n, size)."""
        if size > self.sets.shape[1]:
            return np.empty((0, size), np.int64)
        sizes = np.count_nonzero(self.sets != NO_ITEM, axis=1)
        return self.sets[sizes == size, :size].astype(np.int64)

    def with_more(self, found: Mined, counts: NDArray[np.int64]) -> Mined:
        """Return the bounds of itemsets once more baskets have left, of which so many have each itemset.

        Parameters
        ----------
        found
            Itemsets of one size, with the bounds over the evicted and the kept baskets.
        counts
            Weight of the leaving baskets that have each.
        """
        least, _ = self.bounds(found.items)
        most = found.most - (found.least - least)
        return Mined(found.items, least + counts, most + counts)

    def followed_by(self, new: Evicted, sets: Sequence[Mined], most_bytes: int) -> Evicted:
        """Return what is known once more baskets have left.

        Parameters
        ----------
        new
            Weight and items of the leaving baskets, and the floor.
        sets
            Bounds of all itemsets above the floor, by size.
        most_bytes
            What the itemsets may take: the lightest raise the floor instead.
        """
        width = max((some.items.shape[1] for some in sets), default=2)
        items = np.full((sum(len(some.items) for some in sets), width), NO_ITEM, np.int32)
        begin = 0
        for some in sets:
            items[begin : begin + len(some.items), : some.items.shape[1]] = some.items
            begin += len(some.items)
        least = np.concatenate([np.empty(0, np.int64), *(some.least for some in sets)])
        most = np.concatenate([np.empty(0, np.int64), *(some.most for some in sets)])
        floor, room = new.floor, max(most_bytes // (width * 4 + 16), 0)
        if len(most) > room:
            # Subsets are not lighter, so what is left has all its subsets.
            gate = int(np.sort(most)[len(most) - room - 1])
            floor, stays = max(floor, gate), most > gate
            items, least, most = items[stays], least[stays], most[stays]
        totals = np.zeros(max(len(self.items), len(new.items)), np.int64)
        totals[: len(self.items)] += self.items
        totals[: len(new.items)] += new.items
        return Evicted(self.baskets + new.baskets, self.weight + new.weight, totals, floor, items, least, most)

    def renumbered(self, numbers: NDArray[np.int64]) -> Evicted:
        """Return this with other numbers of the items, by number here, int64[known] with known ≥ ``len(items)``."""
        items = np.zeros(int(numbers.max(initial=-1)) + 1, np.int64)
        items[numbers[: len(self.items)]] = self.items
        there = self.sets != NO_ITEM
        sets = np.where(there, numbers[np.where(there, self.sets, 0)], np.iinfo(np.int32).max)
        sets.sort(axis=1)
        sets[~there] = NO_ITEM  # padding stays last
        return replace(self, items=items, sets=sets.astype(np.int32))

    @classmethod
    def pooled(cls, parts: Sequence[Evicted]) -> Evicted:
        """Return what is known of the evicted baskets of several partitions that number the items alike."""
        if not parts:
            return cls()
        width = max(part.sets.shape[1] for part in parts)
        sets = np.unique(np.concatenate([widened(part.sets, width) for part in parts]), axis=0)
        sizes = np.count_nonzero(sets != NO_ITEM, axis=1)
        least, most = np.zeros(len(sets), np.int64), np.zeros(len(sets), np.int64)
        for size in range(2, width + 1):
            rows = np.flatnonzero(sizes == size)
            for part in parts:
                low, high = part.bounds(sets[rows, :size].astype(np.int64))
                least[rows] += low
                most[rows] += high
        known = np.arange(max(len(part.items) for part in parts))
        return cls(
            sum(part.baskets for part in parts),
            sum(part.weight for part in parts),
            np.sum([part.of_items(known) for part in parts], axis=0, dtype=np.int64),
            sum(part.floor for part in parts),
            sets,
            least,
            most,
        )

    def without(self, items: NDArray[np.int64], weight: int) -> Evicted:
        """Return this without one basket that had been evicted."""
        left = self.items.copy()
        left[items[items < len(left)]] -= weight
        inside = (np.isin(self.sets, items) | (self.sets == NO_ITEM)).all(axis=1)
        drop = np.where(inside, weight, 0)
        least, most = np.maximum(self.least - drop, 0), np.maximum(self.most - drop, 0)
        lighter = max(self.weight - weight, 0)
        return Evicted(self.baskets - 1, lighter, np.maximum(left, 0), self.floor, self.sets, least, most)

    def scaled(self, factor: float) -> Evicted:
        """Return this with weights multiplied: bounds are rounded apart."""
        if not self:
            return self
        return Evicted(
            self.baskets,
            round(self.weight * factor),
            np.rint(self.items * factor).astype(np.int64),
            min(math.ceil(self.floor * factor), math.ceil(self.weight * factor)),
            self.sets,
            np.floor(self.least * factor).astype(np.int64),
            np.ceil(self.most * factor).astype(np.int64),
        )

    @cached_property
    def _index(self) -> ItemsetIndex:
        return ItemsetIndex(self.sets)
