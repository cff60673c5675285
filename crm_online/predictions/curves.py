"""Curves of how good a model's predictions were: calibration and gains."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

BINS: Final = 10
"""Bins of the calibration curve, of equal width; those without examples are left out."""
STEPS: Final = 20
"""Steps of the gains curve."""


class CalibrationPoint(NamedTuple):
    """The examples whose predicted chances are in one bin.

    Attributes
    ----------
    predicted
        Mean of their chances.
    observed
        Share of them for which it happened.
    examples
        How many there are.
    """

    predicted: float
    observed: float
    examples: int


@dataclass(frozen=True, slots=True)
class ModelCurves:
    """The curves of one model; both empty where nothing was judged, gains also where there was one outcome only.

    Attributes
    ----------
    model
        Its name.
    calibration
        What happened of what was predicted, from low chances to high ones.
    rarer
        The rarer outcome, which a shop looks for among many: whether it is that it happened.
    gains
        Share of those with the rarer outcome that is found among the 0, 5, 10 … 100 % of the customers for whom the
        model thought it likeliest.
    """

    model: str
    calibration: tuple[CalibrationPoint, ...] = ()
    rarer: bool = True
    gains: tuple[float, ...] = ()

    @classmethod
    def judged(cls, model: str, y: NDArray[np.float64], p: NDArray[np.float64]) -> Self:
        """Return the curves of some predictions; those that are NaN are left out.

        Parameters
        ----------
        model
            Its name.
        y, p
            float64[n]: what happened, 0 or 1, and the chance of it that was predicted before.

        Examples
        --------
        >>> curves = ModelCurves.judged("tree", np.array([1.0, 0.0, 1.0, 1.0]), np.array([0.9, 0.1, 0.9, 0.5]))
        >>> [tuple(point) for point in curves.calibration], curves.rarer, curves.gains[5]
        ([(0.1, 0.0, 1), (0.5, 1.0, 1), (0.9, 1.0, 2)], False, 1.0)
        """
        some = np.isfinite(p)
        y, p = y[some], p[some]
        bins = np.minimum((p * BINS).astype(np.int64), BINS - 1)
        calibration = tuple(
            CalibrationPoint(_rounded(p[bins == one].mean()), _rounded(y[bins == one].mean()), int((bins == one).sum()))
            for one in np.unique(bins).tolist()
        )
        rarer = bool(2 * y.sum() <= len(y))
        return cls(model, calibration, rarer, _gains(y, p) if rarer else _gains(1 - y, 1 - p))

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Return what :func:`dataclasses.asdict` made of the curves."""
        points = tuple(CalibrationPoint(*point) for point in value["calibration"])
        return cls(str(value["model"]), points, bool(value["rarer"]), tuple(map(float, value["gains"])))


def _gains(y: NDArray[np.float64], p: NDArray[np.float64]) -> tuple[float, ...]:
    """Return the share of the ones found in each share of the examples; among equal chances they are spread evenly."""
    if not y.any():
        return ()
    chances, where = np.unique(-p, return_inverse=True)
    examples = np.r_[0, np.bincount(where, minlength=len(chances)).cumsum()]
    found = np.r_[0, np.bincount(where, y, len(chances)).cumsum()]
    shares = np.interp(np.linspace(0, len(y), STEPS + 1), examples, found) / y.sum()
    return tuple(map(_rounded, shares.tolist()))


def _rounded(value: float) -> float:
    return round(float(value), 4)
