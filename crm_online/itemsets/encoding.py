"""Baskets, and counters whole, as bytes and back, bit by bit."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crm_online.errors import StateCorrupt, StateTooNew
from crm_online.itemsets.baskets import Baskets
from crm_online.itemsets.evicted import Evicted
from crm_online.itemsets.weights import BasketWeights

CHUNK_BYTES = 8 << 20
"""A chunk is at most this long."""

_MAGIC = b"crmI"
_VERSION = 2
_LEAD = struct.Struct("<4sHQI")  # magic, version, length of the body, its CRC-32
_ARRAY = struct.Struct("<BQ")
_WIDTHS = ("<u1", "<u2", "<u4", "<i8")


@dataclass(frozen=True, slots=True)
class Saved:
    """What a dump holds: the settings (ε, max_size, max_bytes), and the state that all else follows from."""

    settings: tuple[float, int, int]
    weights: BasketWeights
    latest: int | None
    kept: Baskets
    evicted: Evicted


def encode(saved: Saved) -> list[bytes]:
    """Return a dump as chunks."""
    epsilon, max_size, max_bytes = saved.settings
    evicted = saved.evicted
    head = {
        "settings": [epsilon.hex(), max_size, max_bytes],
        "weights": [saved.weights.half_life, saved.weights.origin],
        "latest": saved.latest,
        "evicted": [evicted.baskets, evicted.weight, evicted.floor, evicted.sets.shape[1]],
    }
    raw = json.dumps(head, separators=(",", ":")).encode()
    arrays = (evicted.items, evicted.sets.ravel().astype(np.int64) + 1, evicted.least, evicted.most)
    body = b"".join([struct.pack("<I", len(raw)), raw, *map(_pack, arrays), pack(saved.kept)])
    whole = _LEAD.pack(_MAGIC, _VERSION, len(body), zlib.crc32(body)) + body
    return [whole[begin : begin + CHUNK_BYTES] for begin in range(0, len(whole), CHUNK_BYTES)]


def decode(chunks: Sequence[bytes]) -> Saved:
    """Return the dump of some chunks.

    Raises
    ------
    StateTooNew
        If a newer version wrote them.
    StateCorrupt
        If no version wrote them, an older one did, or bytes are missing or changed.
    """
    whole = b"".join(chunks)
    if len(whole) < _LEAD.size or not whole.startswith(_MAGIC):
        raise StateCorrupt("the itemset counters in the state cannot be read: no version wrote these bytes")
    _, version, length, checksum = _LEAD.unpack_from(whole)
    if version > _VERSION:
        raise StateTooNew(f"the itemset counters are of version {version}, this crm-online knows up to {_VERSION}")
    if version < _VERSION:
        raise StateCorrupt("the itemset counters are of an older version, without the baskets: replay into a new state")
    body = memoryview(whole)[_LEAD.size :]
    if len(body) != length or zlib.crc32(body) != checksum:
        raise StateCorrupt("the itemset counters in the state cannot be read: bytes are missing or changed")
    reader = _Reader(body)
    try:
        head = json.loads(bytes(reader.bytes(struct.unpack("<I", reader.bytes(4))[0])))
        epsilon, max_size, max_bytes = head["settings"]
        number, weight, floor, width = head["evicted"]
        items, sets, least, most = (reader.array() for _ in range(4))
        evicted = Evicted(number, weight, items, floor, (sets - 1).astype(np.int32).reshape(-1, width), least, most)
        half_life, origin = head["weights"]
        kept = reader.baskets()
        reader.end()
        settings = float.fromhex(epsilon), max_size, max_bytes
        return Saved(settings, BasketWeights(half_life, origin), head["latest"], kept, evicted)
    except (ValueError, KeyError, TypeError, struct.error) as error:
        raise StateCorrupt("the itemset counters in the state cannot be read: their parts do not fit") from error


def pack(baskets: Baskets) -> bytes:
    """Return baskets as bytes: the differences of their times, their lengths, and their items."""
    times = np.diff(baskets.times, prepend=np.int64(0))
    return b"".join(map(_pack, (times, np.diff(baskets.start), baskets.items.astype(np.int64))))


def unpack(raw: bytes | memoryview) -> list[Baskets]:
    """Return the batches that were packed one after the other.

    Raises
    ------
    StateCorrupt
        If they are none.
    """
    reader, found = _Reader(memoryview(raw)), []
    while reader.is_left:
        found.append(reader.baskets())
    return found


def _pack(array: NDArray[np.int64]) -> bytes:
    """Pack whole numbers as narrow as they fit."""
    low, high = int(array.min(initial=0)), int(array.max(initial=0))
    width = (
        3 if low < 0 else next(width for width, most in enumerate((1 << 8, 1 << 16, 1 << 32, 1 << 63)) if high < most)
    )
    return _ARRAY.pack(width, len(array)) + array.astype(_WIDTHS[width]).tobytes()


class _Reader:
    """Takes the parts of some bytes off one by one."""

    def __init__(self, raw: memoryview) -> None:
        self._raw, self._at = raw, 0

    @property
    def is_left(self) -> bool:
        return self._at < len(self._raw)

    def bytes(self, length: int) -> memoryview:
        end = self._at + length
        if end > len(self._raw):
            raise StateCorrupt("baskets in the state cannot be read: they end too early")
        found, self._at = self._raw[self._at : end], end
        return found

    def array(self) -> NDArray[np.int64]:
        width, length = _ARRAY.unpack(self.bytes(_ARRAY.size))
        if width >= len(_WIDTHS):
            raise StateCorrupt(f"baskets in the state cannot be read: unknown width {width}")
        kind = np.dtype(_WIDTHS[width])
        return np.frombuffer(self.bytes(length * kind.itemsize), kind).astype(np.int64)

    def baskets(self) -> Baskets:
        times, lengths, items = self.array(), self.array(), self.array()
        start = np.concatenate([[0], np.cumsum(lengths)])
        if len(times) != len(lengths) or start[-1] != len(items):
            raise StateCorrupt("baskets in the state cannot be read: their parts do not fit")
        return Baskets(np.cumsum(times), start, items.astype(np.int32))

    def end(self) -> None:
        if self.is_left:
            raise StateCorrupt("baskets in the state cannot be read: there is more than they say")
