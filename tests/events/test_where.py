"""Only the rows that are asked for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pytest

from crm_online.errors import MissingColumn
from crm_online.events.log import check_log
from crm_online.events.options import LogOptions
from tests.events.reading import read
from tests.events.writing import GOOD, jsonl

MAP = {"time": "when", "customer_id": "who"}
ROWS: list[Mapping[str, object]] = [
    {"who": "a", "when": "2024-01-01", "status": "Paid", "at": "Ulm"},
    {"who": "b", "when": "2024-01-01", "status": "open", "at": "Ulm"},
    {"who": "c", "when": "2024-01-01", "status": "paid", "at": "Bern"},
    {"who": "d", "when": "soon", "status": "shipped", "at": "Ulm"},
    {"who": "e", "when": "2024-01-01", "status": None, "at": "Ulm"},
]


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.parquet"])
@pytest.mark.parametrize(
    ("where", "events", "rejects"),
    [
        ([("status", "paid")], ["a", "c"], []),
        ([("status", "paid"), ("status", "SHIPPED")], ["a", "c"], [3]),
        ([("status", "paid"), ("at", "Ulm")], ["a"], []),
        ([("status", "")], ["e"], []),
    ],
)
def test_rows_that_are_not_asked_for_are_neither_events_nor_rejects(
    tmp_path: Path, name: str, where: list[tuple[str, str]], events: list[str], rejects: list[int]
) -> None:
    path, table = tmp_path / name, pd.DataFrame(ROWS)
    if name == "a.csv":
        table.to_csv(path, index=False)
    elif name == "a.parquet":
        table.to_parquet(path)
    else:
        jsonl(path, *ROWS)
    for begin, size in ((0, 2000), (0, 2), (1, 2)):
        found = read(path, mapping=MAP, where=where, begin=begin, size=size)
        assert found.events.customers == [who for who in events if begin == 0 or who != "a"]
        assert [reject.row for reject in found.rejects] == rejects


def test_native_events_and_those_of_presets_are_asked_for_too(tmp_path: Path) -> None:
    log = jsonl(tmp_path / "a.jsonl", GOOD | {"shop": {"id": 7}}, GOOD | {"shop": {"id": 8}}, GOOD)
    assert read(log, where=[("shop.id", "7")]).events.position.tolist() == [0]


def test_a_column_that_is_not_there_is_told_with_the_near_one(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("who,when,status\na,2024-01-01,paid\n")
    with pytest.raises(MissingColumn, match=r"--where Statsu=….*did you mean status\?"):
        check_log(tmp_path / "a.csv", LogOptions(mapping=MAP, where=(("Statsu", "paid"),)))
    with pytest.raises(MissingColumn, match=r"--where statsu=….*did you mean status\?"):
        check_log(jsonl(tmp_path / "a.jsonl", *ROWS), LogOptions(mapping=MAP, where=(("statsu", "paid"),)))
