"""Where a partition's log is read on, when the partition is claimed: it may not be the log that it was."""

from __future__ import annotations

from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, TopicPartition

from streams.marks import FIRST, LAST, Mark
from streams.partition import Partition
from streams.witness import Witness


@dataclass(frozen=True, slots=True)
class Place:
    """Where a log is read on.

    Attributes
    ----------
    offset
        Of the record that can be read next.
    end
        The offset behind the log's last record.
    why
        Why it is not the one that comes next by the state; ``None`` if it is.
    new
        Whether nothing of the topic was ever read.
    """

    offset: int
    end: int
    why: str | None = None
    new: bool = False


async def find_place(
    consumer: AIOKafkaConsumer, witness: Witness, topic_partition: TopicPartition, partition: Partition
) -> Place:
    """Compare log and state of a partition.

    Parameters
    ----------
    consumer
        Asked where the log begins and ends.
    witness
        Reads the records that are marked.
    topic_partition
        Names the log.
    partition
        The state.

    Raises
    ------
    KafkaError
        If no broker answers.
    """
    first = (await consumer.beginning_offsets([topic_partition]))[topic_partition]
    last = (await consumer.end_offsets([topic_partition]))[topic_partition]
    position = partition.position
    if position is None:
        return Place(first, last, "begun with what the topic held" if first else None, new=True)
    known = {
        name: Mark.of(record) == mark if (record := await witness.at(topic_partition, mark.offset)) else False
        for name, mark in partition.marks.items()
        if first <= mark.offset < last
    }
    name = f"{topic_partition.topic} partition {topic_partition.partition}"
    holds = f"{name} holds offsets {first} to {last}, but {position} is next"
    if not all(known.values()):
        mark = partition.marks[LAST if known.get(LAST) is False else FIRST]
        return Place(
            first, last, f"{name} was made anew: at offset {mark.offset} is not the record that was read there"
        )
    if position < first:
        return Place(first, last, f"{holds}: retention has passed it")
    if position > last and known.get(FIRST):
        return Place(last, last, f"{holds}: the end of the log is lost")
    if position > last:
        return Place(first, last, f"{holds}: the topic was made anew")
    return Place(position, last)
