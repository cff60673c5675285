"""Logistic regression with an L2 penalty."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

PENALTY: Final = 10.0
"""Examples of evidence, at a log-odds of 0, that the penalty counts for."""


@dataclass(frozen=True, slots=True)
class Logistic:
    """A fitted logistic regression.

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
    def fit(cls, x: NDArray[np.float64], y: NDArray[np.float64]) -> Self:
        """Fit to scaled vectors float64[n, d] and labels float64[n], in which both answers occur."""
        from sklearn.linear_model import LogisticRegression

        model = LogisticRegression(C=1 / PENALTY, max_iter=500, tol=1e-6).fit(x, y > 0)
        return cls(model.coef_[0].astype(np.float64), model.intercept_.astype(np.float64))

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
