"""What consumers were told: the last changes that stand on the output topics."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from crm_online.engine.retelling import Heard
from crm_online.step import Topic
from streams.output import CHANGE_ID, ChangeId, Output
from streams.stretch import stretch
from streams.topics import OUTPUTS, topic_name

_SPAN: Final = 200
_GROWTH: Final = 8


@dataclass(frozen=True, slots=True)
class Told:
    """What stands on the output topics of one partition.

    Attributes
    ----------
    last
        The last change; ``None`` if there is none.
    heard
        The changes behind the last one that the state knows of; ``None`` if there are none.
    """

    last: ChangeId | None
    heard: Heard | None

    @classmethod
    def of(cls, outputs: Iterable[Output], known: ChangeId) -> Told:
        """Return what the records of a partition told, in their order.

        Parameters
        ----------
        outputs
            The last records of each topic: at least one, and all behind ``known``.
        known
            The last change that the state knows of.
        """
        last: ChangeId | None = None
        customers: dict[str, str | None] = {}
        others: dict[Topic, set[str]] = {Topic.SEGMENTS: set(), Topic.RULES: set()}
        for output in outputs:
            change = output.change
            last = change if last is None else max(last, change)
            if change <= known:
                continue
            key = (output.key or b"").decode()
            if output.topic is Topic.SEGMENT_CHANGES:
                customers[key] = json.loads(output.value or b"{}").get("to")
            elif output.topic in others:
                others[output.topic].add(key)
        if last is None or last <= known:
            return cls(last, None)
        heard = Heard(last.epoch, customers, frozenset(others[Topic.SEGMENTS]), frozenset(others[Topic.RULES]))
        return cls(last, heard)


async def read_told(consumer: AIOKafkaConsumer, prefix: str, partition: int, known: ChangeId) -> Told:
    """Read what consumers were told of one partition.

    Parameters
    ----------
    consumer
        A consumer of :func:`streams.stretch.open_reader`; it is assigned here.
    prefix
        What the names of the topics begin with.
    partition
        Number of the partition.
    known
        The last change that the state knows of.
    """
    outputs: list[Output] = []
    for topic in Topic:
        if OUTPUTS[topic].partitioned or partition == 0:
            outputs += await _last(consumer, topic, TopicPartition(topic_name(prefix, topic), partition), known)
    return Told.of(outputs, known)


async def _last(consumer: AIOKafkaConsumer, topic: Topic, place: TopicPartition, known: ChangeId) -> list[Output]:
    """Return the last changes of an output topic: at least one, if there is any, and all behind ``known``."""
    consumer.assign([place])
    begin = (await consumer.beginning_offsets([place]))[place]
    end = (await consumer.end_offsets([place]))[place]
    span = _SPAN
    while True:
        start = max(begin, end - span)
        found = [
            _output(topic, record)
            async for record in stretch(consumer, place, start, end)
            if any(name == CHANGE_ID for name, _ in record.headers)
        ]
        if start == begin or any(output.change <= known for output in found):
            return found
        span *= _GROWTH


def _output(topic: Topic, record: ConsumerRecord) -> Output:
    return Output(topic, record.partition, record.key, record.value, tuple(record.headers))
