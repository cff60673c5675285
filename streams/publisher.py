"""The outbox of one partition onto the output topics: in order, each change once, whoever published before."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Sequence
from itertools import islice
from typing import Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import InvalidProducerEpoch, KafkaError, ProducerFenced
from aiokafka.structs import RecordMetadata

from crm_online.engine.stages import Stage, StageClock
from crm_online.errors import BrokerRefused, OwnerLost
from crm_online.settings import KafkaSettings
from crm_online.step import ChangeId, Entry
from streams.connection import client_options
from streams.context import RetryPolicy
from streams.errors import TOO_LARGE
from streams.fetching import open_range_consumer
from streams.metrics import WorkerMetrics
from streams.published import OutputRecord, PublishedPosition, output_record, read_published_position
from streams.topics import MOST_BYTES, topic_name

_BATCH: Final = 1000
_CLOSE_SECONDS: Final = 2.0
_CLOSING: Final = set[asyncio.Future[None]]()
"""Producers that close by themselves: the event loop alone would let them be collected."""
_log = logging.getLogger(__name__)


class Publisher:
    """Publishes the changes of one partition, a batch to a transaction.

    Its producer's ``transactional.id`` is that of the partition: opening it fences whoever published for the
    partition before. The last change on the topics then says where to go on.

    Parameters
    ----------
    partition
        Number of the partition.
    kafka
        The settings.
    on_published
        Called with the sequence number up to which all changes are published.
    holds_claim
        Asks the store whether the partition is still ours.
    metrics
        Where it counts what it publishes.
    retry
        Waits for brokers.
    """

    def __init__(
        self,
        partition: int,
        kafka: KafkaSettings,
        on_published: Callable[[int], None],
        holds_claim: Callable[[], Awaitable[bool]],
        metrics: WorkerMetrics,
        retry: RetryPolicy,
    ) -> None:
        self.partition = partition
        self._kafka, self._metrics, self._retry, self._stages = kafka, metrics, retry, StageClock()
        self._on_published, self._holds_claim = on_published, holds_claim
        self._producer: AIOKafkaProducer | None = None
        self._waiting: deque[Entry] = deque()
        self._has_entries, self._backlog_fell = asyncio.Event(), asyncio.Event()
        self.ended = False
        """Whether nothing is published any more."""

    @property
    def backlog(self) -> int:
        """How many changes wait to be published."""
        return len(self._waiting)

    async def open(self, last_change: ChangeId) -> PublishedPosition:
        """Shut out whoever published before, and return how far changes are published.

        Parameters
        ----------
        last_change
            The last change that the state knows of.

        Raises
        ------
        KafkaError
            If no broker can be asked.
        """
        await self.close()
        name = f"{self._kafka.group}-{self._kafka.prefix}{self.partition}"
        producer = AIOKafkaProducer(
            **client_options(self._kafka, f"{name}-publisher"),
            transactional_id=name,
            acks="all",
        )
        self._producer = producer
        try:
            await producer.start()
            consumer = await open_range_consumer(self._kafka, f"{name}-reader")
            try:
                return await read_published_position(consumer, self._kafka.prefix, self.partition, last_change)
            finally:
                await consumer.stop()
        except BaseException:
            await self.close()  # with a producer but no position, what came through before would be sent again
            raise

    def enqueue(self, entries: Sequence[Entry]) -> None:
        """Queue changes that are committed, to publish them."""
        self._waiting.extend(entries)
        self._metrics.outbox(self.partition, self.backlog)
        if entries:
            self._has_entries.set()

    async def wait_for_backlog(self, most: int) -> None:
        """Wait until at most so many changes wait, or nothing is published any more."""
        while self.backlog > most and not self.ended:
            self._backlog_fell.clear()
            await self._backlog_fell.wait()

    async def run(self) -> None:
        """Publish what is queued, for as long as this is not cancelled.

        Raises
        ------
        OwnerLost
            If another worker publishes for this partition.
        StoreError
            If the store cannot be asked whose it is.
        BrokerRefused
            If a change is refused for good, such as one too large for its topic.
        """
        try:
            while True:
                await self._has_entries.wait()
                self._has_entries.clear()
                while self._waiting:
                    await self._publish()
        finally:
            self.end()

    def end(self) -> None:
        """Note that nothing is published any more, and wake all who wait."""
        self.ended = True
        self._backlog_fell.set()

    async def close(self) -> None:
        """Close the connections; what was not published waits in the outbox.

        No heartbeats are sent while a rebalance waits for this: so a producer that cannot end its transaction soon,
        since a partition has no leader, is left to close by itself, which it does when its records expire.
        """
        producer, self._producer = self._producer, None
        if producer is not None:
            closing = asyncio.ensure_future(producer.stop())
            _CLOSING.add(closing)
            closing.add_done_callback(self._closed)
            await asyncio.wait([closing], timeout=_CLOSE_SECONDS)

    def _closed(self, closing: asyncio.Future[None]) -> None:
        _CLOSING.discard(closing)
        error = None if closing.cancelled() else closing.exception()
        if error is not None:
            _log.debug("the publisher of partition %d closed with: %r", self.partition, error)

    async def _publish(self) -> None:
        """Publish one batch; wait and try again for as long as no broker answers."""
        doing = f"publishing of partition {self.partition}"
        await self._retry.run(self._try_to_publish, KafkaError, "broker", doing)

    async def _try_to_publish(self) -> None:
        if self._producer is None:
            await self._reopen()
        if self._waiting:
            await self._send(list(islice(self._waiting, _BATCH)))

    async def _reopen(self) -> None:
        """Open again after an error, and leave out what had come through all the same.

        Opening fences whoever publishes now: if another worker has the partition, it must be left to that one.
        """
        last = self._waiting[-1].id if self._waiting else ChangeId(self.partition, 0, 0)
        published = (await self.open(last)).last
        if not await self._holds_claim():
            raise OwnerLost(f"another worker has claimed partition {self.partition}")
        while self._waiting and published and self._waiting[0].id <= published:
            self._acknowledge(1)

    async def _send(self, batch: Sequence[Entry]) -> None:
        assert self._producer is not None
        with self._stages.measure(Stage.PUBLISH):
            outputs = [output_record(entry) for entry in batch]
        began = time.perf_counter()
        try:
            async with self._producer.transaction():
                await self._send_all(self._producer, outputs)
        except (ProducerFenced, InvalidProducerEpoch) as error:
            raise OwnerLost(f"another worker publishes for partition {self.partition}") from error
        except KafkaError:
            await self.close()
            raise
        self._metrics.stages(self._stages.take())
        self._metrics.published(Counter(output.topic for output in outputs), time.perf_counter() - began)
        self._acknowledge(len(batch))

    async def _send_all(self, producer: AIOKafkaProducer, outputs: Sequence[OutputRecord]) -> None:
        """Send records, and raise what went wrong with the first that did not arrive."""
        pending: list[asyncio.Future[RecordMetadata]] = []
        try:
            for output in outputs:
                # What else the loop does while a full buffer is waited for is measured too; as a rule it never is.
                with self._stages.measure(Stage.PUBLISH):
                    pending.append(await self._send_one(producer, output))
        except TOO_LARGE as error:  # the client refuses it
            raise BrokerRefused(self._larger_than_allowed([outputs[len(pending)]])) from error
        finally:
            arrived = await asyncio.gather(*pending, return_exceptions=True)
        refused = [output for output, result in zip(outputs, arrived, strict=True) if isinstance(result, TOO_LARGE)]
        if refused:
            raise BrokerRefused(self._larger_than_allowed(refused))
        for result in arrived:
            if isinstance(result, BaseException):
                raise result

    async def _send_one(self, producer: AIOKafkaProducer, output: OutputRecord) -> asyncio.Future[RecordMetadata]:
        """Send a record; the future must be awaited, since only it raises what the broker refuses."""
        return await producer.send(
            topic_name(self._kafka.prefix, output.topic),
            value=output.value,
            key=output.key,
            partition=output.partition,
            headers=list(output.headers),
        )

    def _acknowledge(self, count: int) -> None:
        done = [self._waiting.popleft() for _ in range(count)]
        self._on_published(done[-1].sequence)
        self._metrics.outbox(self.partition, self.backlog)
        self._backlog_fell.set()

    def _larger_than_allowed(self, refused: Sequence[OutputRecord]) -> str:
        """Return the text of an error about the largest change of those that the broker refused."""
        sizes = [len(output.key or b"") + len(output.value or b"") for output in refused]
        topic = topic_name(self._kafka.prefix, refused[0].topic)
        return (
            f"topic {topic} refuses changes, the largest of {max(sizes)} bytes, as too large: set its "
            f"max.message.bytes to at least {MOST_BYTES} and start again; nothing is lost, they wait in the outbox"
        )
