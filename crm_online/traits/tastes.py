"""Which items the customers of each segment buy more often than the population."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from crm_online.traits.by_segment import SMALL, matrix
from crm_online.traits.comparison import compare

CHANCE = 2.0
"""Standard errors by which an item's share must be above that of all others."""


def bought_more(bought: Sequence[Mapping[str, int]], labels: NDArray[np.int64], k: int) -> list[frozenset[str]]:
    """Return the items that each segment's customers buy more often than the population.

    Such an item is a larger share of their order lines than of all others', by more than ``CHANCE`` standard errors,
    and at least ``SMALL`` of them bought it.

    Parameters
    ----------
    bought
        What each sampled customer bought: order lines by name of the item.
    labels
        Each one's segment, shape (n,).
    k
        Number of segments.
    """
    items, counts, totals = matrix(bought)
    if not items:
        return [frozenset() for _ in range(k)]
    compared = compare(counts, totals, labels, k)
    more = (compared.z > CHANCE) & (compared.customers >= SMALL)
    return [frozenset(items[column] for column in np.flatnonzero(more[row]).tolist()) for row in range(k)]
