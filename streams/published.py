"""A change as a record of an output topic, and the last change of a partition that stands there."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from crm_online.engine.divergence import Divergence
from crm_online.step import ChangeId, Entry, Topic
from streams.fetching import read_range
from streams.topics import OUTPUTS, topic_name

CHANGE_ID: Final = "change_id"
"""A header of every record, tombstones too: partition, epoch and sequence number."""

_SPAN: Final = 200
_GROWTH: Final = 8


@dataclass(frozen=True, slots=True)
class OutputRecord:
    """A record for an output topic.

    Attributes
    ----------
    topic
        The name of the topic, without the prefix.
    partition, key, value, headers
        As in Kafka; no value: a tombstone.
    """

    topic: Topic
    partition: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]

    @property
    def change(self) -> ChangeId:
        """Its change id."""
        return ChangeId.parse(dict(self.headers)[CHANGE_ID].decode())


def output_record(entry: Entry) -> OutputRecord:
    """Return the record of a change; those of a compacted topic have no value when their key is gone."""
    value = None if entry.tombstone and OUTPUTS[entry.topic].compacted else entry.value
    headers = ((CHANGE_ID, str(entry.id).encode()),)
    return OutputRecord(entry.topic, entry.id.partition, entry.key.encode() if entry.key else None, value, headers)


@dataclass(frozen=True, slots=True)
class PublishedPosition:
    """How far the changes of one partition are published.

    Attributes
    ----------
    last
        The highest change id on the output topics; ``None`` if there is none.
    divergence
        The changes after the last one that the state knows of; ``None`` if there are none.
    """

    last: ChangeId | None
    divergence: Divergence | None

    @classmethod
    def of(cls, outputs: Iterable[OutputRecord], last_change: ChangeId) -> PublishedPosition:
        """Return how far changes are published, by what the output topics hold of a partition, in their order.

        Parameters
        ----------
        outputs
            The last records of each topic: at least one, and all after ``last_change``.
        last_change
            The last change that the state knows of.
        """
        last: ChangeId | None = None
        customers: dict[str, str | None] = {}
        bands: dict[str, dict[str, str | None]] = {}
        others: dict[Topic, set[str]] = {Topic.SEGMENTS: set(), Topic.RULES: set()}
        for output in outputs:
            change = output.change
            last = change if last is None else max(last, change)
            if change <= last_change:
                continue
            key = (output.key or b"").decode()
            if output.topic is Topic.SEGMENT_CHANGES:
                customers[key] = json.loads(output.value or b"{}").get("to")
            elif output.topic is Topic.PREDICTIONS:
                value = json.loads(output.value or b"{}")
                bands.setdefault(key, {})[value["target"]] = value.get("to")
            elif output.topic in others:
                others[output.topic].add(key)
        if last is None or last <= last_change:
            return cls(last, None)
        segments, rules = frozenset(others[Topic.SEGMENTS]), frozenset(others[Topic.RULES])
        return cls(last, Divergence(last.epoch, customers, segments, rules, bands))


async def read_published_position(
    consumer: AIOKafkaConsumer, prefix: str, partition: int, last_change: ChangeId
) -> PublishedPosition:
    """Read from the output topics how far the changes of one partition are published.

    Parameters
    ----------
    consumer
        A consumer of :func:`streams.fetching.open_range_consumer`; it is assigned here.
    prefix
        What the names of the topics begin with.
    partition
        Number of the partition.
    last_change
        The last change that the state knows of.
    """
    outputs: list[OutputRecord] = []
    for topic in Topic:
        if OUTPUTS[topic].partitioned or partition == 0:
            outputs += await _last(consumer, topic, TopicPartition(topic_name(prefix, topic), partition), last_change)
    return PublishedPosition.of(outputs, last_change)


async def _last(
    consumer: AIOKafkaConsumer, topic: Topic, partition: TopicPartition, last_change: ChangeId
) -> list[OutputRecord]:
    """Return the last changes of an output topic: at least one, if there is any, and all after ``last_change``."""
    consumer.assign([partition])
    begin = (await consumer.beginning_offsets([partition]))[partition]
    end = (await consumer.end_offsets([partition]))[partition]
    span = _SPAN
    while True:
        start = max(begin, end - span)
        outputs = [
            _output(topic, record)
            async for record in read_range(consumer, partition, start, end)
            if any(name == CHANGE_ID for name, _ in record.headers)
        ]
        if start == begin or any(output.change <= last_change for output in outputs):
            return outputs
        span *= _GROWTH


def _output(topic: Topic, record: ConsumerRecord) -> OutputRecord:
    return OutputRecord(topic, record.partition, record.key, record.value, tuple(record.headers))
