"""Decision tree, grown on the kept examples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

_LEAVES: Final = 16
_LEAST_SHARE, _LEAST = 0.01, 30
"""Examples that a leaf has at least: a share of all, and a number."""
_PRIOR: Final = 10.0
"""Examples of the overall rate that are added to each leaf."""


@dataclass(frozen=True, slots=True, eq=False)
class TreeModel:
    """A fitted tree, as arrays over its nodes.

    Attributes
    ----------
    feature, threshold
        int64[k], float64[k]: which scaled feature a node asks for; up to the threshold goes left. A leaf asks for -1.
    left, right
        int64[k]: the nodes that follow; of a leaf itself.
    value
        float64[k]: log-odds.
    """

    feature: NDArray[np.int64]
    threshold: NDArray[np.float64]
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    value: NDArray[np.float64]

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Return what :meth:`arrays` gave."""
        return cls(**arrays)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return what is stored."""
        return {
            "feature": self.feature,
            "threshold": self.threshold,
            "left": self.left,
            "right": self.right,
            "value": self.value,
        }

    def log_odds(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the log-odds of n scaled vectors, float64[n]."""
        node, rows = np.zeros(len(x), np.int64), np.arange(len(x))
        while (self.feature[node] >= 0).any():
            # The library that grew the tree compares in 32 bits.
            goes_left = x[rows, self.feature[node]].astype(np.float32) <= self.threshold[node]
            node = np.where(goes_left, self.left[node], self.right[node])
        found: NDArray[np.float64] = self.value[node]
        return found


def fit(x: NDArray[np.float64], y: NDArray[np.float64]) -> TreeModel:
    """Fit to scaled vectors float64[n, d] and labels float64[n], in which both answers occur."""
    from scipy.special import logit
    from sklearn.tree import DecisionTreeClassifier

    least = max(_LEAST, int(len(y) * _LEAST_SHARE))
    tree = DecisionTreeClassifier(
        criterion="log_loss", max_leaf_nodes=_LEAVES, min_samples_leaf=least, random_state=0
    ).fit(x, y > 0)
    grown = tree.tree_
    nodes, leaf = np.arange(grown.node_count), grown.children_left < 0
    of = tree.apply(x)
    examples = np.bincount(of, minlength=grown.node_count)
    happened = np.bincount(of, y, grown.node_count)
    rate = float(y.mean())
    return TreeModel(
        feature=np.where(leaf, -1, grown.feature).astype(np.int64),
        threshold=np.where(leaf, 0.0, grown.threshold),
        left=np.where(leaf, nodes, grown.children_left).astype(np.int64),
        right=np.where(leaf, nodes, grown.children_right).astype(np.int64),
        value=logit((happened + _PRIOR * rate) / (examples + _PRIOR)),
    )
