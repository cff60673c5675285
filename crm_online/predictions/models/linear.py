"""Models whose log-odds are a weighted sum of the scaled features: logistic regression, linear SVM, and the BTYD."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

LEAST_SLOPE: Final = 0.01
"""Of a calibration: above 0, so that it never reverses an order, and so little that what is said is the level."""
_FARTHEST: Final = 20.0


@dataclass(frozen=True, slots=True, eq=False)
class LinearModel:
    """A fitted linear model.

    Attributes
    ----------
    coefficients
        float64[d]: log-odds by unit of each scaled feature.
    intercept
        float64[1]: log-odds where all are 0.
    """

    coefficients: NDArray[np.float64]
    intercept: NDArray[np.float64]

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Return what :meth:`arrays` gave."""
        return cls(arrays["coefficients"], arrays["intercept"])

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return what is stored."""
        return {"coefficients": self.coefficients, "intercept": self.intercept}

    def log_odds(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the log-odds of n scaled vectors, float64[n]."""
        found: NDArray[np.float64] = x @ self.coefficients + self.intercept[0]
        return found

    def calibrated(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> LinearModel:
        """Return the model with slope and intercept of its scores such that they are log-odds.

        Source: Platt, Probabilistic outputs for support vector machines, 1999.
        """
        slope, intercept = calibration(self.log_odds(x), y)
        return LinearModel(slope * self.coefficients, slope * self.intercept + intercept)


def fit_logistic(x: NDArray[np.float64], y: NDArray[np.float64], strength: float) -> LinearModel:
    """Fit a logistic regression.

    Parameters
    ----------
    x
        float64[n, d]: scaled vectors.
    y
        float64[n]: labels, 1 or 0; both occur.
    strength
        Of the L2 penalty.
    """
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=1 / strength, max_iter=1000).fit(x, y > 0)
    return LinearModel(model.coef_[0].astype(np.float64), model.intercept_.astype(np.float64))


def calibration(scores: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[float, float]:
    """Return slope and intercept by which scores become log-odds of labels; the order of scores stays.

    Where the labels go against the scores, as when the best customers have just stopped, the scores say next to
    nothing, and the level is that of the labels.
    """
    model = fit_logistic(scores[:, np.newaxis], y, 1e-3)
    slope = float(model.coefficients[0])
    if slope >= LEAST_SLOPE:
        return slope, float(model.intercept[0])
    return LEAST_SLOPE, shift_to(LEAST_SLOPE * scores, float(y.mean()))


def shift_to(log_odds: NDArray[np.float64], level: float) -> float:
    """Return what is to be added to log-odds, float64[n], such that the mean of their chances is a level."""
    from scipy.optimize import brentq
    from scipy.special import expit

    found = brentq(lambda shift: expit(log_odds + shift).mean() - level, -_FARTHEST, _FARTHEST, xtol=1e-9)
    return float(found)
