"""JSON lines read with ``--map``: what a field may hold, and what makes its row a reject."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from crm_online.errors import MissingColumn
from crm_online.events.columns import Kind
from crm_online.events.log import check_log
from crm_online.events.options import LogOptions
from tests.events.reading import read
from tests.events.writing import CELLS, MAP, jsonl


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"what": ["a"]}, "items.0.item"),
        ({"what": {"a": 1}}, "items.0.item"),
        ({"who": []}, "customer_id"),
        ({"who": 10**300}, "customer_id"),
        ({"when": ["2024-01-01"]}, "time"),
        ({"when": 1_700_000_000}, "time"),
        ({"when": None}, "time"),
        ({"pieces": True}, "items.0.quantity"),
        ({"pieces": "two"}, "items.0.quantity"),
        ({"pieces": 10**400}, "items.0.quantity"),
        ({"pieces": 0}, "items.0.quantity"),
        ({"each": -0.01}, "items.0.price"),
        ({"what": "a\x00b"}, "items.0.item"),
        ({"what": "\ud800"}, "items.0.item"),
    ],
)
def test_a_bad_value_rejects_its_row_and_names_the_field(tmp_path: Path, change: dict[str, object], field: str) -> None:
    found = read(jsonl(tmp_path / "a.jsonl", CELLS, CELLS | change, CELLS), mapping=MAP)
    assert len(found.events) == 2
    assert [(reject.row, reject.field) for reject in found.rejects] == [(1, field)]


@pytest.mark.parametrize(
    "line",
    [
        "",
        "  ",
        "{",
        "[1]",
        "7",
        '{"who": "a", "when": "2024-01-01", "pieces": NaN}',
        '{"who": "a", "when": "2024-01-01", "pieces": -Infinity}',
        '{"who": "a", "when": "2024-01-01", "pieces": 1e400}',
        '{"who": "a", "when": "2024-01-01", "pieces": 1' + "0" * 5000 + "}",
        '{"who": ' * 10_000,
        "[" * 10_000 + "]" * 10_000,
        json.dumps(CELLS) * 2,
    ],
    ids=lambda line: line[:40] or "empty",
)
def test_a_line_that_is_no_row_is_a_reject(tmp_path: Path, line: str) -> None:
    found = read(jsonl(tmp_path / "a.jsonl", CELLS, line, CELLS), mapping=MAP)
    assert len(found.events) == 2
    assert [reject.row for reject in found.rejects] == [1]


def test_a_field_that_is_not_there_is_empty(tmp_path: Path) -> None:
    rows = [{"when": "2024-01-01"}, {"when": "2024-01-01", "who": None}, CELLS]
    found = read(jsonl(tmp_path / "a.jsonl", *rows), mapping=MAP)
    assert not found.rejects
    assert found.events.customer.tolist() == found.events.item.tolist() == [-1, -1, 0]
    assert (found.events.quantity.tolist(), found.events.price.tolist()) == ([1, 1, 2], [0, 0, 1.5])


def test_whole_numbers_are_the_ids_that_people_write(tmp_path: Path) -> None:
    rows = [CELLS | {"who": who} for who in (17850, 17850.0, "17850", " 17850 ", 2**53 + 1)]
    assert read(jsonl(tmp_path / "a.jsonl", *rows), mapping=MAP).events.customers == ["17850", str(2**53 + 1)]


@pytest.mark.parametrize("mapping", [MAP, None], ids=["mapped", "native"])
@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "utf-8", "utf-8-sig"])
def test_lines_in_other_encodings_are_read(tmp_path: Path, encoding: str, mapping: dict[str, str] | None) -> None:
    native = {"type": "purchase", "time": "2024-01-01", "items": [{"item": "thé"}]}
    line = json.dumps(CELLS | {"what": "thé"} if mapping else native, ensure_ascii=False) + "\r\n"
    path = tmp_path / "a.jsonl"
    path.write_bytes(line.encode(encoding) + line.encode())
    found = read(path, mapping=mapping)
    assert (found.events.items, found.rejects) == (["thé"], [])
    assert len(found.events) == 2


def test_truth_values_are_not_taken_for_numbers_that_equal_them(tmp_path: Path) -> None:
    rows = [CELLS | {"who": value, "pieces": value} for value in (1, True)]
    for order in (rows, rows[::-1]):
        found = read(jsonl(tmp_path / "a.jsonl", *order), mapping=MAP)
        assert [reject.field for reject in found.rejects] == ["items.0.quantity"]
        assert found.events.customers == ["1"]


def test_one_column_may_be_two_fields(tmp_path: Path) -> None:
    found = read(jsonl(tmp_path / "a.jsonl", CELLS), mapping={"time": "when", "item": "who", "customer_id": "who"})
    assert (found.events.items, found.events.customers) == (["a"], ["a"])


def test_attributes_may_be_an_object_or_its_text(tmp_path: Path) -> None:
    rows = [
        {"when": "2024-01-01", "who": "a", "kind": "Profile", "more": more}
        for more in ({"ages": [7, 8]}, '{"ages": [7, 8]}', "no JSON", [1])
    ]
    mapping = {"time": "when", "customer_id": "who", "type": "kind", "attributes": "more"}
    found = read(jsonl(tmp_path / "a.jsonl", *rows), mapping=mapping)
    assert found.events.kind.tolist() == [Kind.PROFILE] * 2
    assert found.events.details == {0: {"attributes": {"ages": [7, 8]}}, 1: {"attributes": {"ages": [7, 8]}}}
    assert [reject.field for reject in found.rejects] == ["attributes", "attributes"]


def test_a_time_that_no_line_has_is_told_with_the_fields_there_are(tmp_path: Path) -> None:
    path = jsonl(tmp_path / "a.jsonl", CELLS)
    with pytest.raises(MissingColumn, match=r"time=wen: no such field.*who, when, what"):
        check_log(path, LogOptions(mapping=MAP | {"time": "wen"}))
    check_log(jsonl(path), LogOptions(mapping=MAP | {"time": "wen"}))  # an empty log does not contradict


def test_month_first_times_are_read_whatever_the_type(tmp_path: Path) -> None:
    rows = [{"when": "12/1/2010 8:26", "who": "a", "kind": kind} for kind in ("erase", "purchase", "dance")]
    found = read(jsonl(tmp_path / "a.jsonl", *rows), mapping={"time": "when", "customer_id": "who", "type": "kind"})
    assert found.events.time.tolist() == [1_291_191_960_000] * 2
    assert [reject.field for reject in found.rejects] == ["type"]


@pytest.mark.parametrize("attributes", ['{"a": "\\ud800"}', '{"\\udfff": 1}', '{"a": ["b\\ud800"]}'])
def test_halves_of_characters_in_attributes_are_a_reject(tmp_path: Path, attributes: str) -> None:
    row = {"kind": "profile", "who": "a", "when": "2024-01-01", "known": attributes}
    mapping = {"type": "kind", "customer_id": "who", "time": "when", "attributes": "known"}
    found = read(jsonl(tmp_path / "a.jsonl", row | {"known": "{}"}, row), mapping=mapping)
    assert [reject.row for reject in found.rejects] == [1]
    assert found.rejects[0].field is not None
    assert found.rejects[0].field.startswith("attributes")
