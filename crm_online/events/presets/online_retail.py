"""The preset ``online-retail``: the order lines of UCI's Online Retail and Online Retail II."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from crm_online.events.cells import Names, as_name, numbers_of, times_of
from crm_online.events.columns import Kind
from crm_online.events.presets.preset import TablePreset
from crm_online.events.table import OrderLines, native_order


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
        raw=lambda row: native_order(lines, row, table["time"], table["quantity"], table["price"]),
    )
    for row in np.flatnonzero(basket.codes < 0).tolist():
        lines.refused[row] = ("no invoice: it is not known which basket the line is of", "basket_id")
    for row in np.flatnonzero((quantity <= 0) & ~cancelled).tolist():
        why = "a quantity of 0 or less that is no cancellation: a stock adjustment"
        lines.refused.setdefault(row, (why, "items.0.quantity"))
    for row in np.flatnonzero(price <= 0).tolist():
        lines.refused.setdefault(row, ("a price of 0 or less: an adjustment, not a sale", "items.0.price"))
    return lines


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
