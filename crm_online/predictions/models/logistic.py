"""Logistic regression with an L2 penalty."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from crm_online.predictions.models.linear import LinearModel, fit_logistic

_STRENGTH: Final = 10.0


def fit(x: NDArray[np.float64], y: NDArray[np.float64]) -> LinearModel:
    """Fit to scaled vectors float64[n, d] and labels float64[n], in which both answers occur."""
    return fit_logistic(x, y, _STRENGTH)
