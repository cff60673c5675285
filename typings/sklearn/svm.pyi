import numpy as np
from numpy.typing import NDArray

class LinearSVC:
    coef_: NDArray[np.float64]
    intercept_: NDArray[np.float64]
    def __init__(
        self,
        *,
        C: float = ...,
        dual: bool = ...,
        class_weight: str = ...,
        max_iter: int = ...,
        random_state: int = ...,
    ) -> None: ...
    def fit(self, X: NDArray[np.float64], y: NDArray[np.bool_]) -> LinearSVC: ...
    def decision_function(self, X: NDArray[np.float64]) -> NDArray[np.float64]: ...
