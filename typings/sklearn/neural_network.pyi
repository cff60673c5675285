import numpy as np
from numpy.typing import NDArray

class MLPClassifier:
    coefs_: list[NDArray[np.float64]]
    intercepts_: list[NDArray[np.float64]]
    def __init__(
        self,
        hidden_layer_sizes: tuple[int, ...],
        *,
        activation: str = ...,
        solver: str = ...,
        alpha: float = ...,
        max_iter: int = ...,
        random_state: int = ...,
    ) -> None: ...
    def fit(self, X: NDArray[np.float64], y: NDArray[np.bool_]) -> MLPClassifier: ...
    def predict_proba(self, X: NDArray[np.float64]) -> NDArray[np.float64]: ...
