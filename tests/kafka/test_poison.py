"""A log with 1 % of poison in it: each record of that is a reject with its place, and all else is counted."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from crm_online.events.intake import INTAKE
from crm_online.events.rejects import MAX_RAW
from tests.command import crm_online
from tests.kafka.service import Service
from tests.kafka.small_log import records
from tests.kafka.waiting import until, until_read
from tests.servers.broker import Broker
from tests.servers.records import Sent

Event = dict[str, Any]
END = "2026-02-01T00:00:00Z"
"""After the log of ``simulate``, and after the time at which its last baskets are whole."""
CONTROL = (("control", b"1"),)
DEEP = 10_000


def raw(event: Event, **changes: Any) -> bytes:
    return json.dumps(event | changes).encode()


def with_number(event: Event, number: str) -> bytes:
    """Return a purchase with such a price."""
    return raw(bought(event, price="here")).replace(b'"here"', number.encode())


def bought(event: Event, **line: Any) -> Event:
    return event | {"type": "purchase", "items": [{"item": "tea"} | line]}


def without(event: Event, *names: str) -> Event:
    return {name: value for name, value in event.items() if name not in names}


def renamed(event: Event, name: str, other: str) -> Event:
    return {other if key == name else key: value for key, value in event.items()}


def key(event: Event) -> bytes:
    return str(event["customer_id"]).encode()


VALUES: dict[str, Callable[[Event], bytes | None]] = {
    "not JSON": lambda event: b"once upon a time",
    "JSON cut off": lambda event: raw(event)[:-7],
    "JSON and more": lambda event: raw(event) + b"}",
    "two in one": lambda event: raw(event) + b"," + raw(event),
    "two in one list": lambda event: b"[" + raw(event) + b"," + raw(event) + b"]",
    "an opened basket": lambda event: raw(bought(event))[:-2],
    "its end": lambda event: b'{"item":"tea"}]}',
    "Latin-1": lambda event: raw(event).replace(b'"customer_id": "', b'"customer_id": "\xe9'),
    "half a character": lambda event: raw(event, customer_id="\ud800"),
    "UTF-16": lambda event: json.dumps(event).encode("utf-16"),
    "zeroes": lambda event: b"\0" * 100,
    "NaN": lambda event: with_number(event, "NaN"),
    "infinity": lambda event: with_number(event, "-Infinity"),
    "10^400": lambda event: with_number(event, "1" + "0" * 400),
    "10^400 in short": lambda event: with_number(event, "1e400"),
    "10^400 as text": lambda event: with_number(event, '"1e400"'),
    "10^400 as score": lambda event: raw(event, type="feedback", score="here").replace(b'"here"', b"1" + b"0" * 400),
    "10^9999": lambda event: with_number(event, "1" + "0" * 9999),
    "deep lists": lambda event: b"[" * DEEP + b"]" * DEEP,
    "deep objects": lambda event: b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    "deep in a new field": lambda event: raw(event, new="here").replace(b'"here"', b"[" * DEEP + b"]" * DEEP),
    "a list": lambda event: b"[]",
    "null": lambda event: b"null",
    "a text": lambda event: b'"view"',
    "a customer that is a list": lambda event: raw(event, customer_id=[event["customer_id"]]),
    "a customer that is true": lambda event: raw(event, customer_id=True),
    "a time that is a number": lambda event: raw(event, time=1_700_000_000),
    "a time that is none": lambda event: raw(event, time="tomorrow"),
    "items that are a text": lambda event: raw(event, type="purchase", items="tea"),
    "a quantity below zero": lambda event: raw(bought(event, quantity=-1)),
    "a score above one": lambda event: raw(event, type="feedback", score=7),
    "an unknown type": lambda event: raw(event, type="telepathy"),
    "null as value": lambda event: None,
    "no bytes": lambda event: b"",
    "blanks": lambda event: b" \r\n\t",
    "more than 1 MB": lambda event: raw(event, new="x" * 1_050_000),
    "more than 1 MB of noise": lambda event: random.Random(1).randbytes(1_050_000),
    "in 2099": lambda event: raw(event, time="2099-01-01T00:00:00Z"),
    "in 10000": lambda event: raw(event, time="10000-01-01T00:00:00Z"),
    "no type": lambda event: raw(without(event, "type")),
    "no time": lambda event: raw(without(event, "time")),
    "no customer": lambda event: raw(without(event, "customer_id") | {"type": "view"}),
    "no items": lambda event: raw(without(event, "items") | {"type": "purchase"}),
    "another name for the type": lambda event: raw(renamed(event, "type", "kind")),
    "another name for the time": lambda event: raw(renamed(event, "time", "timestamp")),
    "all in another way": lambda event: raw({"event": event["type"], "who": event["customer_id"]}),
}
"""Values that are no events, under the key that their event would have."""

RECORDS: dict[str, Callable[[Event], Sent]] = {
    "no key": lambda event: Sent(None, raw(event)),
    "an empty key": lambda event: Sent(b"", raw(event)),
    "another's key": lambda event: Sent(b"somebody-else", raw(event)),
    "a key in capitals": lambda event: Sent(key(event).upper(), raw(event)),
    "a key that is no text": lambda event: Sent(b"\xff\xfe", raw(event)),
    "a control that is an event": lambda event: Sent(key(event), raw(event), CONTROL),
    "a control that is no JSON": lambda event: Sent(None, b"tick", CONTROL),
    "a tick into 2099": lambda event: Sent(None, raw({"command": "tick", "time": "2099-01-01"}), CONTROL),
    "a control without value": lambda event: Sent(None, None, CONTROL),
    "a command that is no control": lambda event: Sent(None, raw({"command": "refit"})),
}


def poisoned(events: list[Event], seed: int) -> list[tuple[str, Sent]]:
    """Return records, each with what is wrong with it; every kind of poison at least once, and 1 % in all."""
    pick = random.Random(seed)
    customers = [event for event in events if event.get("customer_id")]
    kinds = [*VALUES, *RECORDS]
    kinds *= -(-len(events) // 100 // len(kinds))
    found = [("", record) for record in records(events)]
    for kind in kinds:
        event = pick.choice(customers)
        value = VALUES.get(kind)
        record = RECORDS[kind](event) if value is None else Sent(key(event), value(event))
        found.insert(pick.randrange(len(found)), (kind, record))
    return found


@pytest.mark.slow
def test_poison_is_rejected_with_its_place_and_all_else_is_counted(broker: Broker, tmp_path: Path, prefix: str) -> None:
    path = tmp_path / "log.jsonl"
    made = crm_online(tmp_path, "simulate", "--customers", "400", "--events", "8000", "--seed", "5", "--out", str(path))
    assert made.returncode == 0, made.stderr
    events = [json.loads(line) for line in path.read_bytes().splitlines()]
    new = [event.update(new=1, other={"deep": [None]}) for event in events[::100]]  # which is no poison
    log = poisoned(events, 7)
    poison = [kind for kind, _ in log if kind]
    assert {*VALUES, *RECORDS} == set(poison)
    assert len(poison) >= len(events) / 100

    with Service(broker, tmp_path, prefix, ["segments.min_customers=200"]) as service:
        worker = service.worker().wait_ready()
        places = broker.client.produce(service.events, [record for _, record in log])
        service.sent += [record for kind, record in log if not kind]
        until_read(broker.client, service.redis, prefix)
        service.finish(END)
        until(lambda: worker.metric("crm_online_outbox_length") == 0, "changes are left in the outbox")
        assert service.wrong(END) == []
        assert worker.ready()

        rejects = [
            (record.partition, json.loads(record.value or b"")) for record in service.outputs().records["rejects"]
        ]
        found = {reject["position"]: (partition, reject) for partition, reject in rejects}
        assert len(found) == len(rejects) == len(poison)
        for (kind, record), (partition, offset) in zip(log, places, strict=True):
            place = f"{service.events}:{partition}:{offset}"
            assert (place in found) == bool(kind), (kind, place)
            if kind:
                there, reject = found[place]
                assert there == partition
                assert reject["reason"], kind
                assert reject["raw"] == INTAKE.row(record.value or b""), kind
                assert len(reject["raw"].encode()) <= MAX_RAW

        ticks = service.partitions
        states = [json.loads(service.redis.admin.get(f"{{crm:{n}}}:engine") or b"") for n in range(service.partitions)]
        counted = {name: sum(state[name] for state in states) for name in ("accepted", "duplicates", "rejected")}
        assert (
            sum(counted.values()) + ticks == len(log) + ticks == sum(broker.client.end_offsets(service.events).values())
        )
        assert counted["rejected"] == len(poison)
        assert {
            "accepted": worker.metric("crm_online_events_total"),
            "duplicates": worker.metric("crm_online_duplicates_total"),
            "rejected": worker.metric("crm_online_rejects_total"),
        } == counted
        assert sum(state["unknown_fields"] for state in states) == 2 * len(new)
        assert worker.stop() == 0
        assert "Traceback" not in worker.log.read_text()
