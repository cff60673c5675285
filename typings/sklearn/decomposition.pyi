from typing import Self

import numpy as np
from numpy.typing import NDArray

class PCA:
    components_: NDArray[np.float64]
    explained_variance_ratio_: NDArray[np.float64]
    def __init__(self, n_components: int | None = None) -> None: ...
    def fit(self, X: NDArray[np.float64]) -> Self: ...
