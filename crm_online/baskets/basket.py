"""A basket: what of one order is there so far."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from crm_online.errors import StateCorrupt

_HEAD = struct.Struct("<Bqq")
_VERDICTS = {1: None, 2: True, 3: False}
"""What the first byte says of whether the basket was admitted."""
_BYTES = {verdict: byte for byte, verdict in _VERDICTS.items()}


@dataclass(slots=True)
class Basket:
    """The lines of one session.

    Attributes
    ----------
    first, last
        Times of its first and its last line, in ms.
    items
        Ids of its items.
    admitted
        Whether the quota of anonymous baskets admitted it, or a part of it, when it closed; ``None``: it did not yet.
    """

    first: int
    last: int
    items: set[int]
    admitted: bool | None = None

    def near(self, begin: int, end: int, reach: int) -> bool:
        """Return whether lines from ``begin`` to ``end`` are at most ``reach`` ms from the basket's."""
        return begin <= self.last + reach and end >= self.first - reach

    def add(self, other: Basket) -> None:
        """Add another part of the session; the whole is admitted if a part of it was."""
        self.first, self.last = min(self.first, other.first), max(self.last, other.last)
        self.items |= other.items
        if other.admitted is not None:
            self.admitted = other.admitted or bool(self.admitted)

    def encode(self) -> bytes:
        """Return the basket as bytes."""
        return _HEAD.pack(_BYTES[self.admitted], self.first, self.last) + packed(sorted(self.items))

    @classmethod
    def decode(cls, raw: bytes) -> Basket:
        """Return the basket of some bytes; raises ``StateCorrupt`` where they are none."""
        if len(raw) < _HEAD.size or raw[0] not in _VERDICTS or (len(raw) - _HEAD.size) % 4:
            raise StateCorrupt("an open basket in the state cannot be read")
        _, first, last = _HEAD.unpack_from(raw)
        return cls(first, last, set(unpacked(raw[_HEAD.size :])), _VERDICTS[raw[0]])


def packed(items: Sequence[int]) -> bytes:
    """Return item ids as bytes."""
    return struct.pack(f"<{len(items)}i", *items)


def unpacked(raw: bytes) -> list[int]:
    """Return the item ids of some bytes."""
    found: list[int] = np.frombuffer(raw, "<i4").tolist()
    return found
