"""JSON that is not one object a line, files that are packed or not in UTF-8, spreadsheets, and what is nested."""

from __future__ import annotations

import bz2
import datetime as dt
import json
import lzma
import zipfile
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from crm_online.errors import InputError, MissingColumn, UnreadableLog
from crm_online.events.log import check_log
from crm_online.events.options import LogOptions
from tests.events import envelopes
from tests.events.reading import Read, read
from tests.events.writing import CELLS, GOOD, HEADER, MAP, ROW, jsonl

ORDERS = envelopes.orders(5, 20, seed=1)


def same(found: Read) -> list[object]:
    events = found.events
    return [events.customers, events.items, events.time.tolist(), events.price.tolist(), events.baskets]


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("wrap", ["array", "orders", "data"])
@pytest.mark.parametrize("name", ["a.json", "a.jsonl", "a.json.gz", "a"])
def test_an_array_of_events_is_the_same_as_its_lines(tmp_path: Path, indent: int | None, wrap: str, name: str) -> None:
    value: object = ORDERS if wrap == "array" else {"count": len(ORDERS), wrap: ORDERS, "more": None}
    text = json.dumps(value, indent=indent).encode()
    if name.endswith(".gz"):
        import gzip

        text = gzip.compress(text)
    (tmp_path / name).write_bytes(text)
    found, lines = read(tmp_path / name), read(jsonl(tmp_path / "lines.jsonl", *ORDERS))
    assert same(found) == same(lines)
    assert found.rows == len(ORDERS)
    assert same(read(tmp_path / name, begin=7, size=3)) == same(read(tmp_path / "lines.jsonl", begin=7, size=5))


def test_objects_over_several_lines_are_read_one_by_one(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("\n".join(json.dumps(order, indent=1) for order in ORDERS))
    assert same(read(tmp_path / "a.json")) == same(read(jsonl(tmp_path / "b.jsonl", *ORDERS)))


def test_a_batch_of_cloudevents_is_read(tmp_path: Path) -> None:
    calls = [envelopes.cloudevent(order, packed=False) for order in ORDERS]
    (tmp_path / "a.json").write_text(json.dumps(calls))
    assert same(read(tmp_path / "a.json")) == same(read(jsonl(tmp_path / "b.jsonl", *calls)))


@pytest.mark.parametrize("end", [1, 30, 200])
def test_an_array_that_breaks_off_is_told(tmp_path: Path, end: int) -> None:
    (tmp_path / "a.json").write_text(json.dumps(ORDERS, indent=1)[:-end])
    with pytest.raises(UnreadableLog, match="not a whole JSON document"):
        read(tmp_path / "a.json")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig"])
def test_texts_of_wide_characters_are_read(tmp_path: Path, encoding: str) -> None:
    content = (HEADER + ROW.replace("tea", "thé")).replace(",", "\t")
    (tmp_path / "a.txt").write_bytes(content.encode(encoding))
    assert read(tmp_path / "a.txt", mapping=MAP).events.items == ["thé"]
    (tmp_path / "a.jsonl").write_bytes((json.dumps(GOOD) + "\n").encode(encoding))
    assert len(read(tmp_path / "a.jsonl").events) == 1


def test_a_wide_text_that_ends_in_half_a_row_is_gone_on_with(tmp_path: Path) -> None:
    whole = (HEADER + ROW * 3).encode("utf-16")
    for cut in (1, 2, 11):
        (tmp_path / "a.csv").write_bytes(whole[:-cut])
        found = read(tmp_path / "a.csv", mapping=MAP)
        assert len(found.events) + len(found.rejects) == 3


@pytest.mark.parametrize("kind", ["bz2", "xz", "zip"])
def test_packed_files_are_read_and_broken_ones_are_told(tmp_path: Path, kind: str) -> None:
    content = (HEADER + ROW * 5000).encode()
    path = tmp_path / f"a.csv.{kind}"
    if kind == "zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("folder/", "")
            archive.writestr("folder/a.csv", content)
            archive.writestr("__MACOSX/a.csv", b"x")
    else:
        path.write_bytes(bz2.compress(content) if kind == "bz2" else lzma.compress(content))
    assert len(read(path, mapping=MAP).events) == 5000
    whole = path.read_bytes()
    for cut in (whole[: len(whole) // 2], b"not packed at all"):
        path.write_bytes(cut)
        with pytest.raises(UnreadableLog, match=f"not a whole {kind} archive"):
            read(path, mapping=MAP)


def test_a_zip_of_several_files_is_refused_with_their_names(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.csv", HEADER)
        archive.writestr("b.csv", HEADER)
    with pytest.raises(UnreadableLog, match=r"holds 2 files \(a.csv, b.csv\), not one: unpack it"):
        check_log(tmp_path / "a.zip", LogOptions(mapping=MAP))


def test_a_spreadsheet_is_read_with_its_dates_and_numbers(tmp_path: Path) -> None:
    table = pd.DataFrame(
        {
            "who": [17850.0, None, 17850.0],
            "when": [dt.datetime(2025, 12, 26, 22, 51, 2), dt.datetime(2025, 12, 27), None],
            "what": ["tea", "jam", "tea"],
            "pieces": [2, 1, 1],
            "each": [1.5, 2.25, 1.0],
            "order": [1001, 1002, 1003],
        }
    )
    with pd.ExcelWriter(tmp_path / "a.xlsx", engine="openpyxl") as book:
        pd.DataFrame().to_excel(book, sheet_name="empty", index=False)
        table.to_excel(book, sheet_name="orders", index=False, startrow=2)
    found = read(tmp_path / "a.xlsx", mapping=MAP)
    assert (found.events.customers, found.events.baskets) == (["17850"], ["1001", "1002"])
    assert found.events.time.tolist() == [1_766_789_462_000, 1_766_793_600_000]
    assert found.events.price.tolist() == [1.5, 2.25]
    assert [(reject.position, reject.field) for reject in found.rejects] == [("a.xlsx:6", "time")]
    assert same(read(tmp_path / "a.xlsx", mapping=MAP, begin=1, size=1))[1] == ["jam"]
    (tmp_path / "b.xlsx").write_bytes(b"no spreadsheet")
    with pytest.raises(UnreadableLog, match="not a spreadsheet"):
        check_log(tmp_path / "b.xlsx", LogOptions(mapping=MAP))


NESTED = [
    {"id": 1, "at": "2024-01-01", "customer": {"id": "a"}, "lines": [{"sku": "tea", "n": 2, "unit": "1.50"}]},
    {"id": 2, "at": "2024-01-02", "customer": {"id": "b"}, "lines": [{"sku": "tea", "n": 1}, {"sku": "jam", "n": 3}]},
    {"id": 3, "at": "2024-01-03", "customer": None, "lines": []},
]
PATHS = {
    **{"customer_id": "customer.id", "basket_id": "id", "time": "at"},
    **{"item": "lines.sku", "quantity": "lines.n", "price": "lines[].unit"},
}


@pytest.mark.parametrize("kind", ["jsonl", "json", "parquet"])
def test_what_is_nested_is_mapped_by_its_path(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"a.{kind}"
    if kind == "parquet":
        pq.write_table(pa.Table.from_pylist(NESTED), path)
    elif kind == "json":
        path.write_text(json.dumps({"orders": NESTED}))
    else:
        jsonl(path, *NESTED)
    found = read(path, mapping=PATHS)
    assert found.events.customers == ["a", "b"]
    assert [found.events.items[code] for code in found.events.item.tolist()] == ["tea", "tea", "jam"]
    assert found.events.quantity.tolist() == [2, 1, 3]
    assert found.events.price.tolist() == [1.5, 0, 0]
    assert found.reasons == [("items is empty", "items")]
    flat = read(path, mapping={"time": "at", "customer_id": "customer.id"}, where=[("customer.id", "b")])
    assert flat.events.customers == ["b"]


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"customer_id": "customer.ids"}, r"customer_id=customer.ids: no such field.*did you mean customer.id\?"),
        ({"customer_id": "nosuch"}, "customer_id=nosuch: no such field.*which have: id, at, customer.id"),
        ({"item": "lines.sk"}, r"did you mean lines.sku\?"),
        ({"customer_id": "lines.sku"}, "that is a list, and an event has one customer_id"),
    ],
)
def test_a_path_that_leads_nowhere_is_refused(tmp_path: Path, kind: str, change: dict[str, str], why: str) -> None:
    path = tmp_path / f"a.{kind}"
    if kind == "parquet":
        pq.write_table(pa.Table.from_pylist(NESTED), path)
    else:
        jsonl(path, *NESTED)
    with pytest.raises(InputError, match=why):
        check_log(path, LogOptions(mapping=PATHS | change))


def test_a_field_that_comes_late_in_a_log_is_found(tmp_path: Path) -> None:
    rows = [{"when": "2024-01-01"}] * 1500
    path = jsonl(tmp_path / "a.jsonl", *rows, CELLS)
    check_log(path, LogOptions(mapping={"time": "when", "customer_id": "who"}))
    with pytest.raises(MissingColumn, match="no such field"):
        check_log(path, LogOptions(mapping={"time": "when", "customer_id": "nosuch"}))
