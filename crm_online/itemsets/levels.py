"""Itemsets of one size as a tree over those that are one item shorter, and the candidates for the next size."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from crm_online.itemsets.combinations import cut, pair_counts, pairs_within

_EMPTY = np.empty(0, np.int64)
_ITEM = 0xFFFFFFFF
_JOINS_AT_ONCE = 1 << 14


def _none() -> NDArray[np.int64]:
    return _EMPTY


@dataclass(slots=True)
class Level:
    """The itemsets of one size, at least two items, in the order of their items.

    Attributes
    ----------
    keys
        ``parent << 32 | item``, ascending, int64[n]: the row, one level below, of the itemset without its last item
        (for pairs: the first item itself), and the last item.
    kept
        Weight of the kept baskets that have it, int64[n].
    is_open
        Whether larger itemsets are made of it, bool[n].
    subsets
        For sizes from 3 on, the rows one level below of the itemset without its first, second, … item; int32[n, size].
    """

    keys: NDArray[np.int64] = field(default_factory=_none)
    kept: NDArray[np.int64] = field(default_factory=_none)
    is_open: NDArray[np.bool_] = field(default_factory=lambda: np.empty(0, bool))
    subsets: NDArray[np.int32] = field(default_factory=lambda: np.empty(0, np.int32))

    def __len__(self) -> int:
        """Return the number of itemsets."""
        return len(self.keys)

    @property
    def parent(self) -> NDArray[np.int64]:
        """Rows of the itemsets without their last items."""
        return self.keys >> 32

    @property
    def item(self) -> NDArray[np.int64]:
        """The last items."""
        return self.keys & _ITEM

    def find(self, keys: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the rows of some keys, -1 where there is none."""
        if not len(self.keys):
            return np.full(len(keys), -1)
        row = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        return np.where(self.keys[row] == keys, row, -1)


def items_of(levels: list[Level], size: int, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the items of some itemsets of a size, ascending; ``levels[0]`` holds the pairs."""
    items = np.empty((len(rows), size), np.int64)
    for length in range(size, 1, -1):
        level = levels[length - 2]
        items[:, length - 1] = level.item[rows]
        rows = level.parent[rows]
    items[:, 0] = rows
    return items


@dataclass(frozen=True, slots=True)
class Candidates:
    """Itemsets whose subsets of one item less are all open: ``keys`` and ``subsets`` as in :class:`Level`."""

    keys: NDArray[np.int64]
    subsets: NDArray[np.int32]


def joins(level: Level, chosen: NDArray[np.bool_]) -> int:
    """Return how many itemsets are made of two chosen ones that differ in the last item."""
    _, groups = np.unique(level.parent[chosen], return_counts=True)
    return int(pair_counts(groups.astype(np.int64)).sum())


def candidates(level: Level, size: int, chosen: NDArray[np.bool_]) -> Candidates:
    """Make the candidates of the next size.

    Agrawal and Srikant: Fast algorithms for mining association rules, VLDB 1994 (Apriori: join, then prune).

    Parameters
    ----------
    level
        The itemsets of ``size`` items.
    chosen
        Of which of them they are made.
    """
    rows = np.flatnonzero(chosen)
    ends = np.flatnonzero(np.diff(level.parent[rows], append=-1)) + 1
    groups = np.diff(ends, prepend=0)
    parts = [Candidates(_EMPTY, np.empty((0, size + 1), np.int32))]
    for begin, end in cut(groups, _JOINS_AT_ONCE):
        some = rows[ends[begin] - groups[begin] : ends[end - 1]]
        parts.append(_joined(level, size, chosen, some, groups[begin:end]))
    return Candidates(np.concatenate([part.keys for part in parts]), np.concatenate([part.subsets for part in parts]))


def _joined(
    level: Level, size: int, chosen: NDArray[np.bool_], rows: NDArray[np.int64], groups: NDArray[np.int64]
) -> Candidates:
    """Make the candidates of some rows; those of a group differ in the last item only."""
    within = pairs_within(groups)
    first, second = rows[within.first], rows[within.second]
    columns: list[NDArray[np.int64]] = []
    for left_out in range(size - 1):
        item = level.keys[second] & _ITEM
        # Without its first items a pair is its second item.
        below = level.keys[first] & _ITEM if size == 2 else level.subsets[first, left_out].astype(np.int64)
        row = level.find(below << 32 | item)
        good = np.flatnonzero((row >= 0) & chosen[row])
        first, second = first[good], second[good]
        columns = [column[good] for column in [*columns, row]]
    subsets = np.stack([*columns, second, first], axis=1).astype(np.int32)
    return Candidates(first << 32 | (level.keys[second] & _ITEM), subsets)
