"""Segments joined into a tree, the nearest first.

The distance of two groups is the source article's weighted average linkage,
d(C, X) = Σ_i Σ_j w_ij d(x_i, x_j) over the segments i of C and j of X, where w_ij is the share of the
pairs of customers, one from each group, that lie in segments i and j.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from crm_online.segments.vectors import RESOLUTION


class Hierarchy(TypedDict):
    """A tree of segments, numbered as by scipy.cluster.hierarchy.

    ``linkage`` has one ``[a, b, distance, customers]`` for each join: a and b are places in
    ``leaves``, or ``len(leaves) + i`` for the group that join i made.
    """

    linkage: list[list[float]]
    leaves: list[str]


def join(ids: Sequence[str], centroids: NDArray[np.float64], sizes: NDArray[np.int64]) -> Hierarchy:
    """Join segments into a tree.

    Segments without members take no part.

    Parameters
    ----------
    ids
        The k segments' ids.
    centroids
        In vector units, shape (k, d).
    sizes
        Numbers of customers, shape (k,).

    Examples
    --------
    >>> tree = join(["s1", "s2", "s3"], np.array([[0.0], [1024.0], [4096.0]]), np.array([1, 3, 5]))
    >>> tree["linkage"]
    [[0, 1, 1.0, 4], [2, 3, 3.25, 9]]
    """
    living = [number for number in range(len(ids)) if sizes[number] > 0]
    weights = {place: int(sizes[number]) for place, number in enumerate(living)}
    points = centroids[living] / RESOLUTION
    apart: dict[tuple[int, int], float] = {}
    for b in range(len(living)):
        for a in range(b):
            apart[a, b] = float(np.sqrt(((points[a] - points[b]) ** 2).sum()))
    linkage: list[list[float]] = []
    while len(weights) > 1:
        (a, b), distance = min(apart.items(), key=lambda pair: (pair[1], pair[0]))
        joined = len(living) + len(linkage)
        weight_a, weight_b = weights.pop(a), weights.pop(b)
        for other in weights:
            to_a, to_b = apart[min(a, other), max(a, other)], apart[min(b, other), max(b, other)]
            apart[other, joined] = (weight_a * to_a + weight_b * to_b) / (weight_a + weight_b)
        weights[joined] = weight_a + weight_b
        apart = {pair: value for pair, value in apart.items() if a not in pair and b not in pair}
        linkage.append([a, b, distance, weight_a + weight_b])
    return Hierarchy(linkage=linkage, leaves=[ids[number] for number in living])
