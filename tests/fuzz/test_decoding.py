"""Whatever is sent as an event is one or a reject, with what it says of itself within bounds."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_online.events.columns import EventColumns
from crm_online.events.objects import decoded
from crm_online.events.presets import JSON_PRESETS
from crm_online.events.presets.preset import Refusal
from crm_online.events.times import BEGIN, END
from streams.records import decode
from tests.events.reading import event_of
from tests.events.tools import ORDERS
from tests.fuzz.fuzzing import EDITS, JSON, edited, failed_before, nearly, searching, to_json

TIME = "2026-02-06T17:31:00Z"
HEAD: dict[str, Any] = {"event_id": "e1", "customer_id": "ann", "time": TIME}
NATIVE: list[dict[str, Any]] = [
    HEAD
    | {"type": "purchase", "basket_id": "b", "items": [{"item": "tea", "quantity": 2, "price": 1.5}, {"price": 3}]},
    HEAD | {"type": "return", "items": [{"item": "tea", "quantity": 1, "price": 1.5}]},
    HEAD | {"type": "view", "item": "tea"},
    HEAD | {"type": "feedback", "score": 0.5, "text": "good"},
    HEAD | {"type": "contact", "channel": "phone", "reason": "late"},
    HEAD | {"type": "profile", "attributes": {"town": "Ulm", "age": 7, "tags": ["a"]}},
    HEAD | {"type": "outcome", "name": "churn", "value": True},
    HEAD | {"type": "catalogue", "item": "tea", "category": "drinks", "price": 2, "available": True},
    HEAD | {"type": "erase"},
    HEAD | {"type": "objection"},
]
OBJECTS: dict[str, dict[str, Any]] = ORDERS | {
    "segment-spec": {
        "type": "track",
        "event": "Order Completed",
        "messageId": "m1",
        "userId": "u1",
        "timestamp": TIME,
        "properties": {"order_id": "o1", "products": [{"sku": "T1", "name": "tea", "quantity": 2, "price": 1.5}]},
        "traits": {"town": "Ulm"},
    },
    "cloudevents": {
        "specversion": "1.0",
        "id": "c1",
        "source": "/till",
        "type": "purchase",
        "time": TIME,
        "datacontenttype": "application/json",
        "data": {"customer_id": "ann", "items": [{"item": "tea"}]},
    },
}


@dataclass
class Record:
    """A record of the topic."""

    value: bytes | None
    key: bytes | None = b"ann"
    offset: int = 7
    timestamp: int = 1_790_000_000_000
    headers: tuple[tuple[str, bytes], ...] = ()


def check_native(value: bytes) -> None:
    """Decode a record beside a good one: it is an event or a reject, and the other is as it was."""
    good = Record(to_json(NATIVE[2]), offset=8)
    for headers in ((), (("control", b"1"),)):
        found = decode([Record(value, headers=headers), good], "crm.events", 0, 86_400_000)
        within_bounds(found.events)
        assert found.events.event_ids[-1] == "e1"
        assert len(found.events) + len(found.rejects) in (1, 2)
        assert all(len(reject.raw.encode()) <= 4096 for reject in found.rejects)
        json.dumps([reject.value() for reject in found.rejects], ensure_ascii=False).encode()


def within_bounds(events: EventColumns) -> None:
    """Check that what events say of themselves is what the engine reckons with."""
    assert ((events.time >= BEGIN) & (events.time <= END)).all()
    for amounts in (events.quantity, events.price):
        assert ((amounts >= 0) & (amounts < float("inf"))).all()
    for names in (events.customers, events.items, events.baskets, events.event_ids):
        for name in names:
            name.encode()


@given(st.sampled_from(NATIVE).flatmap(nearly).map(to_json) | JSON.map(to_json))
@searching(80)
def test_any_json_is_an_event_or_a_reject(value: bytes) -> None:
    check_native(value)


@given(st.sampled_from(NATIVE).map(to_json), EDITS)
@searching(80)
def test_any_bytes_are_an_event_or_a_reject(value: bytes, edits: list[tuple[int, int, bytes]]) -> None:
    check_native(edited(value, edits))


@pytest.mark.parametrize("value", failed_before("native"))
def test_what_once_failed_as_an_event_does_not(value: bytes) -> None:
    check_native(value)


def check_object(name: str, line: bytes) -> None:
    """Read a line as an object of a tool."""
    preset = JSON_PRESETS[name]
    value = preset.decode(line) if preset.decode else decoded(line)
    if not isinstance(value, Refusal):
        event = event_of(value, preset)
        assert isinstance(event, Refusal) or BEGIN <= event.time <= END
        assert not isinstance(event, Refusal) or event.reason.encode()


@pytest.mark.parametrize("name", sorted(JSON_PRESETS))
def test_any_object_of_a_tool_is_an_event_or_a_reject(name: str) -> None:
    @given(
        nearly(OBJECTS[name]).map(to_json) | st.tuples(st.just(to_json(OBJECTS[name])), EDITS).map(lambda p: edited(*p))
    )
    @searching(20)
    def test(line: bytes) -> None:
        check_object(name, line)

    test()


@pytest.mark.parametrize("line", failed_before("presets"))
@pytest.mark.parametrize("name", sorted(JSON_PRESETS))
def test_what_once_failed_as_an_object_of_a_tool_does_not(name: str, line: bytes) -> None:
    check_object(name, line)
