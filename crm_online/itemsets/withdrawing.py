"""Taking baskets out of the counters that were counted before."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from crm_online.itemsets.baskets import Baskets
from crm_online.itemsets.combinations import PairsWithin, cut, pairs_within
from crm_online.itemsets.keys import ITEM_BITS
from crm_online.itemsets.state import COUNT, OPENING, CounterState
from crm_online.itemsets.table import ABSENT, KeyTable

_AT_ONCE = 1 << 18
"""Pairs, or triples, that are listed in one piece, at least those of one basket, or of one item of it."""


def withdraw(state: CounterState, batch: Baskets, weights: NDArray[np.float64]) -> None:
    """Take the weight of baskets off the items, pairs and triples that they hold, as far as these have entries.

    The true weight of an itemset and the count of its entry fall alike, and what is no entry may only have come less
    often than its bound says: so count ≤ true ≤ count + error stays true. N is left as it is.

    Parameters
    ----------
    batch
        Baskets that were counted before.
    weights
        float64[b]: the weight of each, relative to the landmark.
    """
    lengths = np.diff(batch.start)
    items, weight = batch.items.astype(np.int64), np.repeat(weights, lengths)
    _take_off(state.item_count, items, weight)
    if state.max_size == 1:
        return
    basket = np.repeat(np.arange(len(lengths)), lengths)
    is_open = state.item_opening.take(items) >= 0  # only pairs of open items have entries
    items, weight = items[is_open], weight[is_open]
    lengths = np.bincount(basket[is_open], minlength=len(lengths))
    start = np.concatenate([[0], np.cumsum(lengths)])
    for begin, end in cut(lengths, _AT_ONCE):
        here = slice(start[begin], start[end])
        _withdraw_pairs(state, items[here], lengths[begin:end], weight[here])


def _withdraw_pairs(
    state: CounterState, items: NDArray[np.int64], lengths: NDArray[np.int64], weight: NDArray[np.float64]
) -> None:
    places = pairs_within(lengths)
    keys = items.take(places.first) << ITEM_BITS | items.take(places.second)
    rows = state.pairs.find(keys)
    there = rows != ABSENT
    weight = weight.take(places.first)
    _take_off(state.pairs.values[COUNT], rows[there], weight[there])
    if state.max_size > 2:
        there[there] = state.pairs.values[OPENING].take(rows[there]) >= 0  # only triples of open pairs have entries
        _withdraw_triples(state.triples, places, items, there, weight)


def _withdraw_triples(
    triples: KeyTable,
    places: PairsWithin,
    items: NDArray[np.int64],
    is_open: NDArray[np.bool_],
    weight: NDArray[np.float64],
) -> None:
    chosen = np.flatnonzero(is_open)
    groups = np.bincount(places.first[chosen], minlength=len(items))
    start = np.concatenate([[0], np.cumsum(groups)])
    for begin, end in cut(groups, _AT_ONCE):
        within = pairs_within(groups[begin:end])
        pairs = chosen[start[begin] : start[end]]
        ab, ac = pairs.take(within.first), pairs.take(within.second)
        b, c = places.second.take(ab), places.second.take(ac)
        whole = is_open.take(places.number(b, c))
        ab, b, c = ab[whole], b[whole], c[whole]
        a = places.first.take(ab)
        rows = triples.find((items.take(a) << ITEM_BITS | items.take(b)) << ITEM_BITS | items.take(c))
        there = rows != ABSENT
        _take_off(triples.values[COUNT], rows[there], weight.take(ab)[there])


def _take_off(counts: NDArray[np.float64], places: NDArray[np.int64], weight: NDArray[np.float64]) -> None:
    """Take weights off counts; below 0 is what had been missed before the entry was born, or rounding."""
    np.subtract.at(counts, places, weight)
    counts[places] = np.maximum(counts[places], 0.0)
