"""Neural network: one hidden layer."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

_HIDDEN: Final = 16
_STRENGTH: Final = 30.0
_STEPS: Final = 60


@dataclass(frozen=True, slots=True, eq=False)
class NetModel:
    """A fitted network: log-odds are ``tanh(x @ inner + inner_bias) @ outer + outer_bias``.

    Attributes
    ----------
    inner, inner_bias
        float64[d, k], float64[k].
    outer, outer_bias
        float64[k], float64[1].
    """

    inner: NDArray[np.float64]
    inner_bias: NDArray[np.float64]
    outer: NDArray[np.float64]
    outer_bias: NDArray[np.float64]

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Return what :meth:`arrays` gave."""
        return cls(**arrays)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return what is stored."""
        return {
            "inner": self.inner,
            "inner_bias": self.inner_bias,
            "outer": self.outer,
            "outer_bias": self.outer_bias,
        }

    def log_odds(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the log-odds of n scaled vectors, float64[n]."""
        found: NDArray[np.float64] = np.tanh(x @ self.inner + self.inner_bias) @ self.outer + self.outer_bias[0]
        return found


def fit(x: NDArray[np.float64], y: NDArray[np.float64]) -> NetModel:
    """Fit to scaled vectors float64[n, d] and labels float64[n], in which both answers occur."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    with warnings.catch_warnings():
        # So many steps are enough, whether or not the last still gained something.
        warnings.simplefilter("ignore", ConvergenceWarning)
        net = MLPClassifier(
            (_HIDDEN,), activation="tanh", solver="lbfgs", alpha=_STRENGTH, max_iter=_STEPS, random_state=0
        ).fit(x, y > 0)
    (inner, outer), (inner_bias, outer_bias) = net.coefs_, net.intercepts_
    return NetModel(inner, inner_bias, outer[:, 0].copy(), outer_bias)
