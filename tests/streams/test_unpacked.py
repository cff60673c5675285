"""Record batches are unpacked within a budget, whatever they say, and read as aiokafka would read them."""

from __future__ import annotations

import resource
import struct
import zlib
from collections.abc import Sequence

import cramjam
import pytest
import zstandard
from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.consumer import fetcher
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.record.util import calc_crc32c
from hypothesis import given
from hypothesis import strategies as st

import streams.connection
from streams.partition import RecordBatch
from streams.records import decode
from streams.unpacked import BUDGET, TOO_LARGE, UNREADABLE, BoundedRecords

EVENT = b'{"type":"view","customer_id":"ann","time":"2023-11-14T00:00:00Z","item":"tea"}'
PARTITION = TopicPartition("crm.events", 3)
CODECS = {"none": 0, "gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}
PACKED = [pytest.param(number, id=name) for name, number in CODECS.items() if number]


def batch(codec: int, values: Sequence[bytes], begin: int = 0) -> bytes:
    """Return a record batch with values, the first at offset ``begin``."""
    made = DefaultRecordBatchBuilder(2, codec, 0, -1, -1, 0, 2**30)
    for offset, value in enumerate(values):
        made.append(offset, 1000 + offset, b"ann", value, [("h", b"x")])
    return struct.pack(">q", begin) + bytes(made.build())[8:]


def with_payload(codec: int, payload: bytes, count: int = 3) -> bytes:
    """Return a batch whose records are these bytes, with the right length and checksum."""
    head = bytearray(batch(0, [b""] * 3)[:61])
    head[8:12] = struct.pack(">i", 49 + len(payload))
    head[22] = codec
    head[57:61] = struct.pack(">i", count)
    whole = bytes(head) + payload
    return whole[:17] + struct.pack(">I", calc_crc32c(whole[21:])) + whole[21:]


def read(data: bytes, begin: int = 0) -> tuple[list[ConsumerRecord], int]:
    """Return the records that a consumer gets of fetched bytes, and where it goes on."""
    records = fetcher.PartitionRecords(PARTITION, BoundedRecords(data), [], begin, None, None, True, 0)
    return list(records), records.next_fetch_offset


@pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)
def test_batches_are_read_as_aiokafka_reads_them(codec: int) -> None:
    data = batch(codec, [EVENT] * 50) + batch(codec, [EVENT, b"", b"x" * 5000], 50)
    plain = fetcher.PartitionRecords(PARTITION, MemoryRecords(data), [], 0, None, None, True, 0)
    assert read(data) == (list(plain), 53)
    assert read(data[:-9])[1] == 50, "what is cut off is fetched again"
    assert fetcher.MemoryRecords is BoundedRecords, f"by {streams.connection.__name__}, for all consumers"


@pytest.mark.parametrize("codec", PACKED)
def test_a_batch_beyond_the_budget_is_one_reject_at_its_end_and_the_flow_goes_on(codec: int) -> None:
    bomb = batch(codec, [b"x" * 900_000] * 20, 1)
    records, end = read(batch(codec, [EVENT]) + bomb + batch(codec, [EVENT], 21))
    assert end == 22
    found = decode(records, "crm.events", 3, None)
    assert len(found.events) == 2
    assert [(one.reason, one.position, one.raw) for one in found.rejects] == [(TOO_LARGE, "crm.events:3:20", "")]
    # Who begins in the middle of it does not get it twice.
    assert [record.offset for record in read(bomb, 21)[0]] == []


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param((1, zlib.compress(bytes(BUDGET), wbits=31) + zlib.compress(bytes(9), wbits=31)), id="two of gzip"),
        pytest.param((4, zstandard.compress(bytes(99)) + zstandard.compress(bytes(BUDGET))), id="two frames of zstd"),
        pytest.param((2, b"\xff\xff\xff\xff\x0f" + b"\0" * 9), id="4 GB, says snappy"),
        pytest.param((3, bytes(cramjam.lz4.compress(bytes(BUDGET + 1)))), id="lz4"),
    ],
)
def test_what_a_payload_says_of_itself_is_not_believed(payload: tuple[int, bytes]) -> None:
    (record,), end = read(with_payload(*payload))
    assert (record.value, record.offset, end) == (TOO_LARGE.encode(), 2, 3)


def test_a_batch_of_more_records_than_events_can_be_is_one_reject() -> None:
    assert [one.value for one in read(with_payload(0, b"", 2**31 - 1))[0]] == [TOO_LARGE.encode()]


def test_a_header_that_is_no_text_is_one_reject_and_does_not_end_the_worker() -> None:
    good = batch(0, [EVENT])
    bad = bytearray(good)
    bad[good.index(b"\x02h\x02x") + 1] = 0xFF
    bad[17:21] = struct.pack(">I", calc_crc32c(bytes(bad[21:])))
    assert [one.value for one in read(bytes(bad) + batch(0, [EVENT], 1))[0]] == [UNREADABLE.encode(), EVENT]


def test_no_more_of_a_fetch_is_unpacked_than_the_budget_and_the_rest_is_fetched_again() -> None:
    data = b"".join(batch(4, [b"x" * 900_000] * 10, 10 * number) for number in range(50))
    records, end = read(data)
    assert (len(records), end) == (20, 20)
    one, more = (RecordBatch(begin, begin + 20, records, 0) for begin in (0, 20))
    assert not one.join(more, 2000), "nor do batches that wait join to more"


@given(st.sampled_from([*CODECS.values(), 5, 7]), st.binary(max_size=200), st.integers(-1, 50), st.booleans())
def test_any_bytes_are_records_or_one_reject(codec: int, payload: bytes, count: int, packed: bool) -> None:
    if packed and codec in (1, 4):
        payload = zlib.compress(payload, wbits=31) if codec == 1 else zstandard.compress(payload)
    records, end = read(with_payload(codec, payload, count))
    assert end == 3 or records
    decode(records, "crm.events", 3, None)


def test_a_small_batch_that_holds_600_mb_takes_no_more_memory_than_the_budget() -> None:
    writer = zstandard.ZstdCompressor().compressobj()
    bomb = b"".join(writer.compress(bytes(10**7)) for _ in range(60)) + writer.flush()
    assert len(bomb) < 100_000
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    (record,), _ = read(with_payload(4, bomb))
    assert record.value == TOO_LARGE.encode()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000, "kB"
