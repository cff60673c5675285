"""Parts of a topic read for themselves, beside what the group reads."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from crm_online.settings import KafkaSettings
from streams.connection import client_options

_WAIT_MS: Final = 200


async def open_reader(kafka: KafkaSettings, name: str) -> AIOKafkaConsumer:
    """Connect a consumer without a group that reads committed records only; it must not be shared.

    Parameters
    ----------
    kafka
        The settings.
    name
        What the broker's logs and quotas call it.

    Raises
    ------
    KafkaError
        If no broker lets us in.
    """
    consumer = AIOKafkaConsumer(
        **client_options(kafka, name),
        isolation_level="read_committed",
        auto_offset_reset="none",
        enable_auto_commit=False,
    )
    try:
        await consumer.start()
    except BaseException:
        await consumer.stop()
        raise
    return consumer


async def stretch(
    consumer: AIOKafkaConsumer, place: TopicPartition, begin: int, end: int
) -> AsyncIterator[ConsumerRecord]:
    """Yield the committed records from ``begin`` up to ``end``; the last offsets may be marks of transactions.

    Parameters
    ----------
    consumer
        A consumer that is assigned this partition and no other: one that is assigned none knows nothing of topics.
    place
        The partition.
    begin, end
        Where to begin, and the offset behind the last.

    Raises
    ------
    KafkaError
        If the log cannot be read, or does not reach from there to there.
    """
    consumer.seek(place, begin)
    while await consumer.position(place) < end:
        for record in (await consumer.getmany(place, timeout_ms=_WAIT_MS)).get(place, []):
            if record.offset < end:
                yield record
