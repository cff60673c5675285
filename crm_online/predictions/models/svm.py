"""Linear support vector machine, whose margins are made log-odds."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from crm_online.predictions.models.linear import LinearModel

_STRENGTH: Final = 100.0


def fit(x: NDArray[np.float64], y: NDArray[np.float64]) -> LinearModel:
    """Fit to scaled vectors float64[n, d] and labels float64[n], in which both answers occur.

    Errors of the rarer answer weigh more, as if both were as frequent: else the margin is where only the frequent one
    is. What that moves, the calibration moves back.
    """
    from sklearn.svm import LinearSVC

    model = LinearSVC(C=1 / _STRENGTH, dual=False, class_weight="balanced", max_iter=1000).fit(x, y > 0)
    return LinearModel(model.coef_[0].astype(np.float64), model.intercept_.astype(np.float64)).calibrated(x, y)
