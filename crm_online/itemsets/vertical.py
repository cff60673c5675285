"""Counting given itemsets in given baskets: a row of bits for each item, a bit for each basket."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from crm_online.itemsets.baskets import Baskets

Words = NDArray[np.uint64]
"""Rows of bits, 64 baskets a word."""

BASKETS_AT_ONCE = 1 << 15
_SCATTERED_AT_ONCE = 1 << 11
_CELLS_AT_ONCE = 1 << 14
_ONE = np.uint64(1)


def blocks(baskets: Baskets, weights: NDArray[np.int64] | None) -> Iterator[tuple[Baskets, NDArray[np.int64] | None]]:
    """Cut baskets and their weights into blocks of bounded size."""
    for begin in range(0, len(baskets), BASKETS_AT_ONCE):
        end = min(begin + BASKETS_AT_ONCE, len(baskets))
        yield baskets.between(begin, end), None if weights is None else weights[begin:end]


def rows_of(block: Baskets, items: NDArray[np.int64]) -> Words:
    """Return which baskets have each item.

    Parameters
    ----------
    items
        Distinct item ids, ascending; shape (n,).

    Returns
    -------
    uint64[n, w]
        Bit t of a row: basket t has the item.
    """
    words = -(-len(block) // 64)
    rows = np.zeros((len(items), words), np.uint64)
    if not len(items):
        return rows
    row_of = np.full(int(max(items[-1], block.items.max(initial=0))) + 1, -1, np.int64)
    row_of[items] = np.arange(len(items))
    for begin in range(0, len(block), _SCATTERED_AT_ONCE):
        some = block.between(begin, begin + _SCATTERED_AT_ONCE)
        row = row_of[some.items]
        basket = np.repeat(np.arange(begin, begin + len(some)), np.diff(some.start))
        there = row >= 0
        if not there.all():
            row, basket = row[there], basket[there]
        np.bitwise_or.at(rows.ravel(), row * words + (basket >> 6), _ONE << (basket & 63).astype(np.uint64))
    return rows


def weigh(rows: Words, weights: NDArray[np.int64] | None) -> NDArray[np.int64]:
    """Return the weight of the baskets in each row; without weights, their number."""
    if weights is None:
        number: NDArray[np.uint32] = np.bitwise_count(rows).sum(axis=1, dtype=np.uint32)
        return number.astype(np.int64)
    total = np.zeros(len(rows), np.int64)
    words = rows.shape[1]
    flat = rows.ravel()
    full = np.flatnonzero(flat)
    if not len(full):
        return total
    weight_of = np.zeros(words << 6, np.int64)
    weight_of[: len(weights)] = weights
    # Most words have few bits: the lowest of each is weighed and cleared, until none is left.
    left, begin, place = flat[full], full % words << 6, np.arange(len(full))
    weight = np.zeros(len(full), np.int64)
    while len(left):
        weight[place] += weight_of[begin + np.bitwise_count(~left & (left - _ONE))]
        left &= left - _ONE
        more = np.flatnonzero(left)
        left, begin, place = left[more], begin[more], place[more]
    row = full // words
    starts = np.flatnonzero(np.diff(row, prepend=-1))
    total[row[starts]] = np.add.reduceat(weight, starts)
    return total


def count(itemsets: NDArray[np.int64], baskets: Baskets, weights: NDArray[np.int64] | None) -> NDArray[np.int64]:
    """Return the weight of the baskets that have each itemset.

    Parameters
    ----------
    itemsets
        Item ids, at least two of them; shape (n, size). It is quicker where equal beginnings follow each other.
    weights
        Weight of each basket; ``None``: 1.
    """
    total = np.zeros(len(itemsets), np.int64)
    if not len(itemsets):
        return total
    used = np.zeros(int(itemsets.max()) + 1, bool)
    used[itemsets] = True
    items = np.flatnonzero(used)
    place_of = np.zeros(len(used), np.int32)
    place_of[items] = np.arange(len(items))
    places = place_of[itemsets]
    differs = (np.diff(places[:, :-1], axis=0) != 0).any(axis=1)
    prefix = np.concatenate([[0], np.cumsum(differs)])
    prefixes = places[np.concatenate([[0], np.flatnonzero(differs) + 1]), :-1]
    for block, weight in blocks(baskets, weights):
        rows = rows_of(block, items)
        step = max(1, _CELLS_AT_ONCE // max(rows.shape[1], 1))
        for begin in range(0, len(prefixes), step):
            begins = rows[prefixes[begin : begin + step, 0]]
            for column in prefixes[begin : begin + step, 1:].T:
                begins &= rows[column]
            first, last = np.searchsorted(prefix, [begin, begin + step])
            for start in range(first, last, step):
                end = min(start + step, last)
                both = begins[prefix[start:end] - begin]
                both &= rows[places[start:end, -1]]
                total[start:end] += weigh(both, weight)
    return total
