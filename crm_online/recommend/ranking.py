"""Which items come first, for a basket and a customer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from crm_online.recommend.basis import ABSENT, PRIOR, Basis


@dataclass(frozen=True, slots=True)
class History:
    """What a customer bought before.

    Attributes
    ----------
    orders
        Number of orders.
    lines
        Number of order lines by id of the item in the basis.
    """

    orders: int = 0
    lines: Mapping[int, int] = field(default_factory=dict)


NOBODY = History()
"""The history of a customer of whom nothing is known."""


@dataclass(frozen=True, slots=True, eq=False)
class Ranked:
    """The best items, the best first; all arrays have shape (k,).

    Attributes
    ----------
    item
        Ids.
    score
        popular + basket + own.
    popular
        The item's support.
    basket, by
        The largest gain that an item of the basket adds, and its id; 0 and ``ABSENT`` if none does.
    own
        What the customer's history adds; below 0 if the customer buys it less often than others.
    """

    item: NDArray[np.int64]
    score: NDArray[np.float64]
    popular: NDArray[np.float64]
    basket: NDArray[np.float64]
    by: NDArray[np.int64]
    own: NDArray[np.float64]


def rank(basis: Basis, basket: Sequence[int], history: History, limit: int) -> Ranked:
    """Return the best items that are not in the basket.

    The score estimates how likely the item is to be bought: its popularity, and what is seen beyond it, once in the
    baskets with an item of the basket (the one that adds most), once in the customer's own orders. Both are
    shrunk in the same way, (seen - expected) / (number + ``PRIOR``): who has few orders, or an item in few
    baskets, says little. Equals come by name.

    Parameters
    ----------
    basket
        Ids of its items, in any order.
    history
        What the customer bought before.
    limit
        How many items at most.

    Examples
    --------
    >>> from crm_online.decay import Decay
    >>> from crm_online.itemsets.baskets import Baskets
    >>> from crm_online.itemsets.counters import ItemsetCounters
    >>> from crm_online.itemsets.parts import Counted
    >>> counters = ItemsetCounters(0.0, Decay(None), 2, 10**6)
    >>> counters.count(Baskets.of([(0, [0, 1]), (0, [0, 1]), (0, [2]), (0, [2]), (0, [2])]))
    >>> basis = Basis.of([Counted(counters, ["tea", "cup", "jug"], {"tea": 0, "cup": 1, "jug": 2})], as_of=0)
    >>> [basis.names[item] for item in rank(basis, [basis.ids["tea"]], NOBODY, 2).item]
    ['cup', 'jug']
    """
    popular = basis.support
    best, by = _of_basket(basis, sorted(set(basket)))
    own = _of_history(popular, history)
    score = popular + best + own
    score[list(basket)] = -np.inf
    chosen = _first(score, min(limit, len(score) - len(set(basket))))
    return Ranked(chosen, score[chosen], popular[chosen], best[chosen], by[chosen], own[chosen])


def _of_basket(basis: Basis, basket: Sequence[int]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the largest gain for each item, and which item of the basket adds it: the first of equals by name."""
    best, by = np.zeros(len(basis.names)), np.full(len(basis.names), ABSENT, np.int64)
    for item in basket:
        row = slice(basis.start[item], basis.start[item + 1])
        other, gain = basis.other[row], basis.gain[row]
        more = gain > best[other]
        other = other[more]
        best[other], by[other] = gain[more], item
    return best, by


def _of_history(popular: NDArray[np.float64], history: History) -> NDArray[np.float64]:
    seen = np.zeros(len(popular))
    if history.lines:
        lines = np.fromiter(history.lines.values(), np.float64, len(history.lines))
        # Lines, not orders, are counted, and an order may have several of an item.
        seen[np.fromiter(history.lines, np.int64, len(history.lines))] = np.minimum(lines, history.orders)
    return (seen - history.orders * popular) / (history.orders + PRIOR)


def _first(score: NDArray[np.float64], limit: int) -> NDArray[np.int64]:
    if limit <= 0:
        return np.empty(0, np.int64)
    least = np.partition(score, len(score) - limit)[len(score) - limit]
    reach = np.flatnonzero(score >= least)
    return reach[np.lexsort((reach, -score[reach]))][:limit]
