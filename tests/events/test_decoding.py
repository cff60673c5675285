"""What is decoded by columns is what the models make of each line: value for value, and reject for reject."""

from __future__ import annotations

import json
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from crm_online.events import decoding, models, times
from crm_online.events.building import from_events, unknown_fields
from crm_online.events.decoding import decode_lines, decode_objects, native_event
from crm_online.events.presets.preset import Refusal
from crm_online.events.rejects import Refused
from crm_online.events.time_columns import from_iso_texts
from crm_online.events.unknown_fields import UnknownFieldDecoder
from tests.events.reading import event_of
from tests.events.test_native import same

DIGITS = st.text("0123456789", min_size=1, max_size=10)
FORMED_TIME = st.builds(
    "{}-{}-{}{}".format,
    st.sampled_from(["0000", "0001", "1969", "1970", "2000", "2023", "2024", "2105", "2106", "9999"]),
    st.sampled_from(["00", "01", "02", "03", "11", "12", "13"]),
    st.sampled_from(["00", "01", "28", "29", "30", "31", "32"]),
    st.just("")
    | st.builds(
        "{}{}:{}{}{}".format,
        st.sampled_from("Tt _"),
        st.sampled_from(["00", "23", "24", "9"]),
        st.sampled_from(["00", "59", "60"]),
        st.just("")
        | st.sampled_from([":00", ":59", ":60"])
        | st.builds(":07{}{}".format, st.sampled_from(".,"), DIGITS),
        st.sampled_from(
            [
                "",
                "Z",
                "z",
                "+01",
                "-01:30",
                "+0530",
                "+23:59",
                "-24:00",
                "+01:60",
                "+01:99",
                "+9",
                " Z",
                "UTC",
                "\u0661",
            ]
        ),
    ),
)
TIME = st.one_of(
    FORMED_TIME, st.sampled_from(["2024-02-03T04:05:06.789Z", "soon", "", "2024-W05-1", "1" * 40, "²024-01-01"])
)
ODD_TEXT = st.sampled_from(["", "a", "é", "\x00", "\x7f", "\x85", "\u00ad", "\u2028", "x" * 256, "x" * 257, "😀", " "])
ODD_NUMBERS = (
    "null true 0 -0 1.0 1e3 -1 17 9223372036854775808 1e400 1e-400 NaN -Infinity 01 +1 .5 1e12 1000000000000.5"
)
ODD_TEXTS = r'''"2.50" "1e3" "1e400" "nan" "2,5" "\ud800" "\ud83d\ude00" "\ude00\ud83d" "\u0041\n\/" "\x" "'''
DEEP = ["[" * 150 + "]" * 150, "[" * 250 + "]" * 250, '{"a":' * 150 + "1" + "}" * 150]
ODD = st.sampled_from(
    [*ODD_NUMBERS.split(), *ODD_TEXTS.split(), *DEEP, "1" * 30, "1" * 400, "[]", "{}", "[1]", '"\t"', '" 1"']
)
TEXT = ODD_TEXT.map(json.dumps) | ODD_TEXT.map(lambda text: json.dumps(text, ensure_ascii=False))
VALUE = ODD | TEXT | TIME.map(json.dumps) | st.floats(0, 2).map(json.dumps)
NAMES = [*models.Line.model_fields, "type", "time", "customer_id", "event_id", "basket_id", "items", "item", "score"]
NAMES += [
    "text",
    "channel",
    "reason",
    "attributes",
    "name",
    "value",
    "category",
    "price",
    "available",
    "colour",
    "Type",
    r"ti\u006de",
    "",
]
KINDS: dict[str, dict[str, str]] = {
    "purchase": {"items": '[{"item":"tea","quantity":2,"price":"1.5"}]'},
    "return": {"items": '[{"item":null},{"item":7}]', "basket_id": "5"},
    "view": {"item": '"tea"'},
    "feedback": {"score": "0.5", "text": '"good"'},
    "contact": {"channel": '"mail"'},
    "profile": {"attributes": '{"b":1,"a":[1.0,true,null,"é"],"b":2}'},
    "outcome": {"name": '"churned"', "value": "1"},
    "catalogue": {"item": '"tea"', "category": '"drinks"', "price": "2.5", "available": "true"},
    "erase": {},
}


def written(fields: list[tuple[str, str]]) -> str:
    return "{" + ",".join(f'"{name}":{value}' for name, value in fields) + "}"


@st.composite
def lines(draw: st.DrawFn) -> bytes:
    """Draw a line: an event of each kind, of which a few fields are odd, missing, doubled or in another order."""
    kind = draw(st.sampled_from([*KINDS]))
    fields = [
        ("type", json.dumps(kind)),
        ("time", json.dumps(draw(TIME | st.just("2024-01-01")))),
        ("customer_id", '"c"'),
    ]
    fields += KINDS[kind].items()
    for _ in range(draw(st.integers(0, 2))):
        where = draw(st.integers(0, len(fields) - 1))
        name = draw(st.sampled_from(NAMES))
        change = draw(st.sampled_from(["new", "new", "odd", "odd", "less", "line"]))
        if change == "odd":
            fields[where] = fields[where][0], draw(VALUE)
        elif change == "less" and len(fields) > 1:
            del fields[where]
        elif change == "line":
            fields.append(("items", "[" + written([("item", '"a"'), (name, draw(VALUE))]) + "]"))
        else:
            fields.insert(where, (name, draw(VALUE)))
    line = written(draw(st.permutations(fields)) if draw(st.booleans()) else fields).encode()
    return draw(st.sampled_from([line] * 12 + [line[:-1], line + b"}", line + b"," + line, b"[" + line + b"]"])) + b" "


def by_models(raw: list[bytes]) -> tuple[dict[int, models.Event], Refused]:
    judged = {place: native_event(line.decode()) for place, line in enumerate(raw)}
    events = {place: event for place, event in judged.items() if not isinstance(event, Refusal)}
    return events, {place: event for place, event in judged.items() if isinstance(event, Refusal)}


@settings(max_examples=300)
@given(st.lists(lines(), min_size=1, max_size=6))
@example([b'{"type":"view","type":"erase","time":"2024-01-01","customer_id":"c","item":"a"}'])
@example([b'{"time":1,"type":"view","customer_id":7,"time":"2024-01-01","colour":1,"colour":2}'])
@example(
    [b'{"type":"profile","time":"2024-01-01","customer_id":"c","attributes":%b,"attributes":{}}' % DEEP[1].encode()]
)
@example([b'{"colour":%b,"type":"erase","time":"2024-01-01","customer_id":"c","colour":1}' % DEEP[1].encode()])
def test_lines_are_the_same_events_and_rejects_by_columns_and_by_the_models(raw: list[bytes]) -> None:
    rows = [7 + 2 * place for place in range(8 * len(raw))]
    often = dict(enumerate(raw * 8))  # so that fields which no event has are learned
    decode_lines(often, lambda place: native_event(often[place].decode()), rows, "log", {})
    refused: Refused = {}
    found = decode_lines(dict(enumerate(raw)), lambda place: native_event(raw[place].decode()), rows, "log", refused)
    events, expected = by_models(raw)
    assert refused == expected
    assert found.places == list(events)
    same(found.events, from_events(list(events.values()), [rows[place] for place in events], "log"))
    unknown = {place: sorted(names) for place, one in events.items() if (names := list(unknown_fields(one)))}
    assert {place: sorted(names) for place, names in found.unknown.items()} == unknown


UNKNOWN = st.sets(st.sampled_from(["sku", "colour", "shelf"]), max_size=2).map(sorted)


@settings(max_examples=40)
@given(st.lists(st.lists(st.tuples(UNKNOWN, UNKNOWN, st.sampled_from(["1", DEEP[1]])), max_size=2), max_size=4))
@example([[(["sku"], [], "1")], [(["sku"], [], "1"), (["sku"], ["shelf"], "1")]])
@example([[(["sku"], [], "1")], [(["sku"], [], DEEP[1]), (["sku"], ["shelf"], "1")]])
def test_what_is_unknown_does_not_hang_on_the_batches_before(
    batches: list[list[tuple[list[str], list[str], str]]],
) -> None:
    def decoded(decoder: UnknownFieldDecoder, raw: list[bytes]) -> tuple[list[int], dict[int, list[str]], Refused]:
        refused: Refused = {}
        with patch.object(decoding, "_DECODER", decoder):
            found = decode_lines(
                dict(enumerate(raw)), lambda place: native_event(raw[place].decode()), range(len(raw)), "log", refused
            )
        return found.places, {place: sorted(names) for place, names in found.unknown.items()}, refused

    learning = UnknownFieldDecoder()
    for batch in batches:
        raw: list[bytes] = []
        for of_line, of_event, value in batch:
            line = written([("item", '"tea"'), *((name, value) for name in of_line)])
            known = [("type", '"purchase"'), ("time", '"2024-01-01"'), ("items", f"[{line}]")]
            raw += [written([*known, *((name, "1") for name in of_event)]).encode()] * 8  # often enough to be learned
        assert decoded(learning, raw) == decoded(UnknownFieldDecoder(), raw)


def test_what_a_learned_field_holds_is_read_by_the_models_where_it_is_no_utf_8() -> None:
    line = b'{"type":"erase","time":"2024-01-01","customer_id":"c","colour":"%b"}'
    with patch.object(decoding, "_DECODER", UnknownFieldDecoder()):
        for colour, judged in ((b"red", []), ("rosé".encode(), []), ("rosé".encode("latin-1"), [0])):
            asked: list[int] = []

            def judge(place: int, asked: list[int] = asked) -> Refusal:
                asked.append(place)
                return Refusal("not UTF-8")

            decode_lines(dict.fromkeys(range(8), line % b"red"), judge, range(8), "log", {})
            decode_lines({0: line % colour, 1: line % b"blue"}, judge, range(2), "log", {})
            assert asked == judged


@settings(max_examples=100)
@given(st.lists(lines(), min_size=1, max_size=4))
def test_objects_are_the_same_events_and_rejects_by_columns_and_by_the_models(raw: list[bytes]) -> None:
    values: dict[int, Any] = {}
    for place, line in enumerate(raw):
        try:
            values[place] = json.loads(line)  # also NaN, halves of surrogate pairs, and any depth
        except ValueError:
            continue
    refused: Refused = {}
    found = decode_objects(values, lambda place: event_of(values[place]), range(len(raw)), "log", refused)
    judged = {place: event_of(value) for place, value in values.items()}
    assert refused == {place: one for place, one in judged.items() if isinstance(one, Refusal)}
    events = {place: one for place, one in judged.items() if not isinstance(one, Refusal)}
    same(found.events, from_events(list(events.values()), list(events), "log"))


@settings(max_examples=300)
@given(st.lists(TIME, max_size=12))
def test_times_are_the_same_by_columns_and_one_by_one(texts: list[str]) -> None:
    def one(text: str) -> int:
        try:
            return times.from_iso(text)
        except (ValueError, OverflowError):
            return times.NONE

    assert from_iso_texts(texts).tolist() == [one(text) for text in texts]


@pytest.mark.parametrize(
    "change",
    [{}, {"shop": "north"}, {"customer_id": 7}, {"basket_id": 5, "items": [{"item": 1, "price": "2", "sku": 3}]}],
)
def test_the_models_are_not_asked_about_numbers_as_texts_and_fields_that_no_event_has(change: dict[str, Any]) -> None:
    event = {"type": "purchase", "time": "2024-01-01T00:00:00+01:00", "customer_id": "c", "items": [{"item": "tea"}]}
    lines = {place: json.dumps(event | change).encode() for place in range(3)}
    refused: Refused = {}
    found = decode_lines(lines, lambda place: pytest.fail("a model is asked"), range(3), "log", refused)
    assert (found.places, refused) == ([0, 1, 2], {})
