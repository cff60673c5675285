"""Orders of sampled customers with the next order of each: what came of a purchase, for rules to be judged by."""

from __future__ import annotations

import struct
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from crm_online.baskets.basket import packed, unpacked
from crm_online.baskets.open import ClosedBasket
from crm_online.errors import StateCorrupt
from crm_online.step import Put, Remove, Write

NAME = "transitions"
LAST_ORDERS = "last-orders"
ROOM = 1024
"""Transitions that a partition keeps: the latest."""
MOST_ITEMS = 128
"""Items that are kept of an order."""
_HEAD = struct.Struct("<BqHH")
_LAST = struct.Struct("<Bqq")
_VERSION = 1
_LAST_VERSION = 2


class Transition(NamedTuple):
    """An order and the next one of the same customer.

    Attributes
    ----------
    number
        Which transition of the partition it is: 0, 1, 2, …; -1 where there was no order before.
    customer
        The customer's id.
    before, after
        The items' numbers of both orders, ascending.
    """

    number: int
    customer: str
    before: list[int]
    after: list[int]

    def encode(self) -> bytes:
        """Return the transition as bytes."""
        head = _HEAD.pack(_VERSION, self.number, len(self.before), len(self.after))
        return head + packed([*self.before, *self.after]) + self.customer.encode()

    @classmethod
    def decode(cls, raw: bytes) -> Transition:
        """Return the transition of some bytes; raises ``StateCorrupt`` where they are none."""
        if len(raw) < _HEAD.size or raw[0] != _VERSION:
            raise StateCorrupt("a transition in the state cannot be read")
        _, number, before, after = _HEAD.unpack_from(raw)
        end = _HEAD.size + 4 * (before + after)
        if len(raw) < end:
            raise StateCorrupt("a transition in the state cannot be read")
        items = unpacked(raw[_HEAD.size : end])
        return cls(number, raw[end:].decode(), items[:before], items[before:])


class LastOrder(NamedTuple):
    """The last order of a customer.

    Attributes
    ----------
    time
        Of its first line, in ms.
    number
        Of the transition that it ends; -1 where there was no order before.
    items
        The items' numbers, ascending.
    """

    time: int
    number: int
    items: list[int]

    def encode(self) -> bytes:
        """Return the order as bytes."""
        return _LAST.pack(_LAST_VERSION, self.time, self.number) + packed(self.items)

    @classmethod
    def decode(cls, raw: bytes) -> LastOrder:
        """Return the order of some bytes; raises ``StateCorrupt`` where they are none."""
        if len(raw) < _LAST.size or raw[0] != _LAST_VERSION or (len(raw) - _LAST.size) % 4:
            raise StateCorrupt("the last order of a customer cannot be read")
        _, time, number = _LAST.unpack_from(raw)
        return cls(time, number, unpacked(raw[_LAST.size :]))


@dataclass(slots=True)
class Transitions:
    """The latest transitions of the sampled customers of a partition.

    An order that gets more lines after it was closed changes the transition that it ends, as long as that is kept. An
    order older than the customer's last one is left out: what it leads to has been seen already.

    Parameters
    ----------
    most
        Customers whose last order is kept, at most: as many as the sample has.
    next
        How many transitions there were so far; each replaces the one ``ROOM`` before.
    """

    most: int
    next: int
    _latest: dict[int, Transition] = field(default_factory=dict)
    _last: dict[str, LastOrder] = field(default_factory=dict)
    _changed: set[int] = field(default_factory=set)
    _gone: set[int] = field(default_factory=set)
    _changed_last: set[str] = field(default_factory=set)
    _gone_last: set[str] = field(default_factory=set)

    def load(self, latest: Iterable[tuple[bytes, bytes]], last: Iterable[tuple[bytes, bytes]]) -> None:
        """Load what the store holds."""
        self._latest = {int(place): Transition.decode(raw) for place, raw in latest}
        self._last = {customer.decode(): LastOrder.decode(raw) for customer, raw in last}

    @property
    def latest(self) -> list[Transition]:
        """The transitions that are kept, in order."""
        return sorted(self._latest.values(), key=lambda one: one.number)

    def add(self, closed: Sequence[ClosedBasket], sample: Container[str]) -> None:
        """Add closed orders of the customers who are in the sample."""
        for time, items, customer in closed:
            if customer is None or customer not in sample:
                continue
            # Of a very large order every so manyth item, not the first: numbers are in order of age.
            items = items[:: -(-len(items) // MOST_ITEMS)]
            last = self._last.get(customer)
            if last is None:
                self._set_last(customer, LastOrder(time, -1, items))
            elif time > last.time:
                self._keep(Transition(self.next, customer, last.items, items))
                self._set_last(customer, LastOrder(time, self.next, items))
                self.next += 1
            elif set(last.items) <= set(items):
                ended = self._latest.get(last.number % ROOM)
                if ended is not None and ended.number == last.number:
                    self._keep(ended._replace(after=items))
                self._set_last(customer, LastOrder(time, last.number, items))
        if len(self._last) > self.most:
            for customer in [name for name in self._last if name not in sample]:
                self._drop_last(customer)

    def forget(self, customer: str) -> None:
        """Remove what is kept of a customer."""
        for place in [place for place, one in self._latest.items() if one.customer == customer]:
            del self._latest[place]
            self._changed.discard(place)
            self._gone.add(place)
        if customer in self._last:
            self._drop_last(customer)

    def writes(self) -> Iterator[Write]:
        """Write what has changed."""
        if self._gone:
            yield Remove(NAME, [b"%d" % place for place in sorted(self._gone)])
        if self._changed:
            yield Put(NAME, {b"%d" % place: self._latest[place].encode() for place in sorted(self._changed)})
        if self._gone_last:
            yield Remove(LAST_ORDERS, [customer.encode() for customer in sorted(self._gone_last)])
        if self._changed_last:
            changed = {name.encode(): self._last[name].encode() for name in sorted(self._changed_last)}
            yield Put(LAST_ORDERS, changed)
        self._gone, self._changed, self._gone_last, self._changed_last = set(), set(), set(), set()

    def _keep(self, found: Transition) -> None:
        place = found.number % ROOM
        self._latest[place] = found
        self._changed.add(place)
        self._gone.discard(place)

    def _set_last(self, customer: str, order: LastOrder) -> None:
        self._last[customer] = order
        self._changed_last.add(customer)
        self._gone_last.discard(customer)

    def _drop_last(self, customer: str) -> None:
        del self._last[customer]
        self._changed_last.discard(customer)
        self._gone_last.add(customer)
