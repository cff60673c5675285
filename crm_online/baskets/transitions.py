"""Orders of sampled customers with the next order of each: what came of a purchase, for rules to be judged by."""

from __future__ import annotations

import struct
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

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
_VERSION = 1


@dataclass(frozen=True, slots=True)
class Transition:
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
        return head + np.array([*self.before, *self.after], "<i4").tobytes() + self.customer.encode()

    @classmethod
    def decode(cls, raw: bytes) -> Transition:
        """Return the transition of some bytes; raises ``StateCorrupt`` where they are none."""
        if len(raw) < _HEAD.size or raw[0] != _VERSION:
            raise StateCorrupt("a transition in the state cannot be read")
        _, number, before, after = _HEAD.unpack_from(raw)
        end = _HEAD.size + 4 * (before + after)
        if len(raw) < end:
            raise StateCorrupt("a transition in the state cannot be read")
        items = np.frombuffer(raw[_HEAD.size : end], "<i4").tolist()
        return cls(number, raw[end:].decode(), items[:before], items[before:])


@dataclass(frozen=True, slots=True)
class LastOrder:
    """The last order of a customer: time of its first line in ms, and the transition that it ends."""

    time: int
    transition: Transition

    def encode(self) -> bytes:
        """Return the order as bytes."""
        return struct.pack("<q", self.time) + self.transition.encode()

    @classmethod
    def decode(cls, raw: bytes) -> LastOrder:
        """Return the order of some bytes; raises ``StateCorrupt`` where they are none."""
        return cls(int.from_bytes(raw[:8], "little", signed=True), Transition.decode(raw[8:]))


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
                self._set_last(customer, LastOrder(time, Transition(-1, customer, [], items)))
            elif time > last.time:
                found = Transition(self.next, customer, last.transition.after, items)
                self.next += 1
                self._keep(found)
                self._set_last(customer, LastOrder(time, found))
            elif set(last.transition.after) <= set(items):
                found = replace(last.transition, after=items)
                if found.number >= 0 and self._latest.get(found.number % ROOM) == last.transition:
                    self._keep(found)
                self._set_last(customer, LastOrder(time, found))
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
