"""Which items come together, and how often: a product of sparse matrices."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from crm_online.itemsets.baskets import Baskets
from crm_online.itemsets.vertical import blocks

Pairs = tuple[NDArray[np.int64], NDArray[np.int64]]
"""Keys ``first << 32 | second`` of pairs of items, first < second, ascending, and their weights."""

NO_PAIRS: Pairs = (np.empty(0, np.int64), np.empty(0, np.int64))


def count_pairs(
    baskets: Baskets,
    weights: NDArray[np.int64] | None,
    items: NDArray[np.int64],
    fresh: NDArray[np.bool_] | None = None,
) -> Pairs:
    """Return the pairs of some items that come together, with the weight of the baskets that have both.

    Parameters
    ----------
    weights
        Weight of each basket; ``None``: 1.
    items
        Distinct item ids, ascending; shape (n,).
    fresh
        Only pairs with at least one of these items; shape (n,). ``None``: all pairs.
    """
    found = NO_PAIRS
    for block, weight in blocks(baskets, weights):
        found = merged(found, _of_block(block, weight, items, fresh))
    return found


def merged(one: Pairs, other: Pairs) -> Pairs:
    """Add the weights of pairs up."""
    if not len(one[0]) or not len(other[0]):
        return other if not len(one[0]) else one
    keys = np.concatenate([one[0], other[0]])
    order = np.argsort(keys, kind="stable")
    keys, counts = keys[order], np.concatenate([one[1], other[1]])[order]
    starts = np.flatnonzero(np.diff(keys, prepend=-1))
    return keys[starts], np.add.reduceat(counts, starts)


def _of_block(
    block: Baskets, weight: NDArray[np.int64] | None, items: NDArray[np.int64], fresh: NDArray[np.bool_] | None
) -> Pairs:
    from scipy.sparse import csr_array

    if not len(items):
        return NO_PAIRS
    column_of = np.full(max(int(items[-1]), int(block.items.max(initial=0))) + 1, -1, np.int32)
    column_of[items] = np.arange(len(items))
    columns = column_of[block.items]
    chosen = columns >= 0
    start = np.zeros(len(block) + 1, np.int32)
    lengths = np.diff(np.concatenate([[0], np.cumsum(chosen, dtype=np.int32)])[block.start])
    np.cumsum(lengths, out=start[1:])
    columns = columns[chosen]
    shape = (len(block), len(items))
    # A block has fewer baskets than the type can count.
    matrix = csr_array((np.ones(len(columns), np.uint16), columns, start), shape=shape)
    weighed = matrix
    if weight is not None:
        weighed = csr_array((np.repeat(weight, lengths), columns, start), shape=shape)
    if fresh is None or fresh.all():
        product = (weighed.T @ matrix).tocoo(copy=False)
        first, second = product.coords
        once = first < second
    else:
        new = np.flatnonzero(fresh)
        product = (weighed[:, new].T @ matrix).tocoo(copy=False)
        first, second = new[product.coords[0]].astype(np.int32), product.coords[1]
        # A pair of two fresh items comes twice.
        once = (first != second) & ~(fresh[second] & (first > second))
    first, second, counts = first[once], second[once], product.data[once]
    keys = items[np.minimum(first, second)] << 32 | items[np.maximum(first, second)]
    order = np.argsort(keys)
    return keys[order], counts[order].astype(np.int64)
