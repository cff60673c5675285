"""What operators ask for, put onto the events topic: there it has an offset among the events, and is done once.

A command that is no command goes there too, and ends among the rejects like any other record.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

from aiokafka import AIOKafkaProducer
from faust.types import StreamT, TopicT
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from crm_online.events.models import Id
from crm_online.events.times import to_iso
from crm_online.settings import KafkaSettings
from streams.connection import client_options, start
from streams.errors import kafka_errors
from streams.records import CONTROL, Refit, Tick
from streams.topics import COMMANDS, partition_of, topic_name


class EraseCommand(BaseModel):
    """Forget a customer."""

    model_config = ConfigDict(frozen=True, extra="forbid", title="Erase")

    command: Literal["erase"]
    customer_id: Id


class ObjectionCommand(BaseModel):
    """A customer objects to being profiled, or does so no more."""

    model_config = ConfigDict(frozen=True, extra="forbid", title="Objection")

    command: Literal["objection"]
    customer_id: Id
    withdrawn: bool = False


Command = Annotated[Tick | Refit | EraseCommand | ObjectionCommand, Field(discriminator="command")]
COMMAND: Final[TypeAdapter[Any]] = TypeAdapter(Command)
_CONTROL: Final = ((CONTROL, b"1"),)


@dataclass(frozen=True, slots=True)
class EventsTopicRecord:
    """A record for the events topic."""

    partition: int
    key: bytes | None
    value: bytes
    headers: tuple[tuple[str, bytes], ...] = ()


def events_topic_records(value: bytes, time_ms: int, partitions: int) -> list[EventsTopicRecord]:
    """Return what a command puts onto the events topic.

    Parameters
    ----------
    value
        The command, as JSON.
    time_ms
        When the broker got it.
    partitions
        How many partitions the events topic has.
    """
    try:
        command = COMMAND.validate_json(value)
    except ValidationError:
        return [EventsTopicRecord(0, None, value, _CONTROL)]
    match command:
        case Tick():
            return [EventsTopicRecord(number, None, value, _CONTROL) for number in range(partitions)]
        case EraseCommand(customer_id=name):
            return [_of_customer({"type": "erase", "customer_id": name, "time": to_iso(time_ms)}, partitions)]
        case ObjectionCommand(customer_id=name, withdrawn=withdrawn):
            objection = {"type": "objection", "customer_id": name, "time": to_iso(time_ms), "withdrawn": withdrawn}
            return [_of_customer(objection, partitions)]
        case _:
            return [EventsTopicRecord(0, None, value, _CONTROL)]


def _of_customer(event: Mapping[str, object], partitions: int) -> EventsTopicRecord:
    key = str(event["customer_id"]).encode()
    return EventsTopicRecord(partition_of(key, partitions), key, json.dumps(event).encode())


async def send_commands(kafka: KafkaSettings, commands: Sequence[EraseCommand | ObjectionCommand]) -> str:
    """Put commands on the commands topic, in order, and return the topic's name; any worker passes them on.

    Raises
    ------
    BrokerUnavailable, BrokerRefused
        See :func:`streams.connection.start`.
    """
    topic = topic_name(kafka.prefix, COMMANDS)
    producer = AIOKafkaProducer(**client_options(kafka, f"{kafka.group}-commands"), acks="all")
    await start(producer, kafka)
    try:
        with kafka_errors(kafka):
            for command in commands:
                await producer.send_and_wait(topic, command.model_dump_json().encode())
    finally:
        await producer.stop()
    return topic


async def forward(commands: StreamT[bytes], events: TopicT, partitions: int) -> None:
    """Pass commands on to the events topic, one after the other.

    Parameters
    ----------
    commands
        The stream of a Faust agent.
    events
        The events topic, as Faust knows it.
    partitions
        How many partitions it has.
    """
    async for event in commands.events():
        for record in events_topic_records(event.message.value or b"", int(event.message.timestamp * 1000), partitions):
            sent = await events.send(
                key=record.key, value=record.value, partition=record.partition, headers=list(record.headers)
            )
            await sent
