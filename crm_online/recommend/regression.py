"""How much each item of a basket adds to each other item, all of them together: a ridge regression on the counts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_GIVE_UP = 1e12


def together(
    items: NDArray[np.int64],
    count: NDArray[np.float64],
    left: NDArray[np.int64],
    right: NDArray[np.int64],
    both: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return the number of baskets with each two of some items, symmetric, with the items' own counts in the diagonal.

    Parameters
    ----------
    items
        Ids of the items, ascending; k of them.
    count
        Number of baskets by item id.
    left, right, both
        Pairs of item ids, and how many baskets have both.
    """
    index = np.full(len(count), -1, np.int64)
    index[items] = np.arange(len(items))
    row, column = index[left], index[right]
    there = (row >= 0) & (column >= 0)
    matrix = np.zeros((len(items), len(items)))
    matrix[row[there], column[there]] = both[there]
    matrix[column[there], row[there]] = both[there]
    matrix[np.arange(len(items)), np.arange(len(items))] = count[items]
    return matrix


def inverse(matrix: NDArray[np.float64], ridge: float) -> NDArray[np.float64]:
    """Return the inverse of a matrix of counts with ``ridge`` added to its diagonal.

    Counts that are lower bounds need not fit together. Where they do not, the ridge rises until they do.
    """
    import scipy.linalg

    while ridge < _GIVE_UP:
        raised = matrix.copy()
        raised[np.diag_indices(len(raised))] += ridge
        try:
            factor = scipy.linalg.cho_factor(raised, lower=True, overwrite_a=True, check_finite=False)
        except scipy.linalg.LinAlgError:
            ridge *= 10
            continue
        found: NDArray[np.float64] = scipy.linalg.cho_solve(factor, np.eye(len(matrix)), check_finite=False)
        return (found + found.T) / 2
    return np.eye(len(matrix)) / _GIVE_UP


def coefficients(inverted: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what each item (row) adds to each other item (column), given all others.

    Notes
    -----
    The columns are the ridge regressions of each item on all others: with P the inverse, -P[j, i] / P[i, i]. Steck:
    Embarrassingly shallow autoencoders for sparse data, WWW 2019 (EASE).

    Examples
    --------
    >>> counts = np.array([[4.0, 3.0], [3.0, 6.0]])
    >>> coefficients(inverse(counts, 2.0)).round(3).tolist()
    [[0.0, 0.5], [0.375, 0.0]]
    """
    found: NDArray[np.float64] = -inverted / np.diag(inverted)
    np.fill_diagonal(found, 0.0)
    return found


def without_gain(
    ties: NDArray[np.float64], items: NDArray[np.int64], left: NDArray[np.int64], right: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return what items add to each other with nothing that some pairs of them add, in either direction.

    Parameters
    ----------
    ties
        What each item (row) adds to each other one (column), float64[k, k].
    items
        Their ids, ascending.
    left, right
        The pairs, by ids, also of items that are not among these.

    Examples
    --------
    >>> without_gain(np.array([[0.0, 0.5], [-0.2, 0.0]]), np.array([3, 8]), np.array([3, 3]), np.array([8, 9])).tolist()
    [[0.0, 0.0], [-0.2, 0.0]]
    """
    there = np.isin(left, items) & np.isin(right, items)
    row, column = np.searchsorted(items, left[there]), np.searchsorted(items, right[there])
    found = ties.copy()
    found[row, column] = np.minimum(found[row, column], 0.0)
    found[column, row] = np.minimum(found[column, row], 0.0)
    return found
