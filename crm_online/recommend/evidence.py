"""Pairs of items that orders of nobody known have, and too few customers: whoever sends orders can send many."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from crm_online.recommend.examples import Example


def has_too_few_customers(
    examples: Sequence[Example], pairs: NDArray[np.int64], items: int, least: int
) -> NDArray[np.bool_]:
    """Return which pairs at least ``least`` orders of unknown customers have, and fewer customers than that.

    All who are unknown are one customer, where at least half of the orders are of known ones; else nothing is said, as
    in :class:`crm_online.rules.customers.Buyers`.

    Parameters
    ----------
    examples
        The sampled orders.
    pairs
        The smaller id times ``items`` plus the larger one of each pair, int64[n].
    items
        Number of items.
    least
        Customers that are needed.
    """
    known = [example for example in examples if example.customer is not None]
    unknown = [example for example in examples if example.customer is None]
    if least <= 1 or not unknown or len(known) < len(unknown):
        return np.zeros(len(pairs), bool)
    found, number = np.unique(np.concatenate([_pairs_of(one, items) for one in unknown]), return_counts=True)
    found = found[number >= least]
    customers: defaultdict[int, set[str | None]] = defaultdict(set)
    for one in known if len(found) else ():
        have = _pairs_of(one, items)
        for pair in have[np.isin(have, found)].tolist():
            customers[pair].add(one.customer)
    few = [pair for pair in found.tolist() if len(customers[pair]) + 1 < least]
    return np.isin(pairs, np.array(few, np.int64))


def _pairs_of(example: Example, items: int) -> NDArray[np.int64]:
    bought = np.unique(example.items)
    one, other = np.triu_indices(len(bought), 1)
    pairs: NDArray[np.int64] = bought[one] * items + bought[other]
    return pairs
