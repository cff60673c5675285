"""The preset ``complete-journey``: order lines of dunnhumby's Complete Journey; items are product categories."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from crm_online.errors import MissingColumn
from crm_online.events.cells import Names, as_name, numbers_of, plain, times_of
from crm_online.events.columns import Kind
from crm_online.events.presets.preset import TablePreset, listed
from crm_online.events.raw.csv_rows import csv_columns, read_csv
from crm_online.events.raw.parquet_rows import parquet_columns, read_parquet
from crm_online.events.table import OrderLines, native_order

_PRODUCTS = 50_000


def _lines(table: pd.DataFrame, folder: Path) -> OrderLines:
    quantity, value = numbers_of(table["quantity"]), numbers_of(table["value"])
    # 8,869 lines were sold but not counted (weighed goods and the like): they are one piece.
    quantity = np.where(quantity == 0, 1.0, quantity)
    with np.errstate(over="ignore", invalid="ignore"):
        price = value / quantity
    lines = OrderLines(
        kind=np.full(len(table), Kind.PURCHASE, np.uint8),
        customer=Names.of(table["household"]),
        basket=Names.of(table["basket"]),
        item=_categories(table, folder),
        time=times_of(table["time"]),
        quantity=quantity,
        price=price,
        raw=lambda row: native_order(lines, row, table["time"], table["quantity"], table["value"]),
    )
    missing = (lines.customer.codes < 0) | (lines.basket.codes < 0)
    for row in np.flatnonzero(missing).tolist():
        lines.refused[row] = ("household or basket is missing", None)
    return lines


def _categories(table: pd.DataFrame, folder: Path) -> Names:
    if "category" in table:
        return Names.of(table["category"])
    if "product" not in table:
        raise MissingColumn(f"preset complete-journey needs product_category or product_id; {_hint_at(folder)}")
    for path in (folder / "products.parquet", folder / "products.csv"):
        if path.exists():
            return _named(table["product"], _products(path, path.stat().st_mtime_ns))
    raise MissingColumn(f"the log has product_id but no product_category; {_hint_at(folder)}")


def _named(product: pd.Series[Any], category: Mapping[str | None, str]) -> Names:
    return Names.of(product, lambda value: category.get(as_name(value)))


@lru_cache(maxsize=4)
def _products(path: Path, changed: int) -> dict[str | None, str]:
    """Return the category of each product that has one, from the table in the log's folder."""
    columns = ["product_id", "product_category"]
    parquet = path.suffix == ".parquet"
    there = parquet_columns(path) if parquet else csv_columns(path, None)
    if not set(columns) <= set(there):
        raise MissingColumn(f"{path} needs the columns {' and '.join(columns)}; it has: {listed(there)}")
    chunks = read_parquet(path, columns, 0, _PRODUCTS) if parquet else read_csv(path, None, 0, _PRODUCTS)
    found: dict[str | None, str] = {}
    for rows in chunks:
        assert rows.table is not None
        product, category = (Names.of(plain(rows.table, "")[0][name]) for name in columns)
        for row in range(len(rows.table)):
            name = category.text(row)
            if name is not None:
                found.setdefault(product.text(row), name)
    found.pop(None, None)
    return found


def _hint_at(folder: Path) -> str:
    return f"put products.parquet or products.csv beside it, in {folder}"


PRESET = TablePreset(
    name="complete-journey",
    columns={
        "household": ("household_id",),
        "basket": ("basket_id",),
        "quantity": ("quantity",),
        "value": ("sales_value",),
        "time": ("transaction_timestamp",),
        "category": ("product_category",),
        "product": ("product_id",),
    },
    optional=frozenset({"category", "product"}),
    numbers=("quantity", "value"),
    lines=_lines,
)
