"""Nearest centres, and k-means fits that repeat to the last bit.

Fits are scikit-learn's on one thread, since the number of threads changes the last bits, and their
centres are rounded to whole vector units. Distances are summed feature by feature, so a customer's
distance does not depend on the batch that it came in.
"""

from __future__ import annotations

import warnings
from functools import cache

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from crm_online.segments.sums import SegmentSums
from crm_online.segments.vectors import RESOLUTION

MOST_ROUNDS = 100
"""Rounds of Lloyd's algorithm from given centres, at most."""
_FEW = 8
"""Rows of a sample for each centre that are looked at first."""


def distances(vectors: NDArray[np.int16], centroids: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return Euclidean distances in (weighted) standard deviations, shape (n, k).

    Parameters
    ----------
    vectors
        Shape (n, d).
    centroids
        In vector units, shape (k, d).
    """
    return _distances(_columns(vectors), centroids).T


def nearest(
    vectors: NDArray[np.int16], centroids: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the nearest centroid of each vector and its distance, shapes (n,); ties go to the lowest index.

    Examples
    --------
    >>> labels, distance = nearest(np.array([[0, 0], [1024, 0]], np.int16), np.array([[0.0, 0.0], [3072.0, 0.0]]))
    >>> labels.tolist(), distance.tolist()
    ([0, 0], [0.0, 1.0])
    """
    every = distances(vectors, centroids)
    labels = every.argmin(axis=1).astype(np.int64)
    return labels, every[np.arange(len(labels)), labels]


def _columns(vectors: NDArray[np.int16]) -> NDArray[np.float64]:
    """Return vectors feature by feature, float64[d, n]: loops over many vectors are fast, over a few centres slow."""
    return np.ascontiguousarray(vectors.T, np.float64)


def _distances(columns: NDArray[np.float64], centroids: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the distances of vectors, given by columns, shape (k, n)."""
    squared = np.zeros((len(centroids), columns.shape[1]))
    square = np.empty_like(squared)  # one for all features: that of large arrays is not given back and taken again
    for column, places in zip(columns, centroids.T, strict=True):
        np.subtract(column, places[:, None], out=square)
        np.multiply(square, square, out=square)
        squared += square
    np.sqrt(squared, out=squared)
    squared /= RESOLUTION
    return squared


def inertia(vectors: NDArray[np.int16], centroids: NDArray[np.float64]) -> float:
    """Return J of the partition that the centroids make of the vectors, each segment about its own mean."""
    labels, _ = nearest(vectors, centroids)
    return SegmentSums.empty(*centroids.shape).move(None, None, vectors, labels).inertia()


@cache
def _threads() -> ThreadpoolController:
    """Return what limits the threads of the libraries that are loaded once scikit-learn is."""
    return ThreadpoolController()


def fit(
    sample: NDArray[np.int16],
    k: int,
    *,
    starts: int,
    seed: int = 0,
) -> NDArray[np.float64]:
    """Fit k-means to a sample.

    Parameters
    ----------
    sample
        Vectors, shape (n, d), n ≥ 1.
    k
        Number of centres; fewer come back when the sample has fewer distinct points.
    starts
        Number of k-means++ starts; the best is taken.
    seed
        Of the starts.

    Returns
    -------
    NDArray[np.float64]
        Centres in vector units, rounded to whole ones, shape (≤ k, d), in lexicographic order.

    Raises
    ------
    ValueError
        If the sample is empty, or k is less than 1.
    """
    if not len(sample) or k < 1:
        raise ValueError("a fit needs a sample and at least one centre")
    # Sorting all of a sample costs as much as a start; nearly always its first rows show that there are enough.
    if len(np.unique(sample[: _FEW * k], axis=0)) <= k and len(distinct := np.unique(sample, axis=0)) <= k:
        return distinct.astype(np.float64)
    points = sample.astype(np.float64) / RESOLUTION
    # A second of importing, which commands that fit nothing are spared.
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning

    with _threads().limit(limits=1), warnings.catch_warnings():
        # Fewer clusters than asked for can come out of rounding; the centres are made distinct below.
        warnings.simplefilter("ignore", ConvergenceWarning)
        best = KMeans(n_clusters=k, n_init=starts, random_state=seed).fit(points)
    centres = np.unique(np.rint(best.cluster_centers_ * RESOLUTION), axis=0)
    return np.asarray(centres, dtype=np.float64)


def refined(
    sample: NDArray[np.int16], centres: NDArray[np.float64], *, goal: float = 0.0, rounds: int = MOST_ROUNDS
) -> NDArray[np.float64]:
    """Return centres after Lloyd's algorithm from them, rounded to whole vector units, each in its place.

    A centre without points stays where it is.

    Parameters
    ----------
    sample
        Vectors, shape (n, d).
    centres
        In vector units, shape (k, d).
    goal
        J, in squared standard deviations, at which the algorithm stops, though more could be gained.
    rounds
        Rounds at most.

    Source: Lloyd, Least squares quantization in PCM, IEEE Trans. Inf. Theory 28 (1982).
    """
    points, present = sample.astype(np.float64), centres.astype(np.float64)
    squares, k, labels = float((points * points).sum()), len(centres), np.full(len(points), -1)
    features = _columns(sample)
    for _ in range(rounds):
        entered = _distances(features, present).argmin(axis=0)
        if (entered == labels).all():
            break
        labels = entered
        sizes = np.bincount(labels, minlength=k)
        columns = [np.bincount(labels, column, minlength=k) for column in features]
        sums = np.array(columns, np.float64).reshape(points.shape[1], k).T
        means = sums / np.maximum(sizes, 1)[:, None]
        if squares - float((sums * means).sum()) <= goal * RESOLUTION**2:
            break
        present = np.where(sizes[:, None] > 0, means, present)
    return np.rint(present)
