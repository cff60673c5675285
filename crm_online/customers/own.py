"""What each customer bought before: decayed numbers of orders, of all and with each item, within a bound of bytes.

The bytes of a customer are a head (the number of orders) and up to ``MOST_ITEMS`` entries of five bytes: the item's
number and how much smaller its number of orders is, both as logarithms in steps of 1/64 octave, 1.1 %. Logarithms need
no landmark: what is not bought keeps its bytes while it fades, and however short the half-life is, nothing overflows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from crm_online.errors import StateCorrupt

MOST_ITEMS = 128
"""Items that are remembered of a customer at most."""

LEFT = 96
"""Items that are left of a customer's where there were more: those that were bought most, and most lately."""

_STEPS = 64
"""Steps of a logarithm in an octave."""
_FARTHEST = 0xFFFF
_MOST_NUMBER = 1 << 24
_HEAD, _ENTRY = np.dtype("<i4"), np.dtype([("item", "u1", (3,)), ("less", "<u2")])


@dataclass(slots=True)
class OwnItems:
    """The own items of n customers.

    Attributes
    ----------
    orders
        int64[n]: logarithm of each customer's number of orders, in steps; only where there was one.
    customer, item
        int64[m]: row of the customer and number of the item, ascending.
    count
        int64[m]: logarithm of the number of orders with the item, in steps.
    """

    orders: NDArray[np.int64]
    customer: NDArray[np.int64]
    item: NDArray[np.int64]
    count: NDArray[np.int64]

    @classmethod
    def decode(cls, raw: list[bytes]) -> tuple[Self, NDArray[np.bool_]]:
        """Return what some bytes hold, and which customers have bought at all.

        Raises
        ------
        StateCorrupt
            If these are no such bytes.
        """
        has = np.array([len(one) > 0 for one in raw], bool)
        sizes = np.array([len(one) for one in raw], np.int64)
        if ((sizes[has] < _HEAD.itemsize) | ((sizes[has] - _HEAD.itemsize) % _ENTRY.itemsize != 0)).any():
            raise StateCorrupt("the items that a customer bought cannot be read")
        orders = np.zeros(len(raw), np.int64)
        orders[has] = np.frombuffer(b"".join([one[: _HEAD.itemsize] for one in raw]), _HEAD)
        entries = np.frombuffer(b"".join([one[_HEAD.itemsize :] for one in raw]), _ENTRY)
        customer = np.repeat(np.arange(len(raw)), np.where(has, (sizes - _HEAD.itemsize) // _ENTRY.itemsize, 0))
        item = entries["item"].astype(np.int64) @ (1 << np.array([0, 8, 16]))
        return cls(orders, customer, item, orders[customer] - entries["less"]), has

    def encode(self, has: NDArray[np.bool_]) -> list[bytes]:
        """Return the bytes of each customer; empty for who has not bought."""
        entries = np.zeros(len(self.item), _ENTRY)
        entries["item"] = self.item[:, np.newaxis] >> np.array([0, 8, 16]) & 0xFF
        entries["less"] = np.clip(self.orders[self.customer] - self.count, 0, _FARTHEST)
        heads, body = self.orders.astype(_HEAD).tobytes(), entries.tobytes()
        ends = np.searchsorted(self.customer, np.arange(len(self.orders)), side="right") * _ENTRY.itemsize
        begin, found = 0, []
        for row, (end, there) in enumerate(zip(ends.tolist(), has.tolist(), strict=True)):
            found.append(heads[4 * row : 4 * row + 4] + body[begin:end] if there else b"")
            begin = end
        return found


@dataclass(frozen=True, slots=True)
class Bought:
    """What some customers bought.

    Attributes
    ----------
    orders, order_time
        Row of the customer, and time in ms, of each order.
    customer, item, time
        Row, number of the item, and time of each item of an order.
    """

    orders: NDArray[np.int64]
    order_time: NDArray[np.int64]
    customer: NDArray[np.int64]
    item: NDArray[np.int64]
    time: NDArray[np.int64]


def add(raw: list[bytes], bought: Bought, half_life: int | None) -> list[bytes]:
    """Return the bytes of some customers' own items with what they bought added.

    Examples
    --------
    >>> one = np.array([0])
    >>> raw = add([b""], Bought(one, one, one, one + 7, one), None)
    >>> raw = add(raw, Bought(one, one, one, one + 9, one), None)
    >>> read(raw[0], 0, None)
    (2.0, {7: 1.0, 9: 1.0})
    """
    own, has = OwnItems.decode(raw)
    row, orders = _sums(bought.orders, _logarithm(bought.order_time, half_life))
    own.orders[row] = np.where(has[row], _sum(own.orders[row], orders), orders)
    has[row] = True

    new = bought.item < _MOST_NUMBER
    keys = own.customer * _MOST_NUMBER + own.item
    key, count = _sums(bought.customer[new] * _MOST_NUMBER + bought.item[new], _logarithm(bought.time[new], half_life))
    place = np.searchsorted(keys, key)
    known = np.append(keys, -1)[place] == key
    own.count[place[known]] = _sum(own.count[place[known]], count[known])
    keys = np.insert(keys, place[~known], key[~known])
    counts = np.insert(own.count, place[~known], count[~known])
    customer, item = keys // _MOST_NUMBER, keys % _MOST_NUMBER
    # A line may come before the one that opens its order: there are never more orders with an item than orders.
    lone = np.setdiff1d(customer, np.flatnonzero(has))
    has[lone] = True
    own.orders[lone] = np.iinfo(np.int32).min
    np.maximum.at(own.orders, customer, counts)
    kept = _within_bound(customer, item, counts)
    return OwnItems(own.orders, customer[kept], item[kept], counts[kept]).encode(has)


def read(raw: bytes, as_of: int, half_life: int | None) -> tuple[float, dict[int, float]]:
    """Return a customer's decayed number of orders, and of orders with each item by its number."""
    own, _ = OwnItems.decode([raw])
    if not raw:
        return 0.0, {}
    now = as_of / half_life * _STEPS if half_life else 0.0
    counts = np.exp2((own.count - now) / _STEPS)
    return float(np.exp2((own.orders[0] - now) / _STEPS)), dict(zip(own.item.tolist(), counts.tolist(), strict=True))


def _logarithm(time: NDArray[np.int64], half_life: int | None) -> NDArray[np.int64]:
    """Return the weight of an order as a logarithm in steps: one more octave for each half-life since 1970."""
    if half_life is None:
        return np.zeros(len(time), np.int64)
    steps: NDArray[np.int64] = np.rint(time / half_life * _STEPS).astype(np.int64)
    return steps


def _sum(one: NDArray[np.int64], other: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the logarithms of sums of numbers that are given as logarithms."""
    total: NDArray[np.int64] = np.rint(np.logaddexp2(one / _STEPS, other / _STEPS) * _STEPS).astype(np.int64)
    return total


def _sums(keys: NDArray[np.int64], logarithm: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Add up numbers that are given as logarithms, key by key; keys come out distinct and ascending."""
    if not len(keys):
        return keys, logarithm
    order = np.lexsort((logarithm, keys))
    keys, logarithm = keys[order], logarithm[order]
    starts = np.flatnonzero(np.r_[True, keys[1:] != keys[:-1]])
    total = np.logaddexp2.reduceat(logarithm / _STEPS, starts)
    return keys[starts], np.rint(total * _STEPS).astype(np.int64)


def _within_bound(customer: NDArray[np.int64], item: NDArray[np.int64], count: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which entries are kept: the first ``LEFT`` of who has more than ``MOST_ITEMS``, equals by number."""
    kept = np.ones(len(customer), bool)
    many = np.bincount(customer, minlength=1) > MOST_ITEMS
    rows = np.flatnonzero(many[customer]) if len(customer) else np.empty(0, np.int64)
    rows = rows[np.lexsort((item[rows], -count[rows], customer[rows]))]
    place = np.arange(len(rows)) - np.searchsorted(customer[rows], customer[rows])
    kept[rows[place >= LEFT]] = False
    return kept
