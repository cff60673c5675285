"""Counters as bytes and back, bit by bit."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from crm_online.decay import Decay
from crm_online.errors import StateCorrupt, StateTooNew
from crm_online.itemsets.state import CounterState
from crm_online.itemsets.table import KeyTable

CHUNK_BYTES = 8 << 20
"""A chunk is at most this long."""

_MAGIC = b"crmI"
_VERSION = 1
_LEAD = struct.Struct("<4sHQI")  # magic, version, length of the body, its CRC-32
# epsilon, N, H
# half-life, max_size, max_bytes, landmark, latest, known, kept pairs, kept triples
# has half-life, has latest
_HEAD = struct.Struct("<3d8q2?")
_COLUMN = struct.Struct("<BQ")
_ZERO, _WHOLE, _FLOAT, _KEY = range(4)


def encode(state: CounterState) -> list[bytes]:
    """Return the state as chunks: lead, head, and the columns of items, floors, pairs and triples."""
    head = _HEAD.pack(
        *(state.epsilon, state.baskets, state.raised),
        *(state.decay.half_life or 0, state.max_size, state.max_bytes),
        *(state.landmark, state.latest or 0, state.known, *state.kept),
        *(state.decay.half_life is not None, state.latest is not None),
    )
    columns = [*state.items[:, : state.known], *state.floors]
    parts = [head, *(_encode_column(column) for column in columns)]
    for table in state.tables:
        parts.append(_COLUMN.pack(_KEY, len(table)) + table.keys.astype("<i8").tobytes())
        parts += [_encode_column(column) for column in table.values]
    body = b"".join(parts)
    whole = _LEAD.pack(_MAGIC, _VERSION, len(body), zlib.crc32(body)) + body
    return [whole[begin : begin + CHUNK_BYTES] for begin in range(0, len(whole), CHUNK_BYTES)]


def decode(chunks: Sequence[bytes]) -> CounterState:
    """Return the state of some chunks.

    Raises
    ------
    StateTooNew
        If a newer version wrote them.
    StateCorrupt
        If no version wrote them, or bytes are missing or changed.
    """
    whole = b"".join(chunks)
    if len(whole) < _LEAD.size or not whole.startswith(_MAGIC):
        raise StateCorrupt("the itemset counters in the state cannot be read: no version wrote these bytes")
    _, version, length, checksum = _LEAD.unpack_from(whole)
    if version > _VERSION:
        raise StateTooNew(f"the itemset counters are of version {version}, this crm-online knows up to {_VERSION}")
    body = memoryview(whole)[_LEAD.size :]
    if version < 1 or len(body) != length or zlib.crc32(body) != checksum:
        raise StateCorrupt("the itemset counters in the state cannot be read: bytes are missing or changed")
    return _Reader(body).state()


def _encode_column(column: NDArray[np.float64]) -> bytes:
    """Pack a column without loss: nothing for zeros, four bytes for whole numbers, else all eight."""
    if not np.any(column.view(np.uint64)):
        return _COLUMN.pack(_ZERO, len(column))
    with np.errstate(invalid="ignore"):
        whole = column.astype("<u4")
    if np.array_equal(whole.astype(np.float64).view(np.uint64), column.view(np.uint64)):
        return _COLUMN.pack(_WHOLE, len(column)) + whole.tobytes()
    return _COLUMN.pack(_FLOAT, len(column)) + column.astype("<f8").tobytes()


class _Reader:
    """Takes the parts of a body off one by one."""

    def __init__(self, body: memoryview) -> None:
        self._body = body
        self._at = 0

    def state(self) -> CounterState:
        head = self._take(_HEAD)
        epsilon, baskets, raised, half_life, max_size, max_bytes, landmark, latest, known, *kept, fades, started = head
        items = np.stack([self._column(), self._column()])
        floors = np.stack([self._column(), self._column()])
        tables = (self._table(3), self._table(2))
        if self._at != len(self._body) or items.shape[1] != known:
            raise StateCorrupt("the itemset counters in the state cannot be read: their parts do not fit")
        decay = Decay(half_life if fades else None)
        state = CounterState(epsilon, decay, max_size, max_bytes, landmark, latest if started else None)
        state.baskets, state.raised, state.kept, state.known = baskets, raised, (kept[0], kept[1]), known
        state.items, state.floors, state.tables = items, floors, tables
        return state

    def _take(self, layout: struct.Struct) -> tuple[int, ...]:
        if self._at + layout.size > len(self._body):
            raise StateCorrupt("the itemset counters in the state cannot be read: they end too early")
        values = layout.unpack_from(self._body, self._at)
        self._at += layout.size
        return values

    def _array(self, dtype: str, length: int) -> NDArray[np.generic]:
        end = self._at + length * np.dtype(dtype).itemsize
        if end > len(self._body):
            raise StateCorrupt("the itemset counters in the state cannot be read: they end too early")
        found = np.frombuffer(self._body[self._at : end], dtype)
        self._at = end
        return found

    def _column(self) -> NDArray[np.float64]:
        kind, length = self._take(_COLUMN)
        if kind == _ZERO:
            return np.zeros(length)
        if kind not in (_WHOLE, _FLOAT):
            raise StateCorrupt(f"the itemset counters in the state cannot be read: unknown column kind {kind}")
        return self._array("<u4" if kind == _WHOLE else "<f8", length).astype(np.float64)

    def _table(self, columns: int) -> KeyTable:
        kind, length = self._take(_COLUMN)
        if kind != _KEY:
            raise StateCorrupt(f"the itemset counters in the state cannot be read: unknown column kind {kind}")
        keys = self._array("<i8", length).astype(np.int64)
        values = np.stack([self._column() for _ in range(columns)])
        table = KeyTable(columns)
        table.append(keys, values)
        return table
