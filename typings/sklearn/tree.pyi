import numpy as np
from numpy.typing import NDArray

class Tree:
    node_count: int
    children_left: NDArray[np.int64]
    children_right: NDArray[np.int64]
    feature: NDArray[np.int64]
    threshold: NDArray[np.float64]

class DecisionTreeClassifier:
    tree_: Tree
    def __init__(
        self, *, criterion: str = ..., max_leaf_nodes: int = ..., min_samples_leaf: int = ..., random_state: int = ...
    ) -> None: ...
    def fit(self, X: NDArray[np.float64], y: NDArray[np.bool_]) -> DecisionTreeClassifier: ...
    def apply(self, X: NDArray[np.float64]) -> NDArray[np.int64]: ...
    def predict_proba(self, X: NDArray[np.float64]) -> NDArray[np.float64]: ...
