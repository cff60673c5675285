"""Which learners there are, and the form of what they learn."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from crm_online.predictions.models import btyd, logistic, net, svm, tree
from crm_online.predictions.models.linear import LinearModel


class FittedModel(Protocol):
    """A model that was learned, as plain arrays: it predicts without the library that fitted it."""

    def log_odds(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the log-odds of n scaled vectors, float64[n]."""
        ...

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return what is stored."""
        ...


LEARNERS: Final[Mapping[str, Callable[[NDArray[np.float64], NDArray[np.float64]], FittedModel]]] = {
    "btyd": btyd.fit,
    "logistic": logistic.fit,
    "tree": tree.fit,
    "svm": svm.fit,
    "net": net.fit,
}
"""How each model but the ensemble is fitted to scaled vectors and labels."""

DECODERS: Final[Mapping[str, Callable[[Mapping[str, NDArray[Any]]], FittedModel]]] = {
    "btyd": LinearModel.from_arrays,
    "logistic": LinearModel.from_arrays,
    "tree": tree.TreeModel.from_arrays,
    "svm": LinearModel.from_arrays,
    "net": net.NetModel.from_arrays,
}
