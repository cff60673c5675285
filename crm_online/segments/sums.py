"""What the members of segments add up to, in exact integers, and the figures that follow.

Segment k has ``W_k`` members, ``S_k`` is the sum of their vectors, ``Q_k`` the sum of the squares of
each coordinate. Centroids are ``S_k / W_k``, and the criterion of k-means is known without a pass
over the data: J(C, U) = Σ_k Σ_{n∈C_k} |x_n - c_k|² = Σ x² - Σ_k |S_k|² / W_k.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crm_online.errors import StateCorrupt, StateTooNew
from crm_online.segments.vectors import RESOLUTION

ABSENT = -1
"""Label of a customer that is in no segment: not there yet, or no longer."""

_MAGIC = b"SU"
_VERSION = 1
_ROUNDING = 1e-9
_HEADER = struct.Struct("<2sBxHH")


@dataclass(frozen=True, slots=True, eq=False)
class SegmentSums:
    """The exact sums of k segments over d features; never changed, only replaced.

    Customers weigh 1 each, so their sums are whole numbers. Points whose weight decays weigh less, so
    theirs are float64, as :meth:`empty` makes them: exact while they are whole numbers below 2**53.

    Attributes
    ----------
    W
        Number of members, int64, shape (k,).
    S
        Sum of their vectors, int64, shape (k, d), in vector units.
    Q
        Sum of their squared coordinates, int64, shape (k, d), in squared vector units. It cannot
        overflow below 8 · 10⁹ customers.

    Examples
    --------
    >>> vectors = np.array([[1, 0], [3, 0], [0, 5]], dtype=np.int16)
    >>> sums = SegmentSums.empty(2, 2).move(None, None, vectors, np.array([0, 0, 1]))
    >>> sums.W.tolist(), sums.centroids().tolist(), sums.inertia() * 1024**2
    ([2, 1], [[2.0, 0.0], [0.0, 5.0]], 2.0)
    """

    W: NDArray[Any]
    S: NDArray[Any]
    Q: NDArray[Any]

    @classmethod
    def empty(cls, k: int, d: int, dtype: type[np.int64 | np.float64] = np.int64) -> SegmentSums:
        """Return the sums of k segments without members."""
        return cls(np.zeros(k, dtype), np.zeros((k, d), dtype), np.zeros((k, d), dtype))

    def move(
        self,
        vectors_old: NDArray[np.int16] | None,
        labels_old: NDArray[np.integer] | None,
        vectors_new: NDArray[np.int16] | None,
        labels_new: NDArray[np.integer] | None,
    ) -> SegmentSums:
        """Return the sums after old vectors have left their segments and new ones have entered.

        Parameters
        ----------
        vectors_old, vectors_new
            Vectors, shape (n, d); a customer may come several times.
        labels_old, labels_new
            The segment of each, shape (n,); ``ABSENT`` where there was, or will be, none.
            ``None`` for both vectors and labels means that there are none.
        """
        members, totals, squares = self.W.copy(), self.S.copy(), self.Q.copy()
        for sign, vectors, labels in ((-1, vectors_old, labels_old), (1, vectors_new, labels_new)):
            if vectors is None or labels is None:
                continue
            rows = np.argsort(labels, kind="stable")
            rows = rows[np.count_nonzero(labels == ABSENT) :]
            if len(rows):
                segments, begins, counts = np.unique(labels[rows], return_index=True, return_counts=True)
                wide = vectors[rows].astype(np.int64)
                members[segments] += sign * counts
                totals[segments] += sign * np.add.reduceat(wide, begins, axis=0)
                squares[segments] += sign * np.add.reduceat(wide * wide, begins, axis=0)
        return SegmentSums(members, totals, squares)

    def enter(self, vector: NDArray[np.int16], label: int, weight: float = 1) -> SegmentSums:
        """Return the sums after one vector, shape (d,), has entered a segment."""
        members, totals, squares, wide = self.W.copy(), self.S.copy(), self.Q.copy(), vector.astype(self.S.dtype)
        members[label] += weight
        weighed = wide * weight if weight != 1 else wide
        totals[label] += weighed
        squares[label] += weighed * wide
        return SegmentSums(members, totals, squares)

    def weigh(
        self, vectors: NDArray[np.int16], labels: NDArray[np.integer], weights: NDArray[np.float64]
    ) -> SegmentSums:
        """Return the sums after vectors, shape (n, d), of some weights, shape (n,), have entered their segments.

        Negative weights let vectors leave; what is left of a segment is nothing when it is mere rounding.
        """
        members, totals, squares = self.W.copy(), self.S.copy(), self.Q.copy()
        for k in range(len(members)):
            members_of_k = labels == k
            wide, weight = vectors[members_of_k].astype(self.S.dtype), weights[members_of_k, None]
            members[k] += weight.sum()
            totals[k] += (weight * wide).sum(axis=0)
            squares[k] += (weight * wide * wide).sum(axis=0)
        some = members > _ROUNDING * np.abs(self.W).max(initial=0.0)
        return SegmentSums(
            np.where(some, members, 0.0), np.where(some[:, None], totals, 0.0), np.where(some[:, None], squares, 0.0)
        )

    def faded(self, factor: float) -> SegmentSums:
        """Return the sums with all members weighing ``factor`` as much."""
        return SegmentSums(self.W * factor, self.S * factor, self.Q * factor)

    def regrouped(self, labels: NDArray[np.integer], k: int) -> SegmentSums:
        """Return the sums of k segments, after all members of each of these have moved to its label there."""
        sums = SegmentSums.empty(k, self.S.shape[1], self.W.dtype.type)
        for total, part in zip((sums.W, sums.S, sums.Q), (self.W, self.S, self.Q), strict=True):
            np.add.at(total, labels, part)
        return sums

    def widened(self, more: int) -> SegmentSums:
        """Return the sums over so many more features, which are 0 in all members."""
        return SegmentSums(self.W, np.pad(self.S, ((0, 0), (0, more))), np.pad(self.Q, ((0, 0), (0, more))))

    def __add__(self, other: SegmentSums) -> SegmentSums:
        """Return the sums over the members of both: partitions merge by adding."""
        return SegmentSums(self.W + other.W, self.S + other.S, self.Q + other.Q)

    def __eq__(self, other: object) -> bool:
        """Return whether all sums are the same."""
        return isinstance(other, SegmentSums) and self.to_bytes() == other.to_bytes()

    def __hash__(self) -> int:
        """Return a hash that fits equality."""
        return hash(self.to_bytes())

    def centroids(self) -> NDArray[np.float64]:
        """Return ``S_k / W_k`` in vector units, shape (k, d); NaN for a segment without members."""
        members = np.where(self.W > 0, self.W, 1)
        return np.where(self.W[:, None] > 0, self.S / members[:, None], np.nan)

    def inertia(self) -> float:
        """Return J(C, U) in squared standard deviations: exact up to the rounding of the result."""
        return float(sum(self._inertias(), Fraction(0)) / RESOLUTION**2)

    def inertias(self) -> NDArray[np.float64]:
        """Return each segment's part of J, shape (k,), in squared standard deviations."""
        return np.array([float(inertia / RESOLUTION**2) for inertia in self._inertias()], dtype=np.float64)

    def shares(self) -> NDArray[np.float64]:
        """Return each segment's share of J, shape (k,): they add up to 1, or are all 0 if J is."""
        inertias = self._inertias()
        total = sum(inertias, Fraction(0))
        return np.array([float(inertia / total) if total else 0.0 for inertia in inertias], dtype=np.float64)

    def squares(self) -> float:
        """Return Σ x² over all members, in squared standard deviations: J of one segment at the origin."""
        return float(Fraction(sum(int(q) for q in self.Q.flat), RESOLUTION**2))

    def variances(self) -> NDArray[np.float64]:
        """Return each feature's variance within each segment, shape (k, d), in squared standard deviations."""
        variances = np.full(self.S.shape, np.nan)
        for k, w in enumerate(int(w) for w in self.W):
            if w:
                spread = [Fraction(w * int(q) - int(s) ** 2) for s, q in zip(self.S[k], self.Q[k], strict=True)]
                variances[k] = [float(value / (w * RESOLUTION) ** 2) for value in spread]
        return variances

    def to_bytes(self) -> bytes:
        """Return the sums as bytes, little-endian, with a version."""
        k, d = self.S.shape
        return _HEADER.pack(_MAGIC, _VERSION, k, d) + b"".join(
            array.astype("<i8").tobytes() for array in (self.W, self.S, self.Q)
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> SegmentSums:
        """Read what :meth:`to_bytes` wrote.

        Raises
        ------
        StateTooNew
            If a newer version wrote it.
        StateCorrupt
            If it is something else, or no vectors have such sums.
        """
        if len(data) < _HEADER.size or data[:2] != _MAGIC:
            raise StateCorrupt("the segments' sums cannot be read")
        _, version, k, d = _HEADER.unpack_from(data)
        if version > _VERSION:
            raise StateTooNew(f"the segments' sums have version {version}, known is up to {_VERSION}")
        if version < 1 or len(data) != _HEADER.size + 8 * (k + 2 * k * d):
            raise StateCorrupt("the segments' sums have the wrong length")
        values = np.frombuffer(data, dtype="<i8", offset=_HEADER.size).astype(np.int64)
        sums = cls(values[:k], values[k : k + k * d].reshape(k, d), values[k + k * d :].reshape(k, d))
        if (sums.W < 0).any() or (sums.Q < 0).any() or sums._is_impossible():
            raise StateCorrupt("no customers add up to the segments' sums")
        return sums

    def _is_impossible(self) -> bool:
        """Return whether a segment's J is negative."""
        least = np.square(self.S, dtype=np.float64).sum(axis=1)
        most = self.W * self.Q.sum(axis=1, dtype=np.float64)
        # What is more than roundings apart needs no exact figures.
        return bool((least > most * (1 - _ROUNDING)).any()) and any(inertia < 0 for inertia in self._inertias())

    def _inertias(self) -> list[Fraction]:
        """Return each segment's part of J in squared vector units, exactly: int64 would overflow in |S|²."""
        parts = []
        exact: type[int | Fraction] = int if np.issubdtype(self.W.dtype, np.integer) else Fraction
        for w, s, q in zip(self.W.tolist(), self.S.tolist(), self.Q.tolist(), strict=True):
            squares = Fraction(sum(exact(value) for value in q))
            inertia = squares - Fraction(sum(exact(value) ** 2 for value in s)) / Fraction(w) if w else squares
            parts.append(inertia if exact is int else max(inertia, Fraction(0)))
        return parts
