"""Which items come first, for a basket and a customer."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from crm_online.recommend.basis import ABSENT, Basis


@dataclass(frozen=True, slots=True)
class History:
    """What a customer bought before.

    Attributes
    ----------
    orders
        Decayed number of orders.
    items
        Decayed number of orders with each item, by its id in the basis.
    """

    orders: float = 0.0
    items: Mapping[int, float] = field(default_factory=dict)


NO_HISTORY = History()
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
        The item's popularity: its support, or how often sampled orders have it, or something between.
    basket, by
        What the basket adds, and the id of the item of it that adds most; ``ABSENT`` if none comes with the item more
        often than by chance.
    own
        What the customer's history adds; below 0 if the customer buys it less often than others.
    """

    item: NDArray[np.int64]
    score: NDArray[np.float64]
    popular: NDArray[np.float64]
    basket: NDArray[np.float64]
    by: NDArray[np.int64]
    own: NDArray[np.float64]


def rank(basis: Basis, basket: Sequence[int], history: History, limit: int, left_out: Collection[int] = ()) -> Ranked:
    """Return the best items that can be had and are not in the basket.

    The score estimates how likely the item is to be bought: its popularity, what all items of the basket add to it
    together, and what the customer's own orders have beyond popularity, (seen - expected) / (orders + prior). How
    each is weighed is learned from the log, see :mod:`crm_online.recommend.learning`. Equals come by name.

    Parameters
    ----------
    basket
        Ids of its items, in any order.
    history
        What the customer bought before.
    limit
        How many items at most.
    left_out
        Ids of items that are not to be recommended.

    Examples
    --------
    >>> from crm_online.decay import Decay
    >>> from crm_online.itemsets.baskets import Baskets
    >>> from crm_online.itemsets.counters import ItemsetCounters
    >>> from crm_online.itemsets.parts import PartitionCounters
    >>> counters = ItemsetCounters(0.0, Decay(None), 2, 10**6)
    >>> counters.count(Baskets.of([(0, [0, 1]), (0, [0, 1]), (0, [2]), (0, [2]), (0, [2])]))
    >>> basis = Basis.of([PartitionCounters(counters, ["tea", "cup", "jug"], {"tea": 0, "cup": 1, "jug": 2})], as_of=0)
    >>> [basis.names[item] for item in rank(basis, [basis.ids["tea"]], NO_HISTORY, 2).item]
    ['cup', 'jug']
    """
    known = sorted(set(basket))
    learned = basis.learned
    weights = learned.basket if known else learned.alone if history.orders else learned.first
    popular = basis.popularity(weights.recent)
    added, of_ties = _of_basket(basis, known)
    own = _of_history(popular, history, weights.prior)
    factor = basis.basket_share**weights.share
    popular, added, own = popular * factor, added * factor, own * factor
    score = popular + added + own
    possible = basis.available.copy()
    possible[[*known, *left_out]] = False
    score[~possible] = -np.inf
    chosen = _first(score, min(limit, int(possible.sum())))
    by = np.array([_by(basis, known, of_ties, item) for item in chosen.tolist()], np.int64)
    return Ranked(chosen, score[chosen], popular[chosen], added[chosen], by, own[chosen])


def _of_basket(basis: Basis, basket: Sequence[int]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return what the basket adds to each item, and the places of its items among those that are tied."""
    added = np.zeros(len(basis.names))
    for item in basket:
        other, gain = basis.gains(item)
        np.maximum.at(added, other, gain)
    index = np.searchsorted(basis.tied, basket)
    found = np.array([row for row, item in zip(index.tolist(), basket, strict=True) if _is_at(basis, row, item)], int)
    added[basis.tied] = basis.ties[found].sum(axis=0)
    return added, found


def _is_at(basis: Basis, index: int, item: int) -> bool:
    return index < len(basis.tied) and int(basis.tied[index]) == item


def _by(basis: Basis, basket: Sequence[int], tied: NDArray[np.int64], item: int) -> int:
    """Return which item of the basket adds most to an item: the first of equals by name, ``ABSENT`` if none does."""
    index = int(np.searchsorted(basis.tied, item))
    added = dict.fromkeys(basket, 0.0)
    if _is_at(basis, index, item):
        rows = zip(basis.tied[tied].tolist(), basis.ties[tied, index].tolist(), strict=True)
        added.update(rows)
    else:
        for other in basket:
            others, gain = basis.gains(other)
            added[other] = float(gain[others == item].sum())
    best = max(basket, key=lambda other: added[other], default=ABSENT)
    return best if best != ABSENT and added[best] > 0 and basis.pair(best, item) > 0 else ABSENT


def _of_history(popular: NDArray[np.float64], history: History, prior: float) -> NDArray[np.float64]:
    seen = np.zeros(len(popular))
    if history.items:
        counts = np.fromiter(history.items.values(), np.float64, len(history.items))
        seen[np.fromiter(history.items, np.int64, len(history.items))] = np.minimum(counts, history.orders)
    own: NDArray[np.float64] = (seen - history.orders * popular) / (history.orders + prior)
    return own


def _first(score: NDArray[np.float64], limit: int) -> NDArray[np.int64]:
    if limit <= 0:
        return np.empty(0, np.int64)
    least = np.partition(score, len(score) - limit)[len(score) - limit]
    reach = np.flatnonzero(score >= least)
    return reach[np.lexsort((reach, -score[reach]))][:limit]
