"""Events that are sent to a service whose state workers feed: on the topic when they are acknowledged."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict

import pytest
from pydantic_core import from_json

from crm_online.errors import BrokerError
from crm_online.events.models import EVENT, Event
from crm_online.events.producers import LOG
from crm_online.settings import KafkaSettings
from streams.records import decode
from streams.sink import KafkaSink
from tests.servers.broker import Broker
from tests.servers.processes import free_port
from tests.servers.records import Sent

VIEW: dict[str, object] = {"type": "view", "time": "2024-01-01"}
PROFILE: dict[str, object] = {"type": "profile", "customer_id": "p", "time": "2024-01-02"}
SENT: list[dict[str, object]] = [
    *(VIEW | {"customer_id": f"cus\u00e9-{n % 9}", "event_id": f"e{n}"} for n in range(300)),
    {"type": "purchase", "basket_id": "b1", "time": "2024-01-02", "items": [{"item": None, "price": "2.50"}]},
    {"type": "purchase", "event_id": "alone", "time": "2024-01-02", "items": [{"item": "tea", "mood": "fine"}]},
    {"type": "purchase", "time": "2024-01-02", "items": [{"item": "tea"}]},
    PROFILE | {"attributes": {"a": None, "b": [1, 2.5, "\u00e9"]}, "x": {"y": 1}},
]


def of(values: list[dict[str, object]]) -> list[Event]:
    return [EVENT.validate_python(from_json(json.dumps(value))) for value in values]


def test_events_are_on_the_topic_once_as_they_were_under_the_keys_that_workers_want(
    broker: Broker, prefix: str
) -> None:
    topic = broker.client.create_topic(f"{prefix}events", 4)
    events = of(SENT)

    async def send() -> None:
        sink = KafkaSink(KafkaSettings(brokers=broker.address, prefix=prefix), topic)
        await sink.start()
        for begin in range(0, len(events), 50):
            part = events[begin : begin + 50]
            receipt = await sink.accept(part, LOG)
            assert (receipt.events, receipt.to) == (len(part), "kafka")
        assert sum(broker.client.end_offsets(topic).values()) == len(events), "there when they are acknowledged"
        await sink.stop()

    asyncio.run(send())
    records = broker.client.read(topic)
    found = defaultdict(list)
    unknown = 0
    for number in range(4):
        decoded = decode([record for record in records if record.partition == number], topic, number, None)
        assert not decoded.rejects
        unknown += sum(decoded.unknown_fields.values())
    for record in records:
        found[record.key].append(EVENT.validate_json(record.value or b""))
    assert unknown == 2
    assert {key for key in found if key} == {b"b1", b"alone", b"p", *(f"cus\u00e9-{n}".encode() for n in range(9))}
    for key, kept in found.items():
        sent = [_without_unknown_values(event) for event in events if _key(event) == key]
        assert kept == sent, "in order, as they were, but for values that no event has"
    others = broker.client.create_topic(f"{prefix}others", 4)
    broker.client.produce(others, [Sent(key, b"") for key in found if key])
    places = {record.key: record.partition for record in records if record.key}
    assert {record.key: record.partition for record in broker.client.read(others)} == places


def test_without_a_broker_nothing_is_acknowledged() -> None:
    async def send() -> None:
        await KafkaSink(KafkaSettings(brokers=f"127.0.0.1:{free_port()}"), "crm.events").start()

    with pytest.raises(BrokerError):
        asyncio.run(send())


def test_a_broker_that_falls_silent_is_an_error_and_when_it_is_back_events_go_on(broker: Broker, prefix: str) -> None:
    topic = broker.client.create_topic(f"{prefix}events", 1)

    async def send() -> None:
        sink = KafkaSink(KafkaSettings(brokers=broker.address, prefix=prefix), topic, answer_seconds=2)
        await sink.start()
        await sink.accept(of(SENT[:1]), LOG)
        broker.suspend()
        with pytest.raises(BrokerError):
            await sink.accept(of(SENT[1:2]), LOG)
        broker.resume()
        await sink.accept(of(SENT[2:3]), LOG)
        await sink.stop()

    asyncio.run(send())
    ids = [json.loads(record.value or b"")["event_id"] for record in broker.client.read(topic)]
    assert ids[0] == "e0"
    assert ids[-1] == "e2"
    assert len(ids) == len(set(ids))


def _key(event: Event) -> bytes | None:
    key = event.customer_id or event.basket_id if event.type == "purchase" else event.customer_id
    return (key or event.event_id or "").encode() or None


def _without_unknown_values(event: Event) -> Event:
    unknown: dict[str, object] = dict.fromkeys(event.model_extra or {})
    if event.type in ("purchase", "return"):
        lines = [line.model_copy(update=dict.fromkeys(line.model_extra or {})) for line in event.items]
        unknown["items"] = lines
    return event.model_copy(update=unknown)
