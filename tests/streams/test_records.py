"""Records of the events topic: of whatever bytes, each is an event, a control, or a reject with its place."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_online.events.intake import Intake
from crm_online.events.producers import MADE_HERE, producer_number
from crm_online.events.rejects import MAX_RAW
from streams.records import CONTROL, MAX_VALUE, PRODUCER, DecodedRecords, decode

DAY = 86_400_000
NOW = 1_700_000_000_000
VIEW: dict[str, Any] = {"type": "view", "customer_id": "ann", "time": "2023-11-14T00:00:00Z"}
BOUGHT: dict[str, Any] = {**VIEW, "type": "purchase", "items": [{"item": "tea", "price": 2}]}
COMMANDS = st.sampled_from(
    [{"command": "tick", "time": "2023-11-14"}, {"command": "refit"}, {"command": "erase"}, {"command": 1}]
)


@dataclass
class Record:
    """A record of the topic."""

    value: bytes | None
    key: bytes | None = b"ann"
    offset: int = 7
    timestamp: int = NOW
    headers: tuple[tuple[str, bytes | None], ...] = ()


def decoded(*records: Record) -> DecodedRecords:
    return decode(records, "crm.events", 3, DAY)


def raw(value: object) -> bytes:
    return json.dumps(value).encode()


def priced(price: str) -> bytes:
    return raw(BOUGHT).replace(b'"price": 2', b'"price": ' + price.encode())


@pytest.mark.parametrize(
    ("value", "reason", "field"),
    [
        (None, "no value", None),
        (b"", "an empty value", None),
        (b" \n", "an empty value", None),
        (b"no JSON", "not JSON", None),
        (b"{", "not JSON", None),
        (raw(VIEW) + b"}", "not JSON", None),
        (raw(VIEW) + b"," + raw(VIEW), "not JSON", None),
        (b"\xef\xbb\xbf" + raw(VIEW), "not JSON", None),
        (b"\xff\xfe" + raw(VIEW), "not UTF-8", None),
        (raw(VIEW).replace(b"ann", b"\\ud800"), "not JSON", None),
        (b"[" * 10_000, "not JSON", None),
        (raw(VIEW)[:-1] + b',"new":' + b"[" * 10_000 + b"]" * 10_000 + b"}", "not JSON", None),
        (b"null", "not a JSON object", None),
        (b"7", "not a JSON object", None),
        (b"[" + raw(VIEW) + b"]", "not a JSON object", None),
        (b"{}", "type is missing", "type"),
        (raw(VIEW | {"type": "looked"}), "type is none of purchase, ", "type"),
        (raw({"kind": "view", "customer": "ann", "time": VIEW["time"]}), "type is missing", "type"),
        (raw({name: value for name, value in VIEW.items() if name != "time"}), "time is missing", "time"),
        (raw(VIEW | {"customer_id": ["ann"]}), "customer_id is not a text", "customer_id"),
        (raw(VIEW | {"time": 1_700_000_000}), "time is not an ISO 8601 time", "time"),
        (raw(VIEW | {"time": "2099-01-01"}), "time too far ahead of the broker's", "time"),
        (raw(BOUGHT | {"items": []}), "items is empty", "items"),
        (raw(BOUGHT | {"items": {"item": "tea"}}), "items is not a list", "items"),
        (priced("NaN"), "price is not a finite number", "items.0.price"),
        (priced("-1"), "price is below 0", "items.0.price"),
        (priced("1e400"), "price is not a finite number", "items.0.price"),
        (priced('"1e400"'), "price is not a finite number", "items.0.price"),
        (priced("1" + "0" * 400), "price is not a number", "items.0.price"),
        (priced("1" + "0" * 5_000), "not JSON", None),
        (b'{"type":"view","item":"' + b"x" * MAX_VALUE + b'"}', "larger than 1 MB", None),
    ],
    ids=str,
)
def test_what_is_no_event_is_a_reject_with_reason_field_and_place(
    value: bytes | None, reason: str, field: str | None
) -> None:
    found = decoded(Record(raw(VIEW), offset=6), Record(value), Record(raw(BOUGHT), offset=9))
    assert found.events.position.tolist() == [6, 9]
    [reject] = found.rejects
    assert reject.reason.startswith(reason)
    assert (reject.field, reject.position, reject.row) == (field, "crm.events:3:7", 7)
    assert reject.raw == (value or b"")[:MAX_RAW].decode(errors="replace")


@pytest.mark.parametrize("key", [None, b"", b"bob", b"Ann", b"\xff"])
def test_the_key_must_be_the_customers_or_their_events_are_spread_over_partitions(key: bytes | None) -> None:
    [reject] = decoded(Record(raw(VIEW), key)).rejects
    assert (reject.field, reject.position) == ("key", "crm.events:3:7")


def test_without_customer_the_key_is_the_baskets_or_else_the_events_or_any() -> None:
    line = {name: value for name, value in BOUGHT.items() if name != "customer_id"}
    events = {b"b": line | {"basket_id": "b", "event_id": "e"}, b"e": line | {"event_id": "e"}, None: line}
    found = decoded(*(Record(raw(event), key) for key, event in events.items()))
    assert (len(found.events), found.rejects) == (3, [])
    assert len(decoded(*(Record(raw(event), b"other") for event in events.values())).rejects) == 2


def test_fields_that_no_event_has_are_counted_and_the_event_is_one() -> None:
    found = decoded(Record(raw(VIEW | {"new": 1, "other": {"deep": [None]}})), Record(raw(VIEW)))
    assert (len(found.events), found.rejects, found.unknown_fields) == (2, [], {"new": 1, "other": 1})


@pytest.mark.parametrize("kind", ["erase", "objection"])
@pytest.mark.parametrize("time", ["2023-11-14T09:00:00Z", "2099-01-01"])
def test_an_erasure_or_objection_comes_through_however_it_is_dated_and_time_does_not_go_on_by_it(
    kind: str, time: str
) -> None:
    found = decoded(Record(raw(VIEW)), Record(raw(VIEW | {"type": kind, "time": time})))
    assert (len(found.events), found.rejects) == (2, [])
    assert found.watermark == found.events.time[0]


def test_lines_that_only_together_are_json_are_no_events() -> None:
    # Joined by commas they are three events: as many as there are records.
    first, second, third = raw(VIEW) + b"," + raw(VIEW), raw(BOUGHT)[:-2], b'{"item": "cup"}]}'
    assert len(json.loads(b"[" + b",".join((first, second, third)) + b"]")) == 3
    found = decoded(*(Record(value) for value in (first, second, third)))
    assert (len(found.events), [reject.reason for reject in found.rejects]) == (0, ["not JSON"] * 3)


def control(value: bytes, **more: Any) -> Record:
    return Record(value, None, headers=((CONTROL, b"1"),), **more)


def test_ticks_say_how_late_it_is_and_a_refit_is_asked_for_without_an_event() -> None:
    early, late = ({"command": "tick", "time": f"2023-11-{day}"} for day in (13, 14))
    found = decoded(control(raw(late)), control(raw(early)), control(raw({"command": "refit"})))
    assert (found.watermark, found.refit, len(found.events), found.rejects) == (1_699_920_000_000, True, 0, [])


@pytest.mark.parametrize(
    ("value", "reason", "field"),
    [
        (b"{", "not JSON", None),
        (b"[]", "not a JSON object", None),
        (b"[" * 10_000, "not JSON", None),
        (b"{}", "command is neither tick nor refit", "command"),
        (raw({"command": "stop"}), "command is neither tick nor refit", "command"),
        (raw(VIEW), "command is neither tick nor refit", "command"),
        (raw({"command": "tick"}), "time is missing", "time"),
        (raw({"command": "tick", "time": "soon"}), "time is not an ISO 8601 time", "time"),
        (raw({"command": "tick", "time": "2099-01-01"}), "time too far ahead of the broker's", "time"),
        (raw({"command": "refit", "now": True}), "a field that the command does not have", None),
    ],
    ids=str,
)
def test_a_control_that_is_no_command_is_a_reject(value: bytes, reason: str, field: str | None) -> None:
    found = decoded(control(value))
    assert (len(found.events), found.watermark, found.refit) == (0, None, False)
    [reject] = found.rejects
    assert reject.reason.startswith(reason)
    assert (reject.field, reject.position) == (field, "crm.events:3:7")


def test_a_command_without_the_header_of_controls_is_no_command() -> None:
    found = decoded(Record(raw({"command": "refit"}), None))
    assert (found.refit, len(found.rejects)) == (False, 1)


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.just(10**400) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
NAMES = st.sampled_from([*BOUGHT, "basket_id", "event_id", "item", "score", "attributes", "new"])
MANGLED = st.dictionaries(NAMES, JSON, max_size=2).map(lambda change: raw(BOUGHT | change))
CUT = st.builds(lambda value, end: value[:end], MANGLED, st.integers(0, 200))
VALUES = st.none() | st.binary(max_size=40) | CUT | st.sampled_from([raw(VIEW), raw(BOUGHT)]) | COMMANDS.map(raw)
RECORDS = st.lists(
    st.builds(
        Record,
        VALUES,
        st.sampled_from([b"ann", None, b"\xff"]),
        headers=st.sampled_from(
            [(), *(((name, value),) for name in (CONTROL, PRODUCER, "trace") for value in (b"1", None))]
        ),
    ),
    max_size=8,
)


@given(RECORDS)
def test_of_any_bytes_every_record_is_an_event_a_control_or_a_reject(records: list[Record]) -> None:
    for offset, record in enumerate(records):
        record.offset = 100 + offset
    found = decoded(*records)
    events, rejects = found.events.position.tolist(), [reject.row for reject in found.rejects]
    controls = [record.offset for record in records if any(name == CONTROL for name, _ in record.headers)]
    assert events == sorted(set(events))
    assert rejects == sorted(set(rejects))
    assert not set(events) & {*rejects, *controls}
    assert {*events, *rejects, *controls} == {record.offset for record in records}
    for reject in found.rejects:
        assert reject.position == f"crm.events:3:{reject.row}"
        assert len(reject.raw.encode()) <= MAX_RAW


@given(RECORDS)
def test_what_a_record_is_does_not_hang_on_its_neighbours(records: list[Record]) -> None:
    alone = [decoded(record) for record in records]
    together = decoded(*records)
    assert together.events.time.tolist() == [time for one in alone for time in one.events.time.tolist()]
    assert together.rejects == [reject for one in alone for reject in one.rejects]
    assert together.unknown_fields == sum((Counter(one.unknown_fields) for one in alone), Counter())
    assert together.watermark == max((one.watermark for one in alone if one.watermark is not None), default=None)
    assert together.refit == any(one.refit for one in alone)


def test_an_order_that_is_worth_too_much_is_a_reject_and_the_others_are_events() -> None:
    records = [Record(priced(price), offset=n) for n, price in enumerate(("1", "1e12", "2"))]
    found = decode(records, "crm.events", 3, DAY, Intake(max_value=1e11))
    assert [reject.reason for reject in found.rejects] == ["worth more than events.max_value"]
    assert found.events.price.tolist() == [1, 2]


def test_a_record_is_of_the_producer_that_its_header_names_and_an_id_that_was_made_is_nobodys() -> None:
    named = raw(VIEW | {"event_id": "e"})
    headers = [(PRODUCER, b"web"), (PRODUCER, b"till"), ("other", b"web"), (PRODUCER, b"log"), (PRODUCER, None)]
    records = [Record(named), *(Record(named, offset=n, headers=(header,)) for n, header in enumerate(headers))]
    records += [replace(record, value=raw(VIEW), offset=10 + record.offset) for record in records[:2]]
    found = decoded(*records).events.producer.tolist()
    assert found == [0, producer_number("web"), producer_number("till"), 0, 0, 0, MADE_HERE, MADE_HERE]
