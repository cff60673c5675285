"""A sample of points that come one after the other, each once: of all alike, or the more of the later."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crm_online.events.columns import hash64

Point = Mapping[Any, float]
"""Values by feature; a feature that is missing is 0."""

_AHEAD = 4096
_KEY = "crm-online/sample"


class Observations:
    """The points kept of a stream: point *i* of *n* with a chance that halves with each half-life, of equal ones alike.

    Each number has a hash ``u`` in (0, 1), and the points with the smallest ``log2(u) - i / halflife`` are kept: the
    order does not change as all of them age. With no half-life that is a uniform sample. From the first fit on also
    those go whose weight, ``2 ** -((n - i) / halflife)``, has fallen below their ``u``, so a point is kept with a
    chance that is its weight times the same for all.

    Which numbers are kept is chosen ahead, block by block, as hashing one by one is slow. At a
    block's end the sample is that of all points so far; within a block it may be smaller.

    Parameters
    ----------
    size
        How many points are kept at most.
    halflife
        After how many more points one counts half; ``None``: all count alike.

    Attributes
    ----------
    n
        Number of points so far.
    planned
        Up to which number it is chosen which are kept.
    points
        The points kept, by number.
    rows
        The segment that each of these was counted in; nothing for one that waits for the first fit.

    References
    ----------
    Cohen and Kaplan, Summarizing data using bottom-k sketches, PODC 2007.
    Duffield, Lund and Thorup, Priority sampling for estimation of arbitrary subset sums, J. ACM 54 (2007).
    """

    def __init__(self, size: int, halflife: float | None = None) -> None:
        self.n = 0
        self.planned = 0
        self.points: dict[int, Point] = {}
        self.rows: dict[int, int] = {}
        self._size = size
        self._rate = 1 / halflife if halflife else 0.0
        self._ranks: dict[int, float] = {}
        self._chosen: frozenset[int] = frozenset()

    def plan(self, last: int) -> None:
        """Choose which of the next points are kept; their block ends at number ``last``, or before it."""
        first, self.planned = self.planned + 1, min(last, self.planned + _AHEAD)
        fresh = np.arange(first, self.planned + 1)
        hashes = hash64([str(number) for number in fresh.tolist()], _KEY)
        ranks = np.log2((hashes.astype(np.float64) + 0.5) / 2.0**64) - fresh * self._rate
        every = self._ranks | dict(zip(fresh.tolist(), ranks.tolist(), strict=True))
        self._keep(sorted(every, key=every.__getitem__)[: self._size], every)

    def age(self) -> None:
        """Drop those whose weight has fallen too low; they stay counted in their segments."""
        self._keep([number for number, rank in self._ranks.items() if rank <= -self.n * self._rate], self._ranks)

    def weights(self, landmark: int) -> NDArray[np.float64]:
        """Return what the points kept weigh, shape (n,), in order, if point number ``landmark`` weighs 1."""
        numbers = np.fromiter(self.points, np.float64, len(self.points))
        weights: NDArray[np.float64] = np.exp2((numbers - landmark) * self._rate)
        return weights

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

    def _keep(self, numbers: Iterable[int], ranks: Mapping[int, float]) -> None:
        self._ranks = {number: ranks[number] for number in sorted(numbers)}
        for gone in self.points.keys() - self._ranks.keys():
            del self.points[gone]
            self.rows.pop(gone, None)
        self._chosen = frozenset(self._ranks.keys() - self.points.keys())


def in_order(features: Iterable[Hashable]) -> list[Hashable]:
    """Return features in one order: those of one type by name, numbers by size."""
    return sorted(features, key=lambda feature: (type(feature).__name__, len(repr(feature)), repr(feature)))
