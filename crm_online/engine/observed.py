"""What a step contributes to the drift tests: sums, which can be added over partitions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from crm_online.baskets.open import ClosedBasket
from crm_online.errors import StateCorrupt, StateTooNew
from crm_online.events.columns import hash64

NAME = "observed"
"""Name of the key."""
GROUPS = 128
"""Groups that items are in, by a hash of their names: what is bought is counted by group."""

_VERSION = 1
_FINENESS = 1_000_000
_KEY = "crm-online/drift"
_NO_TIMES = np.zeros(0, np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class ObservedSums:
    """What observations add up to, exactly, in any order.

    Attributes
    ----------
    values
        int64[2 + GROUPS]: the number of distances, their sum in millionths, and the lines of baskets by group.
    """

    values: NDArray[np.int64]

    @classmethod
    def empty(cls) -> ObservedSums:
        """Return the sums of nothing."""
        return cls(np.zeros(2 + GROUPS, np.int64))

    @classmethod
    def of(cls, distances: NDArray[np.float64], groups: NDArray[np.int64]) -> ObservedSums:
        """Return the sums of some distances, and of lines by the groups of their items."""
        head = [len(distances), int(np.rint(distances * _FINENESS).astype(np.int64).sum())]
        return cls(np.concatenate([head, np.bincount(groups, minlength=GROUPS)]).astype(np.int64))

    @property
    def distances(self) -> tuple[int, float]:
        """The number of distances, and their sum in standard deviations."""
        return int(self.values[0]), float(self.values[1]) / _FINENESS

    @property
    def lines(self) -> NDArray[np.int64]:
        """The lines of baskets by group, int64[GROUPS]."""
        return self.values[2:]

    def __add__(self, other: ObservedSums) -> ObservedSums:
        """Return the sums of both."""
        return ObservedSums(self.values + other.values)

    def __sub__(self, other: ObservedSums) -> ObservedSums:
        """Return the sums of what is in these and not in the others."""
        return ObservedSums(self.values - other.values)

    def encode(self) -> bytes:
        """Return the sums as bytes."""
        return bytes([_VERSION]) + self.values.astype("<i8").tobytes()

    @classmethod
    def decode(cls, raw: bytes | None) -> ObservedSums:
        """Read what :meth:`encode` wrote; without bytes, empty sums.

        Raises
        ------
        StateTooNew, StateCorrupt
            If a newer version, or none, wrote it.
        """
        if not raw:
            return cls.empty()
        if raw[0] > _VERSION:
            raise StateTooNew(f"observed sums have version {raw[0]}, known is up to {_VERSION}")
        if len(raw) != 1 + 8 * (2 + GROUPS):
            raise StateCorrupt("the observed sums of a partition have the wrong length")
        return cls(np.frombuffer(raw, "<i8", offset=1).astype(np.int64))


@dataclass(slots=True)
class Observed:
    """What one step shows, each observation with its time in ms.

    Attributes
    ----------
    distances, distance_times
        How far customers with an event lie from their segments' centroids, in standard deviations, float64[n] and
        int64[n].
    closed, withdrawn
        The baskets that were counted, and those that are no longer so.
    losses
        By target: the times and the losses of what was predicted, each shape (n,), in order of time. Each time is that
        at which all outcomes of a moment are known: one by one, a yes would come before a no.
    """

    distances: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    distance_times: NDArray[np.int64] = field(default_factory=lambda: _NO_TIMES)
    closed: Sequence[ClosedBasket] = ()
    withdrawn: Sequence[ClosedBasket] = ()
    losses: dict[str, tuple[NDArray[np.int64], NDArray[np.float64]]] = field(default_factory=dict)


@dataclass(slots=True)
class ItemGroups:
    """The group of each item of a partition, by its number."""

    _groups: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))

    def of(self, baskets: Sequence[ClosedBasket], names: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the time and the group of each line of some baskets."""
        if len(self._groups) < len(names):
            fresh = hash64(names[len(self._groups) :], _KEY) % np.uint64(GROUPS)
            self._groups = np.concatenate([self._groups, fresh.astype(np.int64)])
        items = np.array([item for basket in baskets for item in basket.items], np.int64)
        times = np.repeat(
            np.array([basket.time for basket in baskets], np.int64),
            np.array([len(basket.items) for basket in baskets], np.int64),
        )
        return times, self._groups[items]


def summed(
    observed: Observed, groups: ItemGroups, names: Sequence[str], edges: NDArray[np.int64]
) -> list[ObservedSums]:
    """Return a step's sums in parts: up to and including each edge in time, and after the last edge.

    What is withdrawn is taken out of the first part.
    """
    times, lines = groups.of(observed.closed, names)
    of_line = np.searchsorted(edges, times, side="left")
    of_distance = np.searchsorted(edges, observed.distance_times, side="left")
    parts = [
        ObservedSums.of(observed.distances[of_distance == part], lines[of_line == part])
        for part in range(len(edges) + 1)
    ]
    if observed.withdrawn:
        parts[0] -= ObservedSums.of(np.zeros(0), groups.of(observed.withdrawn, names)[1])
    return parts
