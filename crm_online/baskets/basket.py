"""A basket: what of one order is there so far."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from crm_online.errors import StateCorrupt

_HEAD = struct.Struct("<Bqq")
_VERSION = 1


@dataclass(slots=True)
class Basket:
    """The lines of one session: first and last line's time in ms, and the ids of its items."""

    first: int
    last: int
    items: set[int]

    def near(self, begin: int, end: int, reach: int) -> bool:
        """Return whether lines from ``begin`` to ``end`` are at most ``reach`` ms from the basket's."""
        return begin <= self.last + reach and end >= self.first - reach

    def encode(self) -> bytes:
        """Return the basket as bytes."""
        return _HEAD.pack(_VERSION, self.first, self.last) + packed(sorted(self.items))

    @classmethod
    def decode(cls, raw: bytes) -> Basket:
        """Return the basket of some bytes; raises ``StateCorrupt`` where they are none."""
        if len(raw) < _HEAD.size or raw[0] != _VERSION or (len(raw) - _HEAD.size) % 4:
            raise StateCorrupt("an open basket in the state cannot be read")
        _, first, last = _HEAD.unpack_from(raw)
        return cls(first, last, set(unpacked(raw[_HEAD.size :])))


def packed(items: Sequence[int]) -> bytes:
    """Return item ids as bytes."""
    return struct.pack(f"<{len(items)}i", *items)


def unpacked(raw: bytes) -> list[int]:
    """Return the item ids of some bytes."""
    found: list[int] = np.frombuffer(raw, "<i4").tolist()
    return found
