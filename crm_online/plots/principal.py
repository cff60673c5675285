"""The two directions in which customers differ most, named after the features that make them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crm_online.segments.vectors import RESOLUTION

NAMED = 3
"""Most features that an axis is named after."""

_STRONG = 0.4
_DIGITS = 9
_MINUS = "\N{MINUS SIGN}"


@dataclass(frozen=True, slots=True)
class PrincipalAxes:
    """Axes through the customers' mean, in the order of what they explain.

    Attributes
    ----------
    middle
        The mean, shape (d,), in standard deviations.
    directions
        Unit vectors, shape (axes, d); the strongest feature of each counts up.
    explained
        The share of the customers' variance along each.
    """

    middle: NDArray[np.float64]
    directions: NDArray[np.float64]
    explained: tuple[float, ...]

    @classmethod
    def fit(cls, vectors: NDArray[np.int16] | NDArray[np.float64], axes: int = 2) -> PrincipalAxes:
        """Find the axes of customers, by singular value decomposition.

        A singular vector's sign is nothing's but the algorithm's. Here the strongest feature is always
        positive, and the last digits are cut, so that the same customers make the same picture.

        Parameters
        ----------
        vectors
            In vector units, shape (n, d), n ≥ 1.
        axes
            How many. Where customers differ in fewer directions, the last explain nothing and are 0.

        Examples
        --------
        >>> axes = PrincipalAxes.fit(np.array([[0.0, 0.0], [-2048.0, 1024.0], [2048.0, -1024.0]]))
        >>> axes.directions.round(3).tolist(), axes.explained
        ([[0.894, -0.447], [0.0, 0.0]], (1.0, 0.0))
        """
        points = vectors / np.float64(RESOLUTION)
        middle = points.mean(axis=0)
        _, strength, turned = np.linalg.svd(points - middle, full_matrices=False)
        directions, explained = np.zeros((axes, points.shape[1])), np.zeros(axes)
        total = float((strength**2).sum())
        for number, row in enumerate(turned[:axes].round(_DIGITS)):
            share = round(float(strength[number]) ** 2 / total, _DIGITS) if total > 0 else 0.0
            if share:
                sign = np.sign(row[np.argmax(np.abs(row))])
                directions[number], explained[number] = row * sign, share
        return cls(middle, directions + 0.0, tuple(explained.tolist()))

    def project(self, vectors: NDArray[np.int16] | NDArray[np.float64]) -> NDArray[np.float64]:
        """Return where customers or centroids, shape (n, d), in vector units, lie on the axes, shape (n, axes)."""
        along = (vectors / np.float64(RESOLUTION) - self.middle) @ self.directions.T
        return np.asarray(along.round(_DIGITS))

    def label(self, axis: int, names: Sequence[str]) -> str:
        """Return an axis' name: the features that count most along it, with their directions.

        Examples
        --------
        >>> axes = PrincipalAxes(np.zeros(3), np.array([[0.8, 0.1, 0.59]]), (0.421,))
        >>> axes.label(0, ["spending", "views", "orders"])
        'axis 1 (42 %): spending +, orders +'
        """
        weights = self.directions[axis]
        strength = np.abs(weights)
        order = np.argsort(-strength, kind="stable")[:NAMED]
        strong = [
            number for number in order.tolist() if strength[number] and strength[number] >= _STRONG * strength.max()
        ]
        parts = [f"{names[number]} {'+' if weights[number] > 0 else _MINUS}" for number in strong]
        return f"axis {axis + 1} ({100 * self.explained[axis]:.0f} %): " + (", ".join(parts) or "nothing varies")
