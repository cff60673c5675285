"""Some of the latest orders, whole, each with what its customer had bought before: recommendations learn from them."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np
from pydantic import BaseModel, ConfigDict

from crm_online.baskets.basket import packed, unpacked
from crm_online.baskets.orders import OrderItems
from crm_online.errors import StateCorrupt
from crm_online.events.columns import EventColumns, hash64
from crm_online.step import Put, Remove, Write

NAME = "sampled-orders"
ROOM = 1024
"""Orders that a partition keeps."""
MOST_ITEMS = 128
"""Items that are kept of an order."""
SPAN = 30 * 86_400_000
"""Time that the orders kept should reach back, in ms: where they reach less, fewer of those that come are sampled."""
_KEY = "crm-online/order"
_HEAD = struct.Struct("<BqQBHq")
_VERSION = 2


class SamplingState(BaseModel):
    """Where the sample of orders goes on, and how sparse it is.

    Attributes
    ----------
    next
        How many orders were sampled so far; each replaces the one ``ROOM`` before.
    halvings
        One order of ``2 ** halvings`` is sampled.
    """

    model_config = ConfigDict(extra="forbid")

    next: int = 0
    halvings: int = 0


@dataclass(frozen=True, slots=True)
class SampledOrder:
    """An order, with what its customer had bought before it.

    Attributes
    ----------
    customer
        ``None``: unknown.
    time
        In ms.
    hash
        Of its customer and its id.
    items
        The items' numbers.
    history
        What the customer had bought before the batch with the order's first lines, as bytes: see
        :mod:`crm_online.customers.own`.
    last_order
        Time of the customer's last order before that batch, in ms; 0 where there was none.
    """

    customer: str | None
    time: int
    hash: int
    items: list[int]
    history: bytes = b""
    last_order: int = 0

    def encode(self) -> bytes:
        """Return the order as bytes."""
        name = b"" if self.customer is None else self.customer.encode()
        many = (self.customer is not None) << 7 | len(self.items) % MOST_ITEMS
        head = _HEAD.pack(_VERSION, self.time, self.hash, many, len(self.history), self.last_order)
        return head + packed(self.items) + self.history + name

    @classmethod
    def decode(cls, raw: bytes) -> SampledOrder:
        """Return the order of some bytes; raises ``StateCorrupt`` where they are none."""
        if len(raw) < _HEAD.size or raw[0] != _VERSION:
            raise StateCorrupt("a sampled order in the state cannot be read")
        _, time, hash_, many, size, last_order = _HEAD.unpack_from(raw)
        end = _HEAD.size + 4 * (many % MOST_ITEMS or MOST_ITEMS)
        if len(raw) < end + size:
            raise StateCorrupt("a sampled order in the state cannot be read")
        items = unpacked(raw[_HEAD.size : end])
        customer = raw[end + size :].decode() if many >= MOST_ITEMS else None
        return cls(customer, time, hash_, items, raw[end : end + size], last_order)


@dataclass(slots=True)
class SampledOrders:
    """The sample of a partition.

    An order is sampled or not by a hash of its customer and its id, so that lines which come later find it again.

    Parameters
    ----------
    state
        Where the sample goes on, changed in place.
    key
        What the hashes depend on.
    """

    state: SamplingState
    key: str = ""
    _orders: dict[int, SampledOrder] = field(default_factory=dict)
    _places: dict[int, int] = field(default_factory=dict)
    _changed: set[int] = field(default_factory=set)
    _gone: set[int] = field(default_factory=set)

    def load(self, raw: Iterable[tuple[bytes, bytes]]) -> None:
        """Load the orders of the store."""
        self._orders = {int(name): SampledOrder.decode(value) for name, value in sorted(raw)}
        self._places = {order.hash: place for place, order in self._orders.items()}

    def offer(self, events: EventColumns, orders: OrderItems, history: Callable[[int], tuple[bytes, int]]) -> None:
        """Sample some of the orders of a batch, or add to those that were sampled before.

        Parameters
        ----------
        history
            Returns what the customer of an event had bought before the batch, and the time of the last order, in ms.
        """
        starts = np.flatnonzero(np.diff(orders.order, prepend=-1))
        if not len(starts):
            return
        event = orders.event[starts]
        keys = [
            f"{events.customers[customer] if customer >= 0 else ''}\x1f{events.baskets[basket]}"
            if basket >= 0
            else events.event_ids[row]
            for row, customer, basket in zip(
                event.tolist(), events.customer[event].tolist(), events.basket[event].tolist(), strict=True
            )
        ]
        hashes = hash64(keys, _KEY + self.key)
        chosen = np.flatnonzero(hashes % np.uint64(1 << self.state.halvings) == 0)
        ends = np.append(starts, len(orders.order))[1:]
        for number in chosen.tolist():
            row, (begin, end) = int(event[number]), (int(starts[number]), int(ends[number]))
            code = int(events.customer[row])
            customer = events.customers[code] if code >= 0 else None
            items = orders.item[begin:end].tolist()
            self._add(SampledOrder(customer, int(events.time[row]), int(hashes[number]), items, *history(row)))

    @property
    def orders(self) -> list[SampledOrder]:
        """The orders that are kept."""
        return list(self._orders.values())

    def forget(self, customer: str) -> None:
        """Remove a customer's orders."""
        for place in [place for place, order in self._orders.items() if order.customer == customer]:
            del self._places[self._orders.pop(place).hash]
            self._changed.discard(place)
            self._gone.add(place)

    def writes(self) -> Iterator[Write]:
        """Write what has changed."""
        if self._gone:
            yield Remove(NAME, [b"%d" % place for place in sorted(self._gone)])
        if self._changed:
            yield Put(NAME, {b"%d" % place: self._orders[place].encode() for place in sorted(self._changed)})
        self._gone, self._changed = set(), set()

    def _add(self, order: SampledOrder) -> None:
        place = self._places.get(order.hash)
        if place is None:
            place = self.state.next % ROOM
            if place == 0 and self.state.next:
                self._pace()
            self.state.next += 1
            before = self._orders.get(place)
            if before is not None:
                del self._places[before.hash]
            self._places[order.hash] = place
        else:
            # What the customer had bought before stays what it was when the first lines came.
            known = self._orders[place]
            order = replace(known, time=order.time, items=sorted({*known.items, *order.items}))
        # Of a very large order every so manyth item, not the first: numbers are in order of age.
        self._orders[place] = replace(order, items=order.items[:: -(-len(order.items) // MOST_ITEMS)])
        self._changed.add(place)
        self._gone.discard(place)

    def _pace(self) -> None:
        """Sample fewer orders where all are younger than half of ``SPAN``, more where they reach back four times it."""
        times = [order.time for order in self._orders.values()]
        reach = max(times, default=0) - min(times, default=0)
        if reach < SPAN / 2:
            self.state.halvings = min(self.state.halvings + 1, 40)
        elif reach > 4 * SPAN and self.state.halvings:
            self.state.halvings -= 1
