"""Rules that a simpler rule does as well as."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

TOLERANCE = 1e-3
"""A rule enters when its confidence is better than each simpler rule's by more than this, and leaves when no better."""


def improvement(
    subsets: Mapping[int, NDArray[np.float64]], x: int, y: int, rows: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return by how much the confidence of X ⇒ Y is better than the best simpler rule's; infinite without one.

    A simpler rule has the same consequent and a part of the antecedent, at least one item.

    Parameters
    ----------
    subsets
        The weights of the subsets of some itemsets, see :meth:`crm_online.rules.subsets.SubsetIndex.subsets`.
    x, y
        Which subsets X and Y are.
    rows
        The itemsets in question.

    Notes
    -----
    Bayardo, Agrawal, Gunopulos: Constraint-based rule mining in large, dense databases, ICDE 1999 (improvement).

    Examples
    --------
    >>> weights = {1: 10.0, 2: 10.0, 3: 5.0, 4: 9.0, 5: 4.0, 6: 2.0, 7: 3.0}
    >>> improvement({subset: np.array([weight]) for subset, weight in weights.items()}, 3, 4, np.array([0])).round(3)
    array([0.2])
    """
    best = np.full(len(rows), -np.inf)
    simpler = (x - 1) & x
    while simpler:
        has = subsets[simpler][rows]
        there = has > 0
        confidence = np.where(there, subsets[simpler | y][rows] / np.where(there, has, 1.0), -np.inf)
        best = np.maximum(best, confidence)
        simpler = (simpler - 1) & x
    better: NDArray[np.float64] = subsets[x | y][rows] / subsets[x][rows] - best
    return better
