"""At which offset a claimed partition goes on reading, and whether its log is still the same log.

A topic that was deleted and created again may hold more records than our position: the offset alone does not show
that they are different ones. So each step stores fingerprints of the first record and of the last one that it read.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import blake2b
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition

from crm_online.step import Put
from crm_online.store.keys import FINGERPRINT
from streams.fetching import GapVerifier
from streams.records import Record

_FIRST: Final = b"first"
_LAST: Final = b"last"


@dataclass(frozen=True, slots=True)
class RecordFingerprint:
    """What identifies a record: its offset, its time in ms, and a hash of key and value."""

    offset: int
    timestamp: int
    digest: str

    @classmethod
    def of(cls, record: Record) -> RecordFingerprint:
        """Return the fingerprint of a record."""
        digest = blake2b(digest_size=16)
        for part in (record.key, record.value):
            digest.update(b"-" if part is None else b"%d:" % len(part) + part)
        return cls(record.offset, record.timestamp, digest.hexdigest())

    @classmethod
    def decode(cls, raw: bytes | None) -> RecordFingerprint | None:
        """Read what :meth:`encode` returned."""
        return None if raw is None else cls(**json.loads(raw))

    def encode(self) -> bytes:
        """Return what is stored."""
        return json.dumps(asdict(self)).encode()


@dataclass(frozen=True, slots=True)
class LogFingerprint:
    """The first and the last record that were read of a log; ``None`` where none was, or a part was left out since."""

    first: RecordFingerprint | None = None
    last: RecordFingerprint | None = None

    @classmethod
    def decode(cls, stored: Mapping[bytes, bytes]) -> LogFingerprint:
        """Read the stored hash."""
        return cls(RecordFingerprint.decode(stored.get(_FIRST)), RecordFingerprint.decode(stored.get(_LAST)))

    def extend(self, records: Sequence[Record]) -> tuple[LogFingerprint, Put]:
        """Return the fingerprint after these records too, and the write that stores what is new in it."""
        last = RecordFingerprint.of(records[-1])
        if self.first is not None:
            return LogFingerprint(self.first, last), Put(FINGERPRINT, {_LAST: last.encode()})
        first = RecordFingerprint.of(records[0])
        return LogFingerprint(first, last), Put(FINGERPRINT, {_LAST: last.encode(), _FIRST: first.encode()})


@dataclass(frozen=True, slots=True)
class ResumePoint:
    """Where a log is read on.

    Attributes
    ----------
    offset
        Of the record that can be read next.
    end
        The offset after the log's last record.
    why
        Why it is not the one that comes next by the state; ``None`` if it is.
    new
        Whether nothing of the topic was ever read.
    """

    offset: int
    end: int
    why: str | None = None
    new: bool = False


async def resolve_resume_offset(
    consumer: AIOKafkaConsumer,
    verifier: GapVerifier,
    partition: TopicPartition,
    position: int | None,
    fingerprint: LogFingerprint,
) -> ResumePoint:
    """Compare the log of a partition with what the state knows of it.

    Parameters
    ----------
    consumer
        Asked where the log begins and ends.
    verifier
        Reads the records that the fingerprint is of.
    partition
        The partition of the topic.
    position, fingerprint
        The offset of the next record by the state, ``None`` if none was ever read; and what the log is known by.

    Raises
    ------
    KafkaError
        If no broker answers.
    """
    begin = (await consumer.beginning_offsets([partition]))[partition]
    end = (await consumer.end_offsets([partition]))[partition]
    if position is None:
        return ResumePoint(begin, end, "begun with what the topic held" if begin else None, new=True)

    async def is_there(read: RecordFingerprint | None) -> bool | None:
        if read is None or not begin <= read.offset < end:
            return None
        record = await verifier.record_at(partition, read.offset)
        return record is not None and RecordFingerprint.of(record) == read

    name = f"{partition.topic} partition {partition.partition}"
    holds = f"{name} holds offsets {begin} to {end}, but {position} is next"
    first, last = await is_there(fingerprint.first), await is_there(fingerprint.last)
    for there, read in ((last, fingerprint.last), (first, fingerprint.first)):
        if there is False and read is not None:
            why = f"{name} was made anew: at offset {read.offset} is not the record that was read there"
            return ResumePoint(begin, end, why)
    if position < begin:
        return ResumePoint(begin, end, f"{holds}: retention has passed it")
    if position > end and first:
        return ResumePoint(end, end, f"{holds}: the end of the log is lost")
    if position > end:
        return ResumePoint(begin, end, f"{holds}: the topic was made anew")
    return ResumePoint(position, end)
