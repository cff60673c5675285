"""A uniform sample of points that come one after the other, each once."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crm_online.segments.sample import Sample

Point = Mapping[Any, float]
"""Values by feature; a feature that is missing is 0."""

_AHEAD = 4096


class Observations:
    """The points kept of a stream: those whose numbers have the smallest hashes.

    Which numbers are kept is settled ahead, block by block, as hashing one by one is slow. At a
    block's end the sample is that of all points so far; within a block it may be smaller.

    Parameters
    ----------
    size
        How many points are kept at most.

    Attributes
    ----------
    n
        Number of points so far.
    planned
        Up to which number it is settled who is kept.
    points
        The points kept, by number.
    rows
        The segment that each of these was counted in; nothing for one that waits for the first fit.
    """

    def __init__(self, size: int) -> None:
        self.n = 0
        self.planned = 0
        self.points: dict[int, Point] = {}
        self.rows: dict[int, int] = {}
        self._sample = Sample(size)
        self._chosen: frozenset[int] = frozenset()

    def plan(self, last: int) -> None:
        """Settle which of the next points are kept; their block ends at number ``last``, or before it."""
        first, self.planned = self.planned + 1, min(last, self.planned + _AHEAD)
        _, left = self._sample.admit([str(number) for number in range(first, self.planned + 1)])
        for gone in map(int, left):
            del self.points[gone]
            self.rows.pop(gone, None)
        self._chosen = frozenset(map(int, self._sample.hashes)) - self.points.keys()

    def kept(self, number: int) -> bool:
        """Return whether a point of the present block is kept."""
        return number in self._chosen

    def features(self) -> list[Hashable]:
        """Return the features of the points kept, in an order that does not depend on the points' order."""
        return in_order({feature for point in self.points.values() for feature in point})

    def matrix(self, features: Iterable[Hashable]) -> NDArray[np.float64]:
        """Return the points kept, shape (n, d)."""
        columns = list(features)
        rows = [[point.get(feature, 0.0) for feature in columns] for point in self.points.values()]
        return np.array(rows, np.float64).reshape(len(rows), len(columns))


def in_order(features: Iterable[Hashable]) -> list[Hashable]:
    """Return features in one order: those of one type by name, numbers by size."""
    return sorted(features, key=lambda feature: (type(feature).__name__, len(repr(feature)), repr(feature)))
