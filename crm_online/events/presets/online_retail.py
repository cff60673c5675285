"""The preset ``online-retail``: the order lines of UCI's Online Retail and Online Retail II."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from crm_online.events.cells import Names, as_name, numbers_of, time_text, times_of
from crm_online.events.columns import Kind
from crm_online.events.presets.preset import TablePreset
from crm_online.events.table import OrderLines


def _customer(value: object) -> str | None:
    """Return a customer's number as people write it: 17850.0 is 17850."""
    text = as_name(value)
    return text.removesuffix(".0") if text else None


def _lines(table: pd.DataFrame, folder: Path) -> OrderLines:
    basket = Names.of(table["invoice"])
    cancelled = np.array([name[:1] in "Cc" for name in basket.names] + [False], bool)[basket.codes]
    quantity, price = numbers_of(table["quantity"]), numbers_of(table["price"])
    back = cancelled & (quantity < 0)
    lines = OrderLines(
        kind=np.where(cancelled, Kind.RETURN, Kind.PURCHASE).astype(np.uint8),
        customer=Names.of(table["customer"], _customer),
        basket=basket,
        item=Names.of(table["item"]),
        time=times_of(table["time"]),
        quantity=np.where(back, -quantity, quantity),
        price=price,
        raw=lambda row: _raw(table, lines, row),
    )
    for row in np.flatnonzero(basket.codes < 0).tolist():
        lines.refused[row] = ("no invoice: it is not known which basket the line is of", "basket_id")
    for row in np.flatnonzero((quantity <= 0) & ~cancelled).tolist():
        why = "a quantity of 0 or less that is no cancellation: a stock adjustment"
        lines.refused.setdefault(row, (why, "items.0.quantity"))
    for row in np.flatnonzero(price <= 0).tolist():
        lines.refused.setdefault(row, ("a price of 0 or less: an adjustment, not a sale", "items.0.price"))
    return lines


def _raw(table: pd.DataFrame, lines: OrderLines, row: int) -> Mapping[str, object]:
    quantity, price = float(lines.quantity[row]), float(lines.price[row])
    line = {
        "item": lines.item.text(row),
        "quantity": str(table["quantity"].iloc[row]) if np.isnan(quantity) else quantity,
        "price": str(table["price"].iloc[row]) if np.isnan(price) else price,
    }
    return {
        "type": "return" if lines.kind[row] == Kind.RETURN else "purchase",
        "customer_id": lines.customer.text(row),
        "basket_id": lines.basket.text(row),
        "time": time_text(int(lines.time[row]), table["time"].iloc[row]),
        "items": [line],
    }


PRESET = TablePreset(
    name="online-retail",
    columns={
        "invoice": ("InvoiceNo", "Invoice"),
        "item": ("StockCode",),
        "quantity": ("Quantity",),
        "time": ("InvoiceDate",),
        "price": ("UnitPrice", "Price"),
        "customer": ("CustomerID", "Customer ID"),
    },
    lines=_lines,
)
