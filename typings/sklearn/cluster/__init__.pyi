from typing import Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

class KMeans:
    cluster_centers_: NDArray[np.float64]
    labels_: NDArray[np.int32]
    inertia_: float
    n_iter_: int
    def __init__(
        self,
        n_clusters: int = ...,
        *,
        init: Literal["k-means++", "random"] | ArrayLike = ...,
        n_init: int | Literal["auto"] = ...,
        max_iter: int = ...,
        tol: float = ...,
        verbose: int = ...,
        random_state: int | np.random.RandomState | None = ...,
        copy_x: bool = ...,
        algorithm: Literal["lloyd", "elkan"] = ...,
    ) -> None: ...
    def fit(self, X: ArrayLike, y: None = ..., sample_weight: ArrayLike | None = ...) -> Self: ...
    def fit_predict(self, X: ArrayLike, y: None = ..., sample_weight: ArrayLike | None = ...) -> NDArray[np.int32]: ...
    def predict(self, X: ArrayLike) -> NDArray[np.int32]: ...
    def transform(self, X: ArrayLike) -> NDArray[np.float64]: ...
    def score(self, X: ArrayLike, y: None = ..., sample_weight: ArrayLike | None = ...) -> float: ...
