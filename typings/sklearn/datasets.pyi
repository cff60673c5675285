from typing import Literal, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

@overload
def make_blobs(
    n_samples: int | ArrayLike = ...,
    n_features: int = ...,
    *,
    centers: int | ArrayLike | None = ...,
    cluster_std: float | ArrayLike = ...,
    center_box: tuple[float, float] = ...,
    shuffle: bool = ...,
    random_state: int | np.random.RandomState | None = ...,
    return_centers: Literal[False] = ...,
) -> tuple[NDArray[np.float64], NDArray[np.int64]]: ...
@overload
def make_blobs(
    n_samples: int | ArrayLike = ...,
    n_features: int = ...,
    *,
    centers: int | ArrayLike | None = ...,
    cluster_std: float | ArrayLike = ...,
    center_box: tuple[float, float] = ...,
    shuffle: bool = ...,
    random_state: int | np.random.RandomState | None = ...,
    return_centers: Literal[True],
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.float64]]: ...
