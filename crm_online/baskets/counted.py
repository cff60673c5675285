"""Baskets that were counted and are remembered, so that lines which come late find theirs."""

from __future__ import annotations

import struct
from collections import defaultdict
from collections.abc import Iterable, Iterator

from crm_online.baskets.basket import Basket, packed, unpacked
from crm_online.errors import StateCorrupt
from crm_online.step import Put, Remove, Write

NAME = "counted-baskets"
SESSIONS = 32
"""How many baskets of one customer and basket id are remembered at most, as of tills that count from 1 every day."""
SEPARATOR = "\x1f"
"""Between kind, customer and basket id in a key."""

_HEAD = struct.Struct("<BQ")
_VERSION = 1
_SESSION = struct.Struct("<qqI")
_LEFT_OUT = 1 << 31
"""Beside the number of a session's items: it was not admitted."""
_COST = 250
"""Bytes that a key takes in memory, without its name and its value: two objects and a place in a dictionary."""


class CountedBaskets:
    """The baskets of one partition that were counted last, by key (kind, customer, basket id).

    Those that were changed longest ago are forgotten first: what decides is when lines came, not what time they have,
    so a log in any order of time finds the neighbours of its lines.

    Parameters
    ----------
    max_bytes
        Memory that they may take; in the store it is about half.
    number
        The number of the key that was last changed.
    forgotten_to
        The last time of any basket that was forgotten, in ms; ``None`` if none was.

    Attributes
    ----------
    bytes
        Memory that they take.
    """

    def __init__(self, max_bytes: int, number: int = 0, forgotten_to: int | None = None) -> None:
        self.max_bytes, self.number, self.forgotten_to = max_bytes, number, forgotten_to
        self.bytes = 0
        self._values: dict[str, bytes] = {}  # by key, the longest unchanged first
        self._by_customer: defaultdict[str, list[str]] | None = None
        self._changed: set[str] = set()
        self._gone: set[str] = set()

    def __len__(self) -> int:
        """Return the number of keys."""
        return len(self._values)

    def load(self, raw: Iterable[tuple[bytes, bytes]]) -> None:
        """Load the baskets of the store; raises ``StateCorrupt`` where they are none."""
        for key, value in sorted(raw, key=lambda pair: _number(pair[1])):
            self._place(key.decode(), value)

    def keep(self, key: str, basket: Basket) -> None:
        """Remember a basket that was counted."""
        items = packed(sorted(basket.items))
        value = self._drop(key)[_HEAD.size :] + _session(basket.first, basket.last, basket.admitted is False, items)
        self._set(key, value)

    def remove_near(self, key: str, begin: int, end: int, reach: int) -> list[Basket]:
        """Remove the baskets of a key that are at most ``reach`` ms from lines from ``begin`` to ``end``."""
        value = self._values.get(key)
        if value is None:
            return []
        near, others = [], []
        for first, last, left_out, raw in sessions(value):
            basket = Basket(first, last, set())
            if basket.near(begin, end, reach):
                basket.items, basket.admitted = set(unpacked(raw)), not left_out if raw else None
                near.append(basket)
            else:
                others.append(_session(first, last, left_out, raw))
        if near:
            self._drop(key)
            if others:
                self._set(key, b"".join(others))
            else:
                self._changed.discard(key)
                self._gone.add(key)
        return near

    def doubtful(self, begin: int, reach: int) -> bool:
        """Return whether lines that begin at a time may belong to a basket that was forgotten."""
        return self.forgotten_to is not None and begin <= self.forgotten_to + reach

    def forget_customer(self, customer: str) -> None:
        """Forget the baskets of a customer."""
        # Many may be erased in one step: what is of whom is looked for once.
        if self._by_customer is None:
            self._by_customer = defaultdict(list)
            for key in self._values:
                self._by_customer[key.split(SEPARATOR, 2)[1]].append(key)
        for key in [key for key in self._by_customer.get(customer, ()) if key in self._values]:
            self._drop(key)
            self._changed.discard(key)
            self._gone.add(key)

    def writes(self) -> Iterator[Write]:
        """Forget what is above ``max_bytes``, and write what has changed."""
        while self.bytes > self.max_bytes:
            key = next(iter(self._values))
            for _, last, _, _ in sessions(self._drop(key)):
                self._forgotten(last)
            self._changed.discard(key)
            self._gone.add(key)
        if self._gone:
            yield Remove(NAME, [key.encode() for key in sorted(self._gone)])
        if self._changed:
            yield Put(NAME, {key.encode(): self._values[key] for key in sorted(self._changed)})
        self._gone, self._changed, self._by_customer = set(), set(), None

    def _set(self, key: str, value: bytes) -> None:
        if len(value) > SESSIONS * _SESSION.size:  # else there cannot be too many
            parts = list(sessions(_HEAD.pack(_VERSION, 0) + value))
            for _, last, _, raw in parts[:-SESSIONS]:
                self._forgotten(last)
                value = value[_SESSION.size + len(raw) :]
        self.number += 1
        self._place(key, _HEAD.pack(_VERSION, self.number) + value)
        self._changed.add(key)
        self._gone.discard(key)

    def _place(self, key: str, value: bytes) -> None:
        self._values[key] = value
        self._by_customer = None
        self.bytes += _COST + len(key) + len(value)

    def _drop(self, key: str) -> bytes:
        value = self._values.pop(key, b"")
        if value:
            self.bytes -= _COST + len(key) + len(value)
        return value

    def _forgotten(self, last: int) -> None:
        self.forgotten_to = last if self.forgotten_to is None else max(last, self.forgotten_to)


def _number(value: bytes) -> int:
    if len(value) < _HEAD.size or value[0] != _VERSION:
        raise StateCorrupt("a counted basket in the state cannot be read")
    number: int = _HEAD.unpack_from(value)[1]
    return number


def _session(first: int, last: int, left_out: bool, items: bytes) -> bytes:
    return _SESSION.pack(first, last, len(items) // 4 | (_LEFT_OUT if left_out else 0)) + items


def sessions(value: bytes) -> Iterator[tuple[int, int, bool, bytes]]:
    """Return first and last time of each basket of a key, the longest unchanged first.

    With each, whether it was left out, and its items as bytes.
    """
    at = _HEAD.size
    while at < len(value):
        if len(value) < at + _SESSION.size:
            raise StateCorrupt("a counted basket in the state cannot be read")
        first, last, count = _SESSION.unpack_from(value, at)
        begin = at + _SESSION.size
        at = begin + 4 * (count & ~_LEFT_OUT)
        if len(value) < at:
            raise StateCorrupt("a counted basket in the state cannot be read")
        yield first, last, bool(count & _LEFT_OUT), value[begin:at]
