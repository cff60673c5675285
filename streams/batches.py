"""Records in batches onto the partitions of a topic: in order, each once, and every delivery checked."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from functools import lru_cache
from types import TracebackType
from typing import Final, Self

from aiokafka import AIOKafkaProducer
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.structs import RecordMetadata

from crm_online.settings import KafkaSettings
from streams.connection import client_options, start
from streams.errors import kafka_errors
from streams.topics import MOST_BYTES, partition_of

_IN_FLIGHT: Final = 1000
"""Batches whose delivery is not known yet, at most."""
_KEYS: Final = 100_000
"""Keys whose partition is remembered, at most."""


class BatchProducer:
    """An idempotent producer of one topic, which waits for all copies (acks=all).

    A record's partition is that of Kafka's own clients: the murmur2 hash of its key. Whoever leaves the block without
    an error knows that everything is on the topic.

    Parameters
    ----------
    kafka
        The settings.
    topic, partitions
        The topic's name on the broker, and how many partitions it has.
    """

    def __init__(self, kafka: KafkaSettings, topic: str, partitions: int) -> None:
        self._kafka, self._topic, self._partitions = kafka, topic, partitions
        self._producer = AIOKafkaProducer(
            **client_options(kafka, f"{kafka.group}-publish"),
            acks="all",
            enable_idempotence=True,
            compression_type="zstd",
            max_batch_size=MOST_BYTES,
        )
        self._open: dict[int, BatchBuilder] = {}
        self._sent: deque[asyncio.Future[RecordMetadata | None]] = deque()
        self._keyed = lru_cache(_KEYS)(self._key_and_partition)

    async def __aenter__(self) -> Self:
        """Connect.

        Raises
        ------
        BrokerUnavailable, BrokerRefused
            See :func:`streams.connection.start`.
        """
        await start(self._producer, self._kafka)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Send what is left and wait for every delivery; after an error, only disconnect.

        Raises
        ------
        BrokerUnavailable, BrokerRefused
            If a batch was not delivered.
        """
        try:
            if error is None:
                with kafka_errors(self._kafka):
                    await self.flush()
                    await self._delivered(0)
        finally:
            try:
                await self._producer.stop()
            finally:
                # The first error is raised already; asyncio would report each of the others.
                await asyncio.gather(*self._sent, return_exceptions=True)

    async def add(self, keys: Sequence[str], values: Sequence[bytes]) -> None:
        """Put records into the batches of their partitions, and send those that are full.

        Raises
        ------
        BrokerUnavailable, BrokerRefused
            If a batch of before was not delivered.
        """
        with kafka_errors(self._kafka):
            for name, value in zip(keys, values, strict=True):
                key, partition = self._keyed(name)
                batch = self._open.get(partition)
                if batch is None or batch.append(timestamp=None, key=key, value=value) is None:
                    await self._send(partition)
                    batch = self._open[partition] = self._producer.create_batch()
                    batch.append(timestamp=None, key=key, value=value)
            await self._delivered(_IN_FLIGHT)

    async def flush(self) -> None:
        """Send the batches that are not full yet."""
        for partition in sorted(self._open):
            await self._send(partition)

    def _key_and_partition(self, name: str) -> tuple[bytes, int]:
        key = name.encode()
        return key, partition_of(key, self._partitions)

    async def _send(self, partition: int) -> None:
        batch = self._open.pop(partition, None)
        if batch is not None:
            batch.close()
            # It waits until the one before it has gone out: that keeps the order, and the memory bounded.
            self._sent.append(await self._producer.send_batch(batch, self._topic, partition=partition))

    async def _delivered(self, most: int) -> None:
        """Wait until at most so many batches are under way; raise the broker's error if one was not delivered."""
        while self._sent and (len(self._sent) > most or self._sent[0].done()):
            await self._sent[0]
            self._sent.popleft()
