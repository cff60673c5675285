"""Segments, or customers, joined into a tree, the nearest first.

Every segment counts as its number of customers, all of them at its centroid. So the tree of the segments
is the tree of that many points, from where the points of each centroid have been joined. The distance of
two groups follows from those of their parts by the formulas of Lance and Williams (1967), see
:class:`~crm_online.segments.linkage.Linkage`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from crm_online.segments.linkage import Linkage
from crm_online.segments.vectors import RESOLUTION

MOST_CUSTOMERS = 4096
"""Most customers that are joined into a tree or set against each other: memory grows with their square."""


class Hierarchy(TypedDict):
    """A tree of segments or customers, numbered as by scipy.cluster.hierarchy.

    ``linkage`` has one ``[a, b, distance, customers]`` for each join: a and b are places in
    ``leaves``, or ``len(leaves) + i`` for the group that join i made. Distances are in (weighted)
    standard deviations. ``leaves`` are ids, ``method`` is the :class:`Linkage`.
    """

    linkage: list[list[float]]
    leaves: list[str]
    method: str


def join(
    ids: Sequence[str],
    centroids: NDArray[np.float64],
    sizes: NDArray[np.int64],
    method: Linkage = Linkage.AVERAGE,
) -> Hierarchy:
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
    method
        How far apart two groups are.

    Examples
    --------
    >>> tree = join(["s1", "s2", "s3"], np.array([[0.0], [1024.0], [4096.0]]), np.array([1, 3, 5]))
    >>> tree["linkage"]
    [[0, 1, 1.0, 4], [2, 3, 3.25, 9]]
    """
    living = [number for number in range(len(ids)) if sizes[number] > 0]
    weights = {place: int(sizes[number]) for place, number in enumerate(living)}
    matrix = distance_matrix(centroids[living])
    apart = {
        (a, b): _apart(float(matrix[a, b]), weights[a], weights[b], method)
        for b in range(len(living))
        for a in range(b)
    }
    steps: list[list[float]] = []
    while len(weights) > 1:
        (a, b), distance = min(apart.items(), key=lambda pair: (pair[1], pair[0]))
        joined = len(living) + len(steps)
        weight_a, weight_b = weights.pop(a), weights.pop(b)
        for other, weight in weights.items():
            to_a, to_b = apart[min(a, other), max(a, other)], apart[min(b, other), max(b, other)]
            apart[other, joined] = _joined((to_a, to_b), distance, (weight_a, weight_b), weight, method)
        weights[joined] = weight_a + weight_b
        apart = {pair: value for pair, value in apart.items() if a not in pair and b not in pair}
        steps.append([a, b, distance, weight_a + weight_b])
    return Hierarchy(linkage=steps, leaves=[ids[number] for number in living], method=Linkage(method).value)


def of_customers(
    ids: Sequence[str], vectors: NDArray[np.int16] | NDArray[np.float64], method: Linkage = Linkage.AVERAGE
) -> Hierarchy:
    """Join customers into a tree, with scipy.

    Parameters
    ----------
    ids
        The n customers' ids.
    vectors
        In vector units, shape (n, d).
    method
        How far apart two groups are.

    Raises
    ------
    ValueError
        If there are more than ``MOST_CUSTOMERS``, or not one id for each vector.

    Examples
    --------
    >>> of_customers(["ann", "bob", "eve"], np.array([[0], [4096], [1024]], np.int16))["linkage"]
    [[0, 2, 1.0, 2], [1, 3, 3.5, 3]]
    """
    from scipy.cluster.hierarchy import linkage

    if len(ids) != len(vectors):
        raise ValueError(f"{len(ids)} ids for {len(vectors)} vectors")
    _check_number(len(vectors))
    steps = linkage(vectors / RESOLUTION, Linkage(method).value).tolist() if len(ids) > 1 else []
    return Hierarchy(
        linkage=[[int(a), int(b), distance, int(size)] for a, b, distance, size in steps],
        leaves=list(ids),
        method=Linkage(method).value,
    )


def distance_matrix(vectors: NDArray[np.int16] | NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how far each is from each, in (weighted) standard deviations, shape (n, n).

    It is symmetric, with zeros on the diagonal.

    Parameters
    ----------
    vectors
        Centroids of segments or vectors of customers, in vector units, shape (n, d).

    Raises
    ------
    ValueError
        If there are more than ``MOST_CUSTOMERS``.

    Examples
    --------
    >>> distance_matrix(np.array([[0.0, 0.0], [3072.0, 4096.0]])).tolist()
    [[0.0, 5.0], [5.0, 0.0]]
    """
    _check_number(len(vectors))
    if len(vectors) < 2:
        return np.zeros((len(vectors), len(vectors)))
    from scipy.spatial.distance import pdist, squareform

    return squareform(pdist(vectors / RESOLUTION))


def _check_number(customers: int) -> None:
    if customers > MOST_CUSTOMERS:
        raise ValueError(f"{customers:,} are more than {MOST_CUSTOMERS:,}: take a sample of them")


def _apart(distance: float, weight_a: int, weight_b: int, method: Linkage) -> float:
    """Return how far apart two segments are whose centroids have a distance."""
    if method == Linkage.WARD:
        return float(np.sqrt(2 * weight_a * weight_b / (weight_a + weight_b)) * distance)
    return distance


def _joined(to: tuple[float, float], distance: float, weights: tuple[int, int], weight: int, method: Linkage) -> float:
    """Return how far a group of a weight is from what two others make, which were a distance apart.

    The formulas are those of Lance and Williams (1967).

    Parameters
    ----------
    to
        How far it is from each of the two.
    distance
        How far these were apart.
    weights
        Theirs.
    weight
        Its own.
    method
        How far apart two groups are.
    """
    (to_a, to_b), (weight_a, weight_b) = to, weights
    if method == Linkage.COMPLETE:
        return max(to_a, to_b)
    if method == Linkage.AVERAGE:
        return (weight_a * to_a + weight_b * to_b) / (weight_a + weight_b)
    everything = weight_a + weight_b + weight
    squares = (weight_a + weight) * to_a**2 + (weight_b + weight) * to_b**2 - weight * distance**2
    return float(np.sqrt(squares / everything))
