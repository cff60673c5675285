"""What does not validate goes whole to the rejects, with reason, field and position; the run goes on."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from crm_online.events.columns import KINDS, Kind
from crm_online.events.models import EVENT, MAX_LINES
from tests.events.reading import read
from tests.events.writing import GOOD, jsonl


@pytest.mark.parametrize(
    ("change", "field", "reason"),
    [
        ({"customer_id": ""}, "customer_id", "customer_id is empty"),
        ({"customer_id": "a\x00b"}, "customer_id", "customer_id has control characters"),
        ({"customer_id": "x" * 257}, "customer_id", "customer_id has more than 256 characters"),
        ({"customer_id": 1.5}, "customer_id", "customer_id is not a text"),
        ({"time": "yesterday"}, "time", "time is not an ISO 8601 time such as 2017-01-31T12:00:00Z"),
        ({"time": "1969-12-31T23:59:59Z"}, "time", "time is not from 1970 to 2105"),
        ({"time": "2106-01-01"}, "time", "time is not from 1970 to 2105"),
        ({"type": "sale"}, "type", f"type is none of {', '.join(KINDS)}"),
        ({"type": None}, "type", f"type is none of {', '.join(KINDS)}"),
        ({"items": []}, "items", "items is empty"),
        ({"items": "tea"}, "items", "items is not a list"),
        ({"items": ["tea"]}, "items.0", "items is not a JSON object"),
        ({"items": [{"quantity": 1}]}, "items.0.item", "item is missing"),
        ({"items": [{"item": "tea", "quantity": 0}]}, "items.0.quantity", "quantity is not above 0"),
        ({"items": [{"item": "tea", "quantity": -1}]}, "items.0.quantity", "quantity is not above 0"),
        ({"items": [{"item": "tea", "quantity": "two"}]}, "items.0.quantity", "quantity is not a number"),
        ({"items": [{"item": "tea", "price": -0.01}]}, "items.0.price", "price is below 0"),
        ({"items": [{"item": "tea", "price": 1e13}]}, "items.0.price", "price is above 1,000,000,000,000"),
        ({"items": [{"item": ""}]}, "items.0.item", "item is empty"),
    ],
)
def test_a_bad_field_rejects_the_event_and_plain_words_name_the_field(
    tmp_path: Path, change: dict[str, object], field: str, reason: str
) -> None:
    found = read(jsonl(tmp_path / "a.jsonl", GOOD, GOOD | change, GOOD))
    assert len(found.events) == 2
    assert found.reasons == [(reason, field)]
    assert found.rejects[0].position == "a.jsonl:2"
    assert json.loads(found.rejects[0].raw) == GOOD | change


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (
            {"type": "outcome", "name": "churned", "value": []},
            "value is neither a text, nor a number, nor true or false",
        ),
        ({"type": "outcome", "name": "churned"}, "value is missing"),
        ({"type": "profile", "attributes": []}, "attributes is not a JSON object"),
        ({"type": "feedback", "score": 1.5}, "score is above 1"),
        ({"type": "contact", "channel": ""}, "channel is empty"),
    ],
)
def test_what_only_some_types_have_is_told_in_plain_words_too(
    tmp_path: Path, change: dict[str, object], reason: str
) -> None:
    assert read(jsonl(tmp_path / "a.jsonl", GOOD | change)).reasons[0][0] == reason


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[]",
        "null",
        '"text"',
        "",
        "   ",
        "}{",
        '{"type": "purchase", "time": "2024-01-01", "items": [{"item": "a", "price": NaN}]}',
        '{"type": "purchase", "time": "2024-01-01", "items": [{"item": "a", "price": 1e400}]}',
        '{"type": "purchase", "time": "2024-01-01", "items": [{"item": "a", "quantity": 1' + "0" * 400 + "}]}",
        "[" * 10_000 + "]" * 10_000,
        '{"type": "profile", "customer_id": "a", "time": "2024-01-01", "attributes": ' + '{"a":' * 10_000,
        json.dumps(GOOD) + json.dumps(GOOD),
        json.dumps(GOOD) + ", " + json.dumps(GOOD),
    ],
)
def test_a_line_that_is_no_event_is_a_reject_and_the_rest_are_events(tmp_path: Path, line: str) -> None:
    found = read(jsonl(tmp_path / "a.jsonl", GOOD, line, GOOD))
    assert len(found.events) == 2
    assert [reject.row for reject in found.rejects] == [1]


def test_events_that_share_a_line_do_not_make_up_for_one_that_is_spread_over_two(tmp_path: Path) -> None:
    whole = json.dumps(GOOD)
    cut = whole.index(", ")
    found = read(jsonl(tmp_path / "a.jsonl", f"{whole}, {whole}", whole[:cut], whole[cut + 2 :]))
    assert [reject.row for reject in found.rejects] == [0, 1, 2]


def test_a_half_written_last_line_is_told_as_such(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps(GOOD) + "\n" + json.dumps(GOOD)[:40])
    assert read(path).reasons == [("half-written last line", None)]
    path.write_text(json.dumps(GOOD) + "\n" + json.dumps(GOOD))
    assert len(read(path).events) == 2


def test_a_line_of_three_megabytes_is_a_reject(tmp_path: Path) -> None:
    long = GOOD | {"note": "x" * 3_000_000}
    found = read(jsonl(tmp_path / "a.jsonl", GOOD, long, GOOD))
    assert len(found.events) == 2
    assert len(found.rejects[0].raw) <= 4096


def test_unknown_fields_are_left_out_and_counted(tmp_path: Path) -> None:
    line = {"item": "tea", "colour": "green"}
    found = read(jsonl(tmp_path / "a.jsonl", GOOD | {"shop": 7, "items": [line]}, GOOD | {"shop": 8}))
    assert len(found.events) == 2
    assert found.chunks[0].unknown_fields == {"shop": 2, "items.colour": 1}


def test_a_time_without_zone_is_utc_and_zones_count(tmp_path: Path) -> None:
    times = ["2024-01-01T12:00:00", "2024-01-01T12:00:00Z", "2024-01-01T14:00:00+02:00", "2024-01-01 12:00:00.5"]
    found = read(jsonl(tmp_path / "a.jsonl", *(GOOD | {"time": time} for time in times)))
    assert (found.events.time - found.events.time[0]).tolist() == [0, 0, 0, 500]


def test_late_events_are_events(tmp_path: Path) -> None:
    found = read(jsonl(tmp_path / "a.jsonl", GOOD, GOOD | {"time": "2020-01-01"}), max_ahead=86_400_000)
    assert len(found.events) == 2
    assert found.chunks[0].watermark == found.events.time[0]


def test_a_basket_of_five_hundred_lines_is_one_event(tmp_path: Path) -> None:
    items = [{"item": f"i{number}", "quantity": 1, "price": 2} for number in range(500)]
    found = read(jsonl(tmp_path / "a.jsonl", GOOD | {"items": items}))
    assert len(found.events) == 1
    assert len(found.events.item) == 500


@pytest.mark.parametrize("line", [1, None, {}, {"item": ""}, [], "tea"])
def test_of_thousands_of_wrong_lines_one_is_looked_at(line: object) -> None:
    """Each error of pydantic takes 20 µs: 1 MB of `[1,1,…]` made 490,000 of them, and 10 s."""
    for lines in (MAX_LINES, 490_000):
        event = GOOD | {"items": [line] * lines}
        with pytest.raises(ValidationError) as python:
            EVENT.validate_python(event)
        with pytest.raises(ValidationError) as as_json:
            EVENT.validate_json(json.dumps(event))
        assert (python.value.error_count(), as_json.value.error_count()) == (1, 1)


def test_a_basket_has_so_many_lines_at_most_however_it_is_read(tmp_path: Path) -> None:
    most, more = ([{"item": f"i{number}"} for number in range(MAX_LINES + beyond)] for beyond in (0, 1))
    found = read(jsonl(tmp_path / "a.jsonl", GOOD | {"items": most}, GOOD | {"items": more}))
    assert np.diff(found.events.line_start).tolist() == [MAX_LINES]
    assert found.reasons == [("items has more than 10,000 lines", "items")]
    baskets = tmp_path / "a.dat"
    baskets.write_text("".join(" ".join(line["item"] for line in lines) + "\n" for lines in (most, more)))
    found = read(baskets, preset="baskets")
    assert np.diff(found.events.line_start).tolist() == [MAX_LINES]
    assert found.reasons == [("items has more than 10,000 lines", "items")]


def test_every_type_of_event_is_read(tmp_path: Path) -> None:
    head = {"customer_id": "a", "time": "2024-01-01"}
    lines = [
        GOOD,
        head | {"type": "return", "items": [{"item": "tea", "price": 2}]},
        head | {"type": "view", "item": "tea"},
        head | {"type": "feedback", "score": 0.5, "text": "fine"},
        head | {"type": "contact", "channel": "mail", "reason": "late"},
        head | {"type": "profile", "attributes": {"age": 7}},
        head | {"type": "outcome", "name": "churned", "value": True},
        head | {"type": "erase"},
        {"type": "catalogue", "time": "2024-01-01", "item": "tea", "available": False},
        head | {"type": "objection"},
    ]
    found = read(jsonl(tmp_path / "a.jsonl", *lines))
    assert not found.rejects
    assert found.events.kind.tolist() == [kind.value for kind in Kind]
    assert found.events.score[3] == 0.5


def test_a_purchase_without_customer_is_a_basket_of_nobody(tmp_path: Path) -> None:
    found = read(
        jsonl(tmp_path / "a.jsonl", GOOD | {"customer_id": None}, {k: GOOD[k] for k in GOOD if k != "customer_id"})
    )
    assert found.events.customer.tolist() == [-1, -1]
    assert not found.events.customers
