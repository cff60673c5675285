"""Presets read the logs of known shops; the vectorised checks and the models agree."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from crm_online.events import columns, models
from crm_online.events.columns import Kind
from tests.events.reading import read

NAMES = ["customer_id", "time", "basket_id", "item", "quantity", "price"]
TEXTS = st.one_of(st.none(), st.sampled_from(["a", "", " ", "x" * 256, "x" * 257, "a\x07", "é", "17850.0"]))
NUMBERS = st.one_of(st.sampled_from([0.0, -1.0, 1.0, 2.5, 1e12, 1.1e12, float("nan"), float("inf")]), st.floats(0, 100))
TIMES = st.sampled_from(["2024-01-01", "2024-01-01 10:00", "1969-01-01", "2106-01-01", "soon", "2024-13-01", None])


def as_the_models_see_it(row: tuple[object, ...]) -> dict[str, object]:
    """Return a row of the table below as a native event; an empty cell is one that is not there."""
    texts = {name: value.strip() for name, value in zip(NAMES, row, strict=True) if isinstance(value, str)}
    numbers = {name: value for name, value in zip(NAMES, row, strict=True) if isinstance(value, float)}
    item = {"item": texts.pop("item", "") or None}
    back = numbers.get("quantity", 1.0) < 0
    line = item | {name: abs(value) if back else value for name, value in numbers.items() if not math.isnan(value)}
    kind = "return" if back else "purchase"
    return {name: value for name, value in texts.items() if value} | {"type": kind, "items": [line]}


@given(rows=st.lists(st.tuples(TEXTS, TIMES, TEXTS, TEXTS, NUMBERS, NUMBERS), min_size=1, max_size=20))
def test_the_checks_of_whole_columns_and_the_models_agree(
    rows: list[tuple[object, ...]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("log") / "a.parquet"
    table = pd.DataFrame(rows, columns=NAMES).astype({"quantity": float, "price": float})
    table[NAMES[:4]] = table[NAMES[:4]].astype("string")
    table.to_parquet(path)
    found = read(path, mapping={name: name for name in NAMES}).events
    taken = {place: at for at, place in enumerate(found.position.tolist())}
    for place, row in enumerate(rows):
        try:
            expected = models.EVENT.validate_python(as_the_models_see_it(row))
        except ValidationError:
            assert place not in taken
            continue
        at = taken[place]
        assert isinstance(expected, models.Purchase | models.Return)
        assert found.kind[at] == columns.KINDS[expected.type]
        assert found.time[at] == expected.time
        line = expected.items[0]
        assert (found.quantity[at], found.price[at]) == (line.quantity, line.price)


def test_online_retail_knows_both_spellings_and_month_first_dates(tmp_path: Path) -> None:
    first = pd.DataFrame(
        {
            "InvoiceNo": ["1", "C2", "3", "4", "5"],
            "StockCode": ["85123A", "85123A", "M", "22", "23"],
            "Quantity": [6, -2, -5, 1, 1],
            "InvoiceDate": ["12/1/2010 8:26"] * 5,
            "UnitPrice": [2.55, 2.55, 1.0, 0.0, -3.0],
            "CustomerID": [17850.0, 17850.0, None, 17850.0, None],
        }
    )
    second = first.rename(columns={"InvoiceNo": "Invoice", "UnitPrice": "Price", "CustomerID": "Customer ID"})
    for number, table in enumerate((first, second)):
        path = tmp_path / f"{number}.csv"
        table.to_csv(path, index=False)
        found = read(path)
        assert found.events.customers == ["17850"]
        assert found.events.kind.tolist() == [Kind.PURCHASE, Kind.RETURN]
        assert found.events.quantity.tolist() == [6, 2]
        assert found.events.time.tolist() == [1291191960000] * 2
        assert [name for _, name in found.reasons] == ["items.0.quantity", "items.0.price", "items.0.price"]


def test_complete_journey_takes_categories_from_the_table_beside_it(tmp_path: Path) -> None:
    log = pd.DataFrame(
        {
            "household_id": [1, 1, 2],
            "basket_id": [10, 10, 11],
            "product_id": [7, 8, 7],
            "quantity": [2, 0, 1],
            "sales_value": [3.0, 1.0, 0.0],
            "transaction_timestamp": pd.to_datetime(["2017-01-01 10:00", "2017-01-01 10:00", "2017-01-02 09:00"]),
        }
    )
    log.to_parquet(tmp_path / "log.parquet")
    pd.DataFrame({"product_id": [7, 8], "product_category": ["BEEF", None]}).to_parquet(tmp_path / "products.parquet")
    found = read(tmp_path / "log.parquet")
    assert not found.rejects
    assert found.events.items == ["BEEF"]
    assert found.events.item.tolist() == [0, -1, 0]
    assert (found.events.quantity * found.events.price).tolist() == [3.0, 1.0, 0.0]
    assert found.events.quantity.tolist() == [2, 1, 1]  # sold but not counted: one piece


def test_baskets_are_one_a_line(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("tea,milk\nwhole milk\n\ntea, tea \n")
    found = read(tmp_path / "a.csv", preset="baskets")
    assert found.events.items == ["tea", "milk", "whole milk"]
    assert found.reasons == [("a basket without items", None)]
    (tmp_path / "b.dat").write_text("1 2 3 \n4 5\n")
    assert read(tmp_path / "b.dat", preset="baskets").events.items == ["1", "2", "3", "4", "5"]
    (tmp_path / "c.txt").write_text("a b;c\n")
    assert read(tmp_path / "c.txt", preset="baskets", sep=";").events.items == ["a b", "c"]


def test_a_mapped_table_may_hold_every_type_of_event(tmp_path: Path) -> None:
    rows = [
        {"t": "purchase", "who": 1, "at": "2024-01-01", "what": "tea", "n": 2},
        {"t": "return", "who": 1, "at": "2024-01-02", "what": "tea", "n": 1},
        {"t": "view", "who": 1, "at": "2024-01-02", "what": "milk"},
        {"t": "feedback", "who": 1, "at": "2024-01-02", "points": 0.5},
        {"t": "dance", "who": 1, "at": "2024-01-02"},
    ]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    mapping = {"type": "t", "customer_id": "who", "time": "at", "item": "what", "quantity": "n", "score": "points"}
    found = read(tmp_path / "a.jsonl", mapping=mapping)
    assert found.events.kind.tolist() == [Kind.PURCHASE, Kind.RETURN, Kind.VIEW, Kind.FEEDBACK]
    assert found.events.customers == ["1"]
    assert [reject.field for reject in found.rejects] == ["type"]
