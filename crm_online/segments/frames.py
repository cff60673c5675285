"""The tree of segments or customers, and how far they are apart, as pandas DataFrames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from crm_online.segments.hierarchy import Hierarchy, distance_matrix

if TYPE_CHECKING:
    import pandas as pd


def merges_frame(hierarchy: Hierarchy, names: Mapping[str, str] | None = None) -> pd.DataFrame:
    """Return the steps in which a tree was joined, one row each, the nearest first.

    Parameters
    ----------
    hierarchy
        The tree.
    names
        Names of the leaves by id, as far as they have any; by default they are their ids.

    Returns
    -------
    pandas.DataFrame
        ``left, right``: indexes as in ``Hierarchy.linkage``; ``left_name, right_name``: the leaf's name, or
        ``step i`` for the group that row i made; ``distance``, in (weighted) standard deviations;
        ``customers`` in the group that the step makes.

    Examples
    --------
    >>> tree = Hierarchy(linkage=[[0, 2, 1.0, 4], [1, 3, 3.5, 9]], leaves=["s1", "s2", "s4"], method="average")
    >>> merges_frame(tree, {"s1": "Big spenders"})[["left_name", "right_name", "customers"]].to_numpy().tolist()
    [['Big spenders', 's4', 4], ['s2', 'step 0', 9]]
    """
    import pandas as pd

    labels = [(names or {}).get(leaf, leaf) for leaf in hierarchy["leaves"]]
    labels += [f"step {number}" for number in range(len(hierarchy["linkage"]))]
    steps = hierarchy["linkage"]
    left, right = [int(step[0]) for step in steps], [int(step[1]) for step in steps]
    return pd.DataFrame(
        {
            "left": pd.Series(left, dtype="int64"),
            "right": pd.Series(right, dtype="int64"),
            "left_name": pd.Series([labels[index] for index in left], dtype="str"),
            "right_name": pd.Series([labels[index] for index in right], dtype="str"),
            "distance": pd.Series([step[2] for step in steps], dtype="float64"),
            "customers": pd.Series([int(step[3]) for step in steps], dtype="int64"),
        }
    )


def distances_frame(ids: Sequence[str], vectors: NDArray[np.int16] | NDArray[np.float64]) -> pd.DataFrame:
    """Return how far each is from each, in (weighted) standard deviations; rows and columns are the ids.

    Parameters
    ----------
    ids
        Of the n segments or customers.
    vectors
        Centroids or vectors, in vector units, shape (n, d).

    Raises
    ------
    ValueError
        If there are more than :data:`crm_online.segments.hierarchy.MOST_CUSTOMERS`.

    Examples
    --------
    >>> distances_frame(["s1", "s2"], np.array([[0.0], [2048.0]])).loc["s1", "s2"]
    np.float64(2.0)
    """
    import pandas as pd

    return pd.DataFrame(distance_matrix(vectors), index=pd.Index(ids), columns=pd.Index(ids))
