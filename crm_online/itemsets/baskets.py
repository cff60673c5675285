"""Whole baskets, ready to be counted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Baskets:
    """A batch of baskets as one ragged array.

    Attributes
    ----------
    times
        When each basket was closed, ms since 1970; shape (b,).
    start
        Where each basket begins in ``items``, and where the last one ends; shape (b + 1,).
    items
        Item ids in the partition's dictionary, distinct and ascending within a basket; shape (m,).
        A basket without items is allowed and counts for nothing.
    """

    times: NDArray[np.int64]
    start: NDArray[np.int64]
    items: NDArray[np.int32]

    def __len__(self) -> int:
        """Return the number of baskets, empty ones included."""
        return len(self.times)

    @classmethod
    def from_lines(cls, basket: NDArray[np.int64], item: NDArray[np.int32], times: NDArray[np.int64]) -> Baskets:
        """Gather order lines into baskets; an item counts once in a basket.

        Parameters
        ----------
        basket
            Index of the line's basket, from 0 to b - 1, in any order; shape (m,).
        item
            Item id of the line; shape (m,).
        times
            When each basket was closed, ms since 1970; shape (b,).

        Examples
        --------
        >>> lines = Baskets.from_lines(np.array([1, 0, 0, 0]), np.array([7, 5, 2, 5], np.int32), np.array([10, 20]))
        >>> lines.start.tolist(), lines.items.tolist()
        ([0, 2, 3], [2, 5, 7])
        """
        line = np.unique(basket.astype(np.int64) << 32 | item.astype(np.int64))
        start = np.searchsorted(line, np.arange(len(times) + 1, dtype=np.int64) << 32)
        return cls(times.astype(np.int64), start.astype(np.int64), (line & 0xFFFFFFFF).astype(np.int32))

    @classmethod
    def of(cls, baskets: Sequence[tuple[int, Iterable[int]]]) -> Baskets:
        """Make a batch of (time, item ids): for a few baskets and for tests.

        Examples
        --------
        >>> Baskets.of([(10, [5, 2, 5])]).items.tolist()
        [2, 5]
        """
        lines = [(number, item) for number, (_, items) in enumerate(baskets) for item in items]
        table = np.array(lines, np.int64).reshape(-1, 2)
        return cls.from_lines(
            table[:, 0], table[:, 1].astype(np.int32), np.array([time for time, _ in baskets], np.int64)
        )

    def filled(self) -> Baskets:
        """Return the baskets that are not empty."""
        there = np.diff(self.start) > 0
        if there.all():
            return self
        return Baskets(self.times[there], np.concatenate([self.start[:-1][there], self.start[-1:]]), self.items)

    def take(self, rows: NDArray[np.int64]) -> Baskets:
        """Return some of the baskets, in the order of ``rows``."""
        lengths = np.diff(self.start)[rows]
        start = np.concatenate([[0], np.cumsum(lengths)])
        places = np.repeat(self.start[rows] - start[:-1], lengths) + np.arange(start[-1])
        return Baskets(self.times[rows], start, self.items[places])

    def between(self, begin: int, end: int) -> Baskets:
        """Return the baskets ``begin`` to ``end``, as views."""
        start = self.start[begin : end + 1]
        return Baskets(self.times[begin:end], start - start[0], self.items[start[0] : start[-1]])

    @classmethod
    def joined(cls, parts: Sequence[Baskets]) -> Baskets:
        """Return the baskets of several batches as one."""
        ends = np.cumsum([0, *(len(part.items) for part in parts)])
        starts = [part.start[:-1] + end for part, end in zip(parts, ends[:-1], strict=True)]
        return cls(
            np.concatenate([part.times for part in parts] or [np.empty(0, np.int64)]),
            np.concatenate([*starts, ends[-1:]]).astype(np.int64),
            np.concatenate([part.items for part in parts] or [np.empty(0, np.int32)]),
        )
