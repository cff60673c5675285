"""Each preset: which rows of its shop are events, which are not, and why."""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd
import pytest

from crm_online.errors import MissingColumn, UnreadableLog
from crm_online.events.columns import Kind
from crm_online.events.log import check_log
from tests.events.reading import read

RETAIL = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
JOURNEY: dict[str, object] = {
    "household_id": [1, 2],
    "basket_id": [10, 11],
    "product_id": [7, 8],
    "quantity": [2, 1],
    "sales_value": [3.0, 1.0],
    "transaction_timestamp": ["2017-01-01 10:00", "2017-01-02"],
}


@pytest.mark.parametrize(
    ("row", "kind", "quantity"),
    [
        ("1,A,x,6,12/1/2010 8:26,2.55,17850,UK", Kind.PURCHASE, 6),
        ("C1,A,x,-6,12/1/2010 8:26,2.55,17850,UK", Kind.RETURN, 6),
        ("C1,A,x,6,12/1/2010 8:26,2.55,17850,UK", Kind.RETURN, 6),
        ("1,,x,1,12/1/2010 8:26,2.55,,UK", Kind.PURCHASE, 1),
        ("1,A,x,1,2010-12-01 08:26:00,2.55,17850.0,UK", Kind.PURCHASE, 1),
        ('1,A,"CAFE \nCREAM",1,12/1/2010 8:26,2.55,17850,UK', Kind.PURCHASE, 1),
    ],
)
def test_an_order_line_of_online_retail_is_an_event(tmp_path: Path, row: str, kind: Kind, quantity: float) -> None:
    (tmp_path / "a.csv").write_text(RETAIL + row + "\n")
    events = read(tmp_path / "a.csv").events
    assert events.kind.tolist() == [kind]
    assert events.quantity.tolist() == [quantity]
    assert events.time.tolist() == [1_291_191_960_000]
    assert events.customers in (["17850"], [])


@pytest.mark.parametrize(
    ("row", "reason", "field"),
    [
        ("1,A,x,0,12/1/2010 8:26,2.55,1,UK", "stock adjustment", "items.0.quantity"),
        ("1,A,x,-6,12/1/2010 8:26,0,,UK", "stock adjustment", "items.0.quantity"),
        ("C1,A,x,0,12/1/2010 8:26,2.55,1,UK", "not above 0", "items.0.quantity"),
        ("1,A,x,six,12/1/2010 8:26,2.55,1,UK", "not a number", "items.0.quantity"),
        ("1,A,x,,12/1/2010 8:26,2.55,1,UK", "not a number", "items.0.quantity"),
        ("1,A,x,1,12/1/2010 8:26,0,1,UK", "not a sale", "items.0.price"),
        ("A1,B,x,1,12/1/2010 8:26,-11062.06,,UK", "not a sale", "items.0.price"),
        ("1,A,x,1,12/1/2010 8:26,,1,UK", "not a number", "items.0.price"),
        (",A,x,1,12/1/2010 8:26,2.55,1,UK", "no invoice", "basket_id"),
        ("1,A,x,1,31/12/2010 8:26,2.55,1,UK", "ISO 8601", "time"),
        ("1,A,x,1,,2.55,1,UK", "ISO 8601", "time"),
    ],
)
def test_a_row_of_online_retail_that_is_no_sale_is_told_with_its_fault(
    tmp_path: Path, row: str, reason: str, field: str
) -> None:
    (tmp_path / "a.csv").write_text(RETAIL + row + "\n")
    (found,) = read(tmp_path / "a.csv").rejects
    assert reason in found.reason
    assert (found.field, found.position, found.raw) == (field, "a.csv:2", row)


@pytest.mark.parametrize(
    ("column", "value", "field"),
    [
        ("quantity", -1, "items.0.quantity"),
        ("quantity", None, "items.0.quantity"),
        ("quantity", float("inf"), "items.0.quantity"),
        ("sales_value", -0.5, "items.0.price"),
        ("sales_value", None, "items.0.price"),
        ("household_id", None, None),
        ("basket_id", None, None),
        ("transaction_timestamp", "soon", "time"),
    ],
)
def test_a_row_of_the_complete_journey_that_is_no_sale_is_a_reject(
    tmp_path: Path, column: str, value: object, field: str | None
) -> None:
    table = pd.DataFrame(JOURNEY | {"product_category": ["BEEF", None]})
    table[column] = pd.Series([value, table[column].iloc[1]])
    table.to_parquet(tmp_path / "a.parquet")
    found = read(tmp_path / "a.parquet")
    assert [(reject.row, reject.field) for reject in found.rejects] == [(0, field)]
    assert found.events.customers == ["2"]
    assert found.events.baskets == ["11"]
    assert found.events.item.tolist() == [-1]  # no category: an unknown product


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_the_complete_journey_may_name_categories_itself(tmp_path: Path, kind: str) -> None:
    table = pd.DataFrame(JOURNEY | {"product_category": ["BEEF", " MILK "]})
    path = tmp_path / f"a.{kind}"
    table.to_csv(path, index=False) if kind == "csv" else table.to_parquet(path)
    assert read(path).events.items == ["BEEF", "MILK"]


def test_products_beside_the_log_are_read_whatever_their_encoding_and_the_first_name_counts(tmp_path: Path) -> None:
    log, products = tmp_path / "a.parquet", tmp_path / "products.csv"
    pd.DataFrame(JOURNEY).to_parquet(log)
    products.write_bytes("product_id,brand,product_category\n7,x,THÉ\n7,x,TEA\n8,x,\n".encode("latin-1"))
    assert read(log).events.items == ["THÉ"]
    products.write_text("product_id,product_category\n7,TEA\n8,MILK\n")
    os.utime(products, ns=(1, 1))
    assert read(log).events.items == ["TEA", "MILK"]


def test_products_that_are_missing_or_broken_are_told_before_anything_is_read(tmp_path: Path) -> None:
    log = tmp_path / "a.parquet"
    pd.DataFrame(JOURNEY).to_parquet(log)
    with pytest.raises(MissingColumn, match=r"put products\.parquet or products\.csv beside it"):
        check_log(log)
    (tmp_path / "products.csv").write_text("id,category\n7,TEA\n")
    with pytest.raises(MissingColumn, match="needs the columns product_id and product_category; it has: id, category"):
        check_log(log)
    (tmp_path / "products.parquet").write_bytes(b"broken")
    with pytest.raises(UnreadableLog, match=r"products\.parquet is not a Parquet file"):
        check_log(log)
    pd.DataFrame(JOURNEY).drop(columns="product_id").to_parquet(log)
    with pytest.raises(MissingColumn, match="needs product_category or product_id"):
        check_log(log)


@pytest.mark.parametrize(
    ("content", "sep", "baskets"),
    [
        (b"tea,whole milk\nbread\n", None, [["tea", "whole milk"], ["bread"]]),
        (b"1 2\n3\n", None, [["1", "2"], ["3"]]),
        (b"1\t2\r\n3\r\n", None, [["1", "2"], ["3"]]),
        (b"a b;;c\nd", ";", [["a b", "c"], ["d"]]),
        (b"a || b\n", "||", [["a", "b"]]),
        (b"\xef\xbb\xbfa b\n", None, [["a", "b"]]),
        (b"th\xe9,a\ncaf\xc3\xa9\n", None, [["th\xe9", "a"], ["caf\xe9"]]),
        ("whole\u00a0milk,tea\n".encode(), None, [["whole\u00a0milk", "tea"]]),
        (b"tea,tea\n", None, [["tea", "tea"]]),
    ],
)
def test_a_line_is_a_basket(tmp_path: Path, content: bytes, sep: str | None, baskets: list[list[str]]) -> None:
    (tmp_path / "a.dat").write_bytes(content)
    found = read(tmp_path / "a.dat", preset="baskets", sep=sep)
    events = found.events
    assert not found.rejects
    assert [
        [events.items[item] for item in events.item[begin:end].tolist()]
        for begin, end in zip(events.line_start, events.line_start[1:], strict=False)
    ] == baskets
    assert set(events.customer.tolist()) == set(events.basket.tolist()) == {-1}
    assert set(events.kind.tolist()) == {Kind.PURCHASE}


@pytest.mark.parametrize("line", ["", " ", ",,", "te\x07a", "x" * 257])
def test_a_line_that_is_no_basket_is_a_reject(tmp_path: Path, line: str) -> None:
    (tmp_path / "a.dat").write_text(f"a,b\n{line}\nc\n")
    found = read(tmp_path / "a.dat", preset="baskets")
    assert [reject.row for reject in found.rejects] == [1]
    assert found.events.position.tolist() == [0, 2]
