"""The preset ``complete-journey``: order lines of dunnhumby's Complete Journey; items are product categories."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from crm_online.errors import MissingColumn
from crm_online.events.columns import Kind
from crm_online.events.presets.preset import TablePreset
from crm_online.events.table import Names, OrderLines, numbers_of, times_of


def _text(value: object) -> str | None:
    return str(value).strip() or None


def _lines(table: pd.DataFrame, folder: Path) -> OrderLines:
    quantity, value = numbers_of(table["quantity"]), numbers_of(table["value"])
    # 8,869 lines were sold but not counted (weighed goods and the like): they are one piece.
    quantity = np.where(quantity == 0, 1.0, quantity)
    item = table["category"] if "category" in table else _categories(table, folder)
    lines = OrderLines(
        kind=np.full(len(table), Kind.PURCHASE, np.uint8),
        customer=Names.of(table["household"], _text),
        basket=Names.of(table["basket"], _text),
        item=Names.of(item, _text),
        time=times_of(table["time"]),
        quantity=quantity,
        price=value / quantity,
        raw=lambda row: _raw(table, lines, row),
    )
    missing = (lines.customer.codes < 0) | (lines.basket.codes < 0)
    for row in np.flatnonzero(missing).tolist():
        lines.refused[row] = ("household or basket is missing", None)
    return lines


def _categories(table: pd.DataFrame, folder: Path) -> pd.Series[str]:
    if "product" not in table:
        raise MissingColumn(f"preset complete-journey needs product_category or product_id; {_beside(folder)}")
    return table["product"].astype(str).map(_products(folder))


@lru_cache(maxsize=4)
def _products(folder: Path) -> pd.Series[str]:
    """Return the category of each product, from the table that lies beside the log."""
    columns = ["product_id", "product_category"]
    if (folder / "products.parquet").exists():
        products = pd.read_parquet(folder / "products.parquet", columns=columns)
    elif (folder / "products.csv").exists():
        products = pd.read_csv(folder / "products.csv", usecols=columns, dtype=str)
    else:
        raise MissingColumn(f"the log has product_id but no product_category; {_beside(folder)}")
    known = products.dropna(subset="product_category")
    return pd.Series(known["product_category"].to_numpy(), index=known["product_id"].astype(str))


def _beside(folder: Path) -> str:
    return f"put products.parquet or products.csv beside it, in {folder}"


def _raw(table: pd.DataFrame, lines: OrderLines, row: int) -> Mapping[str, object]:
    quantity, price = float(lines.quantity[row]), float(lines.price[row])
    line = {
        "item": lines.item.text(row),
        "quantity": str(table["quantity"].iloc[row]) if np.isnan(quantity) else quantity,
        "price": str(table["value"].iloc[row]) if np.isnan(price) else price,
    }
    return {
        "type": "purchase",
        "customer_id": lines.customer.text(row),
        "basket_id": lines.basket.text(row),
        "time": str(table["time"].iloc[row]),
        "items": [line],
    }


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
    lines=_lines,
)
