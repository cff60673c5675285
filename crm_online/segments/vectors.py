"""Integer vectors of customers: features, transformed, standardised, weighted and rounded.

Vectors are fixed-point integers, so that sums over customers are exact: they do not drift, and do
not depend on the order of changes or on how customers are spread over partitions.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from crm_online.errors import StateCorrupt

RESOLUTION = 1024
"""Vector units in one (weighted) standard deviation."""

LIMIT = 32 * RESOLUTION - 1
"""Largest vector coordinate that there can be."""

_TAIL = 0.05
"""Share of a sample beyond the quantile on each side of the median from which bounds are taken."""
_REACH = 1.25
"""Where values are clipped, in distances from the median to that quantile."""
_FORGEABLE = 0.01
"""Share of a sample that proves nothing, if all others are on the other side of it or at the median."""

_UNBOUNDED = (-LIMIT, LIMIT)
_SAME = 1e-9


class Transform(StrEnum):
    """What is done to a feature before it is standardised; ``log1p`` is of the feature over its knee."""

    LOG1P = "log1p"
    IDENTITY = "identity"


@dataclass(frozen=True, slots=True)
class Scale:
    """How the features of a model's version become vectors, and back.

    A feature ``x`` becomes ``rint(RESOLUTION * weight * (f(x) - mean) / std)``, where ``f`` is its
    transform, and is clipped to the feature's bounds (winsorising, on purpose): whoever can make up some
    customers can choose neither the scale nor where a centroid lies. Subtracting the mean changes no distance; it
    keeps features that are large against their deviation away from the limit.

    Attributes
    ----------
    names
        The features, in order; ``d`` of them.
    transforms
        The transform of each feature.
    means, stds
        Mean and standard deviation of the transformed and clipped feature on the sample; ``std`` is 0 where the
        feature does not vary, and such a feature counts for nothing (its coordinate is always 0).
    weights
        Weights from the settings: 2 makes a feature count as much as if it varied twice as widely.
    knees
        Where ``log1p(x / knee)`` turns from a straight line into a logarithm, in natural units.
    bounds
        Least and largest coordinate of each feature, in vector units.

    Examples
    --------
    >>> raw = np.array([[0.0, 7.0], [2.0, 7.0]])
    >>> scale = Scale.fit(raw, ["orders", "views"], [Transform.IDENTITY, Transform.LOG1P], [1.0, 1.0])
    >>> scale.encode(raw).tolist()
    [[-1024, 0], [1024, 0]]
    >>> scale.decode(np.array([512.0, 0.0])).round(6).tolist()
    [1.5, 7.0]
    """

    names: tuple[str, ...]
    transforms: tuple[Transform, ...]
    means: tuple[float, ...]
    stds: tuple[float, ...]
    weights: tuple[float, ...]
    knees: tuple[float, ...]
    bounds: tuple[tuple[int, int], ...]

    @classmethod
    def fit(
        cls,
        raw: NDArray[np.float64],
        names: Sequence[str],
        transforms: Sequence[Transform],
        weights: Sequence[float],
        knees: Sequence[float] | None = None,
    ) -> Scale:
        """Take bounds, means and deviations from a sample of customers.

        Values are clipped to 1.25 distances from the median to the quantiles of 5 % and 95 %, each side by itself.
        Where so few are beyond the median that this would be all of them, the half of those that is nearer decides; a
        hundredth of the sample, or less, decides nothing.

        Parameters
        ----------
        raw
            Features in natural units, shape (n, d), n ≥ 1.
        names, transforms, weights, knees
            One for each feature; knees are 1 by default.

        Raises
        ------
        ValueError
            If the shapes do not fit, a value is not finite, a weight is negative or not finite,
            a knee is not above 0, or a ``log1p`` feature is minus its
            knee or less.
        """
        if not len(names) == len(transforms) == len(weights):
            raise ValueError("names, transforms and weights must be of one length")
        _check_sample(raw, names)
        if not all(np.isfinite(weight) and weight >= 0 for weight in weights):
            raise ValueError("weights must be finite and not negative")
        kinds = tuple(Transform(transform) for transform in transforms)
        bends = tuple(float(knee) for knee in knees) if knees is not None else (1.0,) * len(kinds)
        if len(bends) != len(kinds) or not all(np.isfinite(knee) and knee > 0 for knee in bends):
            raise ValueError("there must be a knee for each feature, finite and above 0")
        columns = _transformed(raw, kinds, bends)
        limits = [_limits(column) for column in columns]
        unbounded = cls._of(
            [column.clip(*limit) for column, limit in zip(columns, limits, strict=True)], names, kinds, weights, bends
        )
        places = zip(limits, unbounded.means, unbounded.units(), strict=True)
        bounds = [(_coordinate(low, mean, unit), _coordinate(high, mean, unit)) for (low, high), mean, unit in places]
        return replace(unbounded, bounds=tuple(bounds))

    @classmethod
    def _of(
        cls,
        columns: Sequence[NDArray[np.float64]],
        names: Sequence[str],
        transforms: tuple[Transform, ...],
        weights: Sequence[float],
        knees: tuple[float, ...],
    ) -> Scale:
        """Return the scale of transformed columns, without bounds but the limit."""
        means = tuple(_rounded(float(column.mean())) for column in columns)
        stds = tuple(_deviation(column) for column in columns)
        weighted = tuple(float(weight) for weight in weights)
        return cls(tuple(names), transforms, means, stds, weighted, knees, (_UNBOUNDED,) * len(means))

    @classmethod
    def common(cls, raw: NDArray[np.float64], names: Sequence[str]) -> Scale:
        """Take one unit for all features from a sample, so that distances are those of the raw space.

        The unit is that of the feature that deviates most; of 1, if none does. Nothing is clipped.

        Parameters
        ----------
        raw
            Features in natural units, shape (n, d), n ≥ 1.
        names
            One for each feature.

        Raises
        ------
        ValueError
            If the shapes do not fit or a value is not finite.

        Examples
        --------
        >>> raw = np.array([[0.0, 7.0], [200.0, 8.0]])
        >>> Scale.common(raw, ["spending", "orders"]).encode(raw).tolist()
        [[-1024, -5], [1024, 5]]
        """
        d = len(names)
        _check_sample(raw, names)
        kinds, knees = (Transform.IDENTITY,) * d, (1.0,) * d
        own = cls._of(_transformed(raw, kinds, knees), names, kinds, [1.0] * d, knees)
        return replace(own, stds=(max(own.stds, default=0.0) or 1.0,) * d)

    def refitted(self, raw: NDArray[np.float64]) -> Scale:
        """Take means and deviations from another sample of the same features; see :meth:`fit`."""
        return Scale.fit(raw, self.names, self.transforms, self.weights, self.knees)

    def widened(self, names: Sequence[str]) -> Scale:
        """Return a scale of :meth:`common` over more features, whose value of 0 is the vector coordinate 0."""
        more, unit = len(names), self.stds[:1] or (1.0,)
        return Scale(
            (*self.names, *names),
            (*self.transforms, *[Transform.IDENTITY] * more),
            (*self.means, *[0.0] * more),
            (*self.stds, *unit * more),
            (*self.weights, *[1.0] * more),
            (*self.knees, *[1.0] * more),
            (*self.bounds, *[_UNBOUNDED] * more),
        )

    def encode(self, raw: NDArray[np.float64]) -> NDArray[np.int16]:
        """Return the vectors, shape (n, d), of customers with features ``raw``, shape (n, d).

        Raises
        ------
        ValueError
            If the shape does not fit or a value is not finite.
        """
        if raw.ndim != 2 or raw.shape[1] != len(self.names):
            raise ValueError(f"features of shape (n, {len(self.names)}) are needed, not {raw.shape}")
        vectors = np.zeros(raw.shape, dtype=np.int16)
        units = self.units()
        for number, column in enumerate(_transformed(raw, self.transforms, self.knees)):
            scaled = np.rint((column - self.means[number]) * units[number])
            vectors[:, number] = np.clip(scaled, *self.bounds[number]).astype(np.int16)
        return vectors

    def decode(self, vectors: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return natural units for vectors or centroids, shape (…, d), in vector units.

        A feature that counts for nothing has its mean on the sample.
        """
        natural = np.empty(vectors.shape, dtype=np.float64)
        units = self.units()
        for number, transform in enumerate(self.transforms):
            offset = vectors[..., number] / units[number] if units[number] else 0.0
            value = offset + self.means[number]
            natural[..., number] = np.expm1(value) * self.knees[number] if transform is Transform.LOG1P else value
        return natural

    def units(self) -> tuple[float, ...]:
        """Return the vector units in one unit of each transformed feature; 0 where it counts for nothing."""
        return tuple(
            RESOLUTION * weight / std if std else 0.0 for weight, std in zip(self.weights, self.stds, strict=True)
        )

    def to_json(self) -> str:
        """Return the scale as one line of JSON; floats come back to the last bit."""
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str | bytes) -> Scale:
        """Read what :meth:`to_json` wrote.

        Raises
        ------
        StateCorrupt
            If it is something else.
        """
        try:
            value = json.loads(text)
            scale = cls(
                tuple(str(name) for name in value["names"]),
                tuple(Transform(transform) for transform in value["transforms"]),
                tuple(float(mean) for mean in value["means"]),
                tuple(float(std) for std in value["stds"]),
                tuple(float(weight) for weight in value["weights"]),
                tuple(float(knee) for knee in value["knees"]),
                tuple((int(low), int(high)) for low, high in value["bounds"]),
            )
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise StateCorrupt("the scale of the segments' vectors cannot be read") from error
        d = len(scale.names)
        lists = (scale.transforms, scale.means, scale.stds, scale.weights, scale.knees, scale.bounds)
        if any(len(one) != d for one in lists):
            raise StateCorrupt("the scale of the segments' vectors has lists of different lengths")
        if not all(map(math.isfinite, (*scale.means, *scale.stds, *scale.weights, *scale.knees))):
            raise StateCorrupt("the scale of the segments' vectors has numbers that are not finite")
        if not all(-LIMIT <= low <= high <= LIMIT for low, high in scale.bounds):
            raise StateCorrupt("the scale of the segments' vectors has bounds beyond the limit")
        return scale


def scaled(vectors: NDArray[np.int16]) -> NDArray[np.float64]:
    """Return vectors in (weighted) standard deviations: exact, as RESOLUTION is a power of two."""
    return vectors / np.float64(RESOLUTION)


def _transformed(
    raw: NDArray[np.float64], transforms: tuple[Transform, ...], knees: tuple[float, ...]
) -> list[NDArray[np.float64]]:
    """Return the transformed features, one contiguous column each.

    Contiguous, so that a value's last bit does not depend on which of numpy's loops it went through.
    """
    columns = []
    for number, transform in enumerate(transforms):
        column = np.ascontiguousarray(raw[:, number], dtype=np.float64)
        if transform is Transform.LOG1P:
            if (column <= -knees[number]).any():
                raise ValueError("a log1p feature must be greater than minus its knee")
            column = np.log1p(column / knees[number])
        if not np.isfinite(column).all():
            raise ValueError("features must be finite")
        columns.append(column)
    return columns


def _check_sample(raw: NDArray[np.float64], names: Sequence[str]) -> None:
    if raw.ndim != 2 or raw.shape[1] != len(names) or not len(raw):
        raise ValueError(f"a sample of shape (n, {len(names)}) with n ≥ 1 is needed, not {raw.shape}")


def _limits(column: NDArray[np.float64]) -> tuple[float, float]:
    """Return where a transformed feature is clipped, see :meth:`Scale.fit`."""
    middle = float(np.median(column))
    return middle - _reach(middle - column), middle + _reach(column - middle)


def _reach(deviations: NDArray[np.float64]) -> float:
    """Return how far from the median values are clipped on the side on which deviations are above 0."""
    n, beyond = len(deviations), np.sort(deviations[deviations > 0])
    count = len(beyond)
    if count <= int(_FORGEABLE * n):
        return 0.0
    return _REACH * float(beyond[max(count - int(_TAIL * n), (count + 1) // 2) - 1])


def _coordinate(value: float, mean: float, unit: float) -> int:
    """Return where a transformed value lies in vector units, within the limit."""
    return int(np.clip(np.rint((value - mean) * unit), -LIMIT, LIMIT))


def _deviation(column: NDArray[np.float64]) -> float:
    """Return the standard deviation, 0 if it is only rounding noise."""
    std = float(column.std())
    return _rounded(std) if std > _SAME * max(1.0, float(np.abs(column).max())) else 0.0


def _rounded(value: float) -> float:
    """Return a value with 12 digits, so that the last bits of a sum do not matter."""
    return float(f"{value:.12g}")
