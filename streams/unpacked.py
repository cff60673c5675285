"""Record batches are unpacked within a budget: some kilobytes of zstd can hold gigabytes.

aiokafka unpacks a batch whole before anybody sees how large it is. So its consumers in this process are given this
module's reader of fetched bytes (`bound_unpacking`): it unpacks a batch itself, up to a limit, and gives aiokafka the
plain bytes. In place of a batch that is beyond it comes one record without a value, at the batch's last offset.
"""

from __future__ import annotations

import gzip
import io
import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import cramjam
import zstandard
from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecord, DefaultRecordBatch
from aiokafka.record.memory_records import MemoryRecords

BUDGET: Final = 16_000_000
"""Bytes that a batch may take unpacked, and from which on the rest of a fetch is fetched again later."""
MOST_RECORDS: Final = 100_000
"""Records that a batch may have: the smallest event takes some 80 bytes."""

# Kafka's record batch, version 2: base offset and length; then, from the magic byte on, what is looked at here.
_LENGTHS: Final = struct.Struct(">qi")
_MAGIC: Final = 16
_ATTRIBUTES: Final = 21
_COUNT: Final = struct.Struct(">i")
_COUNT_AT: Final = 57
_HEAD: Final = 61
_CODEC: Final = 0x07
_LZ4_RATIO: Final = 255
_XERIAL: Final = b"\x82SNAPPY\x00\x00\x00\x00\x01\x00\x00\x00\x01"


TOO_LARGE: Final = f"in a record batch of more than {BUDGET // 1_000_000} MB unpacked, or {MOST_RECORDS:,} records"
UNREADABLE: Final = "in a record batch that cannot be read"
_UNREADABLE: Final = (
    *(KeyError, ValueError, EOFError, OSError, struct.error, zlib.error),
    *(zstandard.ZstdError, cramjam.DecompressionError, CorruptRecordException),
)


class RefusedValue(bytes):
    """The value of a record that stands for a batch that was not unpacked: why it was not."""


class _TooLargeError(Exception):
    """A batch takes more than it may."""


@dataclass(frozen=True, slots=True)
class _RefusedRecord:
    """The one record in place of a batch, as aiokafka reads it."""

    offset: int
    timestamp: int
    timestamp_type: int
    value: bytes
    key: None = None
    headers: tuple[()] = ()
    checksum: None = None


class _Batch:
    """A batch as aiokafka reads it: the head of one that came packed, and records from elsewhere."""

    def __init__(
        self, head: DefaultRecordBatch, records: Iterable[DefaultRecord | _RefusedRecord], *, valid: bool = True
    ) -> None:
        self.base_offset, self.next_offset = head.base_offset, head.next_offset
        self.producer_id = head.producer_id
        self.is_control_batch, self.is_transactional = head.is_control_batch, head.is_transactional
        self._valid, self._records = valid, iter(records)

    def validate_crc(self) -> bool:
        """Return whether its bytes have the checksum that they say."""
        return self._valid

    def __iter__(self) -> Iterator[DefaultRecord | _RefusedRecord]:
        """Return itself."""
        return self

    def __next__(self) -> DefaultRecord | _RefusedRecord:
        """Return the next record."""
        return next(self._records)


class BoundedRecords:
    """What aiokafka reads fetched bytes with, in place of its ``MemoryRecords``.

    Parameters
    ----------
    data
        The record batches of one partition as they were fetched; the last may be cut off.
    """

    def __init__(self, data: bytes) -> None:
        self._records, self._data = MemoryRecords(data), memoryview(data)
        self._at = self._unpacked = 0

    def size_in_bytes(self) -> int:
        """Return how many bytes were fetched."""
        return self._records.size_in_bytes()

    def has_next(self) -> bool:
        """Return whether there is another batch within the budget; aiokafka fetches the others again."""
        return self._unpacked < BUDGET and self._records.has_next()

    def next_batch(self) -> DefaultRecordBatch | _Batch:
        """Return the next batch, unpacked."""
        _, length = _LENGTHS.unpack_from(self._data, self._at)
        begin, self._at = self._at, self._at + _LENGTHS.size + length
        raw = self._data[begin : self._at]
        batch = self._records.next_batch()
        # Batches of before version 2 are in old logs only: no broker takes them any more as they are.
        if raw[_MAGIC] < 2 or batch.is_control_batch:
            return batch
        if not batch.validate_crc():
            return _Batch(batch, (), valid=False)
        (count,) = _COUNT.unpack_from(raw, _COUNT_AT)
        try:
            if not 0 <= count <= MOST_RECORDS:
                raise _TooLargeError
            plain = self._unpack(batch.compression_type, raw)
            # All records now: one that cannot be read (a header is not UTF-8) would end the worker later.
            return _Batch(batch, [*(DefaultRecordBatch(plain) if plain else batch)])
        except _TooLargeError:
            return _refused(batch, TOO_LARGE)
        except _UNREADABLE:
            return _refused(batch, UNREADABLE)

    def _unpack(self, codec: int, raw: memoryview) -> bytes | None:
        """Return a batch with plain records in place of the packed ones; None if they are plain."""
        if not codec:
            return None
        plain = _UNPACK[codec](raw[_HEAD:], BUDGET)
        if len(plain) > BUDGET:
            raise _TooLargeError
        self._unpacked += len(plain)
        head = bytearray(raw[:_HEAD])
        head[_ATTRIBUTES + 1] &= ~_CODEC & 0xFF
        return bytes(head + plain)


def bound_unpacking() -> None:
    """Have all consumers of this process unpack within the budget."""
    vars(fetcher)["MemoryRecords"] = BoundedRecords


def _refused(batch: DefaultRecordBatch, why: str) -> _Batch:
    # The last offset: a record there moves the position past the whole batch.
    record = _RefusedRecord(
        batch.next_offset - 1, batch.max_timestamp, batch.timestamp_type, RefusedValue(why.encode())
    )
    return _Batch(batch, [record])


def _gzip(packed: memoryview, most: int) -> bytes:
    with gzip.GzipFile(fileobj=io.BytesIO(packed)) as reader:
        return reader.read(most + 1)


def _zstd(packed: memoryview, most: int) -> bytes:
    with zstandard.ZstdDecompressor().stream_reader(io.BytesIO(packed), read_across_frames=True) as reader:
        return reader.read(most + 1)


def _lz4(packed: memoryview, most: int) -> bytes:
    buffer = bytearray(min(most, len(packed) * _LZ4_RATIO) + 1)
    try:
        size = cramjam.lz4.decompress_into(bytes(packed), buffer)
    except cramjam.DecompressionError:
        # Whether the bytes are damaged or the buffer is too small, it does not say; the latter cannot be here.
        if len(buffer) <= most:
            raise
        raise _TooLargeError from None
    return bytes(memoryview(buffer)[:size])


def _snappy(packed: memoryview, most: int) -> bytes:
    if bytes(packed[: len(_XERIAL)]) != _XERIAL:
        return _snappy_block(packed, most)
    parts, size, at = list[bytes](), 0, len(_XERIAL)
    while at < len(packed):
        (length,) = _COUNT.unpack(packed[at : at + _COUNT.size])
        at += _COUNT.size
        parts.append(_snappy_block(packed[at : at + length], most - size))
        size += len(parts[-1])
        at += max(length, 0)
    return b"".join(parts)


def _snappy_block(packed: memoryview, most: int) -> bytes:
    """Unpack a block, whose head says how long it is: so much is allocated at once."""
    length = shift = 0
    for byte in packed[:5]:
        length |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            break
    if length > most:
        raise _TooLargeError
    return bytes(cramjam.snappy.decompress_raw(bytes(packed)))


_UNPACK: Final = {1: _gzip, 2: _snappy, 3: _lz4, 4: _zstd}
