"""The simulation's model of Kafka answers as the real one does where the workers lean on it."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable, Callable
from contextlib import closing
from random import Random
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import InvalidProducerEpoch, ProducerFenced

from tests.servers.broker import Broker
from tests.simulation.broker import Group, SimulatedBroker
from tests.simulation.clients import Network, SimulatedConsumer, SimulatedProducer, simulated
from tests.simulation.faults import Faults
from tests.simulation.loop import SimulatedLoop

Clients = tuple[Callable[..., Any], Callable[..., Any]]
"""What makes a consumer, and what makes a producer."""
Seen = dict[str, Any]


async def committed(consume: Callable[..., Any], partition: TopicPartition, begin: int, end: int) -> list[bytes]:
    """Return the values that a reader of committed records gets between two offsets."""
    consumer = consume(isolation_level="read_committed", auto_offset_reset="none", enable_auto_commit=False)
    await consumer.start()
    try:
        consumer.assign([partition])
        consumer.seek(partition, begin)
        values: list[bytes] = []
        while await consumer.position(partition) < end:
            found = await consumer.getmany(partition, timeout_ms=200)
            values += [record.value for record in found.get(partition, [])]
        return values
    finally:
        await consumer.stop()


async def transactions(clients: Clients, topic: str) -> Seen:
    """Commit, abort, leave open and fence, and return what readers see of it."""
    consume, produce = clients
    partition, seen = TopicPartition(topic, 0), Seen()

    async def send(producer: Any, *values: bytes) -> None:
        sent = [await producer.send(topic, value=value, key=None, partition=0, headers=[]) for value in values]
        await asyncio.gather(*sent)

    async def abort(producer: Any) -> None:
        async with producer.transaction():
            await send(producer, b"aborted")
            raise ZeroDivisionError

    async def end() -> int:
        consumer = consume(isolation_level="read_committed", auto_offset_reset="none", enable_auto_commit=False)
        await consumer.start()
        try:
            return int((await consumer.end_offsets([partition]))[partition])
        finally:
            await consumer.stop()

    first = produce(transactional_id=f"{topic}-p", acks="all")
    await first.start()
    async with first.transaction():
        await send(first, b"a", b"b")
    seen["end after a commit"] = await end()
    with pytest.raises(ZeroDivisionError):
        await abort(first)
    seen["end after an abort"] = await end()
    second = produce(transactional_id=f"{topic}-p", acks="all")
    await second.start()
    try:
        async with first.transaction():
            await send(first, b"fenced")
        seen["fenced"] = False
    except (ProducerFenced, InvalidProducerEpoch):
        seen["fenced"] = True
    async with second.transaction():
        await send(second, b"c")
    seen["end"] = await end()
    seen["committed"] = await committed(consume, partition, 0, seen["end"])
    seen["from within"] = await committed(consume, partition, 1, seen["end after an abort"])
    await first.stop()
    await second.stop()
    return seen


def on_the_model(scenario: Callable[[Clients, str], Awaitable[Seen]]) -> Seen:
    """Run a scenario on the model, without faults."""
    faults, loop = Faults(Random(1), on=False), SimulatedLoop(Random(1))
    network = Network(SimulatedBroker({"t": 1}), Group([TopicPartition("t", 0)], 3.0), loop, faults)
    clients = simulated(SimulatedConsumer, network), simulated(SimulatedProducer, network)

    async def run() -> Seen:
        return await scenario(clients, "t")

    with closing(loop):
        return loop.run_until_complete(run())


def test_the_model_of_transactions_is_kafkas(broker: Broker, prefix: str) -> None:
    topic = f"{prefix}model"
    broker.client.create_topic(topic, 1)
    address = {"bootstrap_servers": broker.address}

    async def run() -> Seen:
        return await transactions(
            (
                lambda **options: AIOKafkaConsumer(**address, **options),
                lambda **options: AIOKafkaProducer(**address, **options),
            ),
            topic,
        )

    real = asyncio.run(run())
    gc.collect()  # futures of the fenced producer, with errors that nobody looked at: now, and not within an import
    assert real["fenced"]
    assert on_the_model(transactions) == real
