"""Which of some orders have all items of rules' sides: a row of bits for each item, a bit for each order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from crm_online.itemsets.baskets import Baskets
from crm_online.itemsets.vertical import Words, rows_of


def joined(parts: Iterable[tuple[Sequence[Sequence[int]], Sequence[str]]]) -> tuple[dict[str, int], Baskets]:
    """Return the orders of some partitions as one batch, without times, and its numbers of the items by name.

    Parameters
    ----------
    parts
        The items of each order by the partition's numbers, and the names of these; items without a name are left out.

    Examples
    --------
    >>> numbers, orders = joined([([[0], [0, 1]], ["tea", "cup"]), ([[0]], ["cup"])])
    >>> numbers, orders.start.tolist(), orders.items.tolist()
    ({'tea': 0, 'cup': 1}, [0, 1, 3, 4], [0, 0, 1, 1])
    """
    numbers: dict[str, int] = {}
    lengths, items = list[NDArray[np.int64]](), list[NDArray[np.int32]]()
    for orders, names in parts:
        every = np.fromiter(chain.from_iterable(orders), np.int64)
        order = np.repeat(np.arange(len(orders)), [len(one) for one in orders])[every < len(names)]
        used, inverse = np.unique(every[every < len(names)], return_inverse=True)
        number_of = [numbers.setdefault(names[item], len(numbers)) for item in used.tolist()]
        lengths.append(np.bincount(order, minlength=len(orders)))
        items.append(np.array(number_of, np.int32)[inverse])
    start = np.concatenate([np.zeros(1, np.int64), *lengths]).cumsum()
    batch = Baskets(np.zeros(len(start) - 1, np.int64), start, np.concatenate([np.empty(0, np.int32), *items]))
    return numbers, batch


def of_bits(having: NDArray[np.bool_]) -> Words:
    """Return bits along the last axis as words.

    Examples
    --------
    >>> of_bits(np.array([True, False, True])).tolist()
    [5]
    """
    packed = np.packbits(having, axis=-1, bitorder="little")
    missing = -packed.shape[-1] % 8
    padded = np.pad(packed, [*[(0, 0)] * (packed.ndim - 1), (0, missing)])
    return np.ascontiguousarray(padded).view("<u8").astype(np.uint64)


@dataclass(frozen=True, eq=False)
class Occurrences:
    """The items of some orders.

    Attributes
    ----------
    numbers
        Numbers of the items by name: 0, 1, 2, ….
    orders
        The items of each order by number.
    """

    numbers: Mapping[str, int]
    orders: Baskets

    @property
    def words(self) -> int:
        """Words of 64 bits that a row has."""
        return -(-len(self.orders) // 64)

    def rows(self, names: Sequence[str], sides: NDArray[np.int32]) -> NDArray[np.int64]:
        """Return the row of each item of some sides, int64[n, w]; padding, -1, is the row of all orders."""
        missing = len(self.numbers)
        return np.array([*(self.numbers.get(name, missing) for name in names), missing + 1], np.int64)[sides]

    def having(self, rows: NDArray[np.int64]) -> Words:
        """Return which orders have all items of each of n sides, uint64[n, words]."""
        both = self._bits[rows[:, 0]]
        for column in rows.T[1:]:
            both &= self._bits[column]
        return both

    @cached_property
    def _bits(self) -> Words:
        """Which orders have each item; a row of none, and a row of all."""
        bits = rows_of(self.orders, np.arange(len(self.numbers)))
        none, every = (np.full((1, len(self.orders)), having) for having in (False, True))
        return np.concatenate([bits, of_bits(none), of_bits(every)])
