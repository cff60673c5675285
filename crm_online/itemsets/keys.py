"""Itemsets as one integer each: ``a``, ``a * 2**21 + b``, ``(a * 2**21 + b) * 2**21 + c`` with a < b < c."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

ITEM_BITS = 21
"""An item's bits in a key: three items fit into a positive int64."""

MAX_ITEMS = 1 << ITEM_BITS
"""Items with an id from here on are counted alone, never in pairs or triples."""

NO_ITEM = -1
"""Fills the places of an itemset that has fewer than three items."""


def keys_of(items: NDArray[np.int32]) -> NDArray[np.int64]:
    """Return the keys of itemsets of one size, given ascending; ``items`` has shape (n, size).

    Examples
    --------
    >>> keys_of(np.array([[1, 2]], np.int32)).tolist()
    [2097154]
    """
    key = items[:, 0].astype(np.int64)
    for column in range(1, items.shape[1]):
        key = key << ITEM_BITS | items[:, column]
    return key


def items_of(keys: NDArray[np.int64], size: int) -> NDArray[np.int32]:
    """Return the items of itemsets of one size, ascending, padded with ``NO_ITEM``; shape (n, 3).

    Examples
    --------
    >>> items_of(np.array([2097154]), 2).tolist()
    [[1, 2, -1]]
    """
    items = np.full((len(keys), 3), NO_ITEM, np.int32)
    for column in range(size):
        items[:, column] = keys >> ITEM_BITS * (size - 1 - column) & MAX_ITEMS - 1
    return items
