"""Parquet: every type that a column may have is read, or its rows are rejects."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from crm_online.errors import InputError, UnreadableLog
from crm_online.events.log import check_log
from crm_online.events.options import LogOptions
from tests.events.reading import Read, read

MAP = {"time": "when", "customer_id": "who", "item": "what", "quantity": "n"}
COLUMNS: dict[str, Any] = {"when": ["2024-01-01"] * 2, "who": ["a", "b"], "what": ["tea", "milk"], "n": [1.0, 2.0]}


def read_table(tmp_path: Path, column: str, values: Any) -> Read:
    pq.write_table(pa.table(COLUMNS | {column: values}), tmp_path / "a.parquet")
    return read(tmp_path / "a.parquet", mapping=MAP)


def test_large_ids_stay_apart_beside_an_unknown_one(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    ids = pa.array([2**53, 2**53 + 1, None], pa.int64())
    pq.write_table(pa.table({"when": ["2024-01-01"] * 3, "who": ids}), path)
    found = read(path, mapping={"time": "when", "customer_id": "who"}).events
    assert found.customers == [str(2**53), str(2**53 + 1)]
    assert found.customer.tolist() == [0, 1, -1]


@pytest.mark.parametrize(
    "values",
    [
        pa.array(["tea", "thé"]),
        pa.array(["tea", "thé"], pa.large_string()),
        pa.array(["tea", "thé"]).dictionary_encode(),
        pa.array([b"tea", "thé".encode()]),
        pa.array([b"tea", "thé".encode("latin-1")]),
        pa.Array.from_buffers(pa.string(), 2, pa.array([b"tea", b"th\xe9"]).buffers()),
    ],
    ids=["text", "large text", "dictionary", "bytes", "Latin-1 bytes", "text that is Latin-1"],
)
def test_texts_of_any_kind_are_names(tmp_path: Path, values: object) -> None:
    assert read_table(tmp_path, "what", values).events.items == ["tea", "thé"]


@pytest.mark.parametrize(
    "values",
    [
        pa.array([1, 2], pa.uint64()),
        pa.array([1, 2], pa.int8()),
        pa.array([1, 2], pa.float32()),
        pa.array([Decimal("1.00"), Decimal("2.00")]),
        pa.array(["1", " 2.0 "]),
        pa.array([1, 2]).dictionary_encode(),
    ],
    ids=["uint64", "int8", "float32", "decimal", "text", "dictionary"],
)
def test_numbers_of_any_kind_are_quantities(tmp_path: Path, values: object) -> None:
    assert read_table(tmp_path, "n", values).events.quantity.tolist() == [1, 2]


@pytest.mark.parametrize(
    "values",
    [
        pa.array([dt.date(2024, 1, 1)] * 2),
        pa.array([dt.datetime(2024, 1, 1)] * 2, pa.timestamp("s")),
        pa.array([dt.datetime(2024, 1, 1)] * 2, pa.timestamp("ns")),
        pa.array([dt.datetime(2024, 1, 1)] * 2, pa.timestamp("us", "UTC")),
        pa.array([dt.datetime(2024, 1, 1)] * 2, pa.timestamp("ms", "Europe/Berlin")),
        pa.array(["2024-01-01T02:00+02:00", "2024-01-01"]),
    ],
    ids=["date", "s", "ns", "utc", "zone", "text"],
)
def test_times_of_any_kind_are_times(tmp_path: Path, values: object) -> None:
    assert read_table(tmp_path, "when", values).events.time.tolist() == [1_704_067_200_000] * 2


@pytest.mark.parametrize(
    ("column", "values", "field"),
    [
        ("what", [["a"], ["b", "c"]], "items.0.item"),
        ("what", [{"a": 1}, {"a": 2}], "items.0.item"),
        ("who", [["a"], []], "customer_id"),
        ("n", [True, False], "items.0.quantity"),
        ("n", [float("inf"), 0.0], "items.0.quantity"),
        ("n", ["one", "two"], "items.0.quantity"),
        ("when", [dt.time(1), dt.time(2)], "time"),
        ("when", [dt.datetime(9999, 1, 1), dt.datetime(1969, 1, 1)], "time"),
        ("when", [1.7e9, 1.8e9], "time"),
        ("when", [None, None], "time"),
        ("when", pa.array([2**62, -(2**62)], pa.timestamp("us")), "time"),
        ("when", pa.array([400_000_000_000, -400_000_000_000], pa.timestamp("s")), "time"),
    ],
)
def test_a_column_of_the_wrong_type_makes_rejects(tmp_path: Path, column: str, values: object, field: str) -> None:
    found = read_table(tmp_path, column, values)
    assert [reject.field for reject in found.rejects] == [field] * 2
    assert found.rejects[1].position == "a.parquet:2"
    assert found.rejects[0].raw.startswith('{"when": ')


def test_only_columns_that_are_mapped_are_read(tmp_path: Path) -> None:
    found = read_table(tmp_path, "unread", [{"deep": [b"\xff"]}, None])
    assert len(found.events) == 2


@pytest.mark.parametrize("preset", ["native", "baskets"])
def test_a_preset_of_text_lines_refuses_parquet(tmp_path: Path, preset: str) -> None:
    pq.write_table(pa.table(COLUMNS), tmp_path / "a.parquet")
    with pytest.raises(InputError, match="reads lines of text"):
        check_log(tmp_path / "a.parquet", LogOptions(preset=preset, sep=","))


def test_a_parquet_file_that_is_broken_in_the_middle_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"when": [f"2024-01-01 {n % 24:02}:00:{n % 60:02}" for n in range(50_000)]}), path)
    content = bytearray(path.read_bytes())
    content[200:2000] = b"\xff" * 1800
    path.write_bytes(content)
    with pytest.raises(UnreadableLog, match="not a whole Parquet file"):
        read(path, mapping={"time": "when"})


def test_a_table_without_rows_holds_no_events(tmp_path: Path) -> None:
    pq.write_table(pa.table(COLUMNS).slice(0, 0), tmp_path / "a.parquet")
    assert read(tmp_path / "a.parquet", mapping=MAP).rows == 0
