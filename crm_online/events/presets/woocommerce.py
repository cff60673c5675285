"""The preset ``woocommerce``: orders of WooCommerce as its Analytics and export plugins write them, or its API.

One row is one order, with its line items in one cell: ``2× Tea, 1× Jam`` (Analytics, which has the price of the
order only: it is shared out evenly), or ``name:Tea|quantity:2|total:5.00`` (plugins: in ``line_items``, or in
``line_item_1`` and on). Or one row is one line (``Item Name``). Orders that were not paid, cancelled or refunded are
no sales.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from crm_online.events.presets.members import Object, amount, first, given, identity, line, number, time
from crm_online.events.presets.preset import JsonPreset, Refusal

_NO_SALES = frozenset({"pending", "pending payment", "cancelled", "failed", "refunded", "trash", "draft"})
_NO_SALES |= {"checkout-draft", "auto-draft"}
_COUNTED = re.compile(r"(\d+)\s*[×x]\s+(.+?)(?=,\s+\d+\s*[×x]\s|\Z)", re.DOTALL)
_LINE_COLUMN = re.compile(r"line_item_\d+", re.IGNORECASE)
_NET = ("N. Revenue", "Net Sales", "Net sales", "net_total", "N. Revenue (formatted)")
_ORDER = ("Order #", "Order Number", "order_number", "order_id", "number", "id")
_DATE = ("date_created_gmt", "Date", "Order Date", "order_date", "date", "date_created")
_CUSTOMER = ("customer_id", "customer_user", "Customer User ID", "Email (Billing)", "billing_email", "customer_email")
_CUSTOMER_NAME = ("Customer", "customer_name")
_STATUS = ("Status", "Order Status", "status", "order_status")


def _event(value: Object) -> Object | Refusal:
    status = first(value, *_STATUS)
    if isinstance(status, str) and status.strip().lower().removeprefix("wc-") in _NO_SALES:
        return Refusal("an order that was not paid, or was cancelled or refunded: no sale")
    lines = _lines(value)
    if isinstance(lines, Refusal):
        return lines
    back = bool(lines) and all(_below_zero(one) for one in lines)
    if back:
        lines = [{name: _absolute(part) for name, part in one.items()} for one in lines]
    head = given(
        customer_id=identity(_customer(value)),
        basket_id=identity(first(value, *_ORDER)),
        time=time(first(value, *_DATE)),
    )
    return {"type": "return" if back else "purchase", **head, "items": lines}


def _customer(value: Object) -> object:
    """Return who bought: guests have the customer number 0, and an address."""
    found = first(value, *_CUSTOMER)
    if found in (0, "0", 0.0):
        found = first(value, *_CUSTOMER[3:])
    billing = first(value.get("billing"), "email")
    return next((one for one in (found, billing, first(value, *_CUSTOMER_NAME)) if one is not None), None)


def _lines(value: Object) -> list[dict[str, object]] | Refusal:
    listed = value.get("line_items")
    if isinstance(listed, list):
        return [_of_api(one) for one in listed]
    if "Item Name" in value:
        quantity = first(value, "Quantity (- Refund)", "Quantity")
        return [line(value["Item Name"], quantity, first(value, "Item Cost"))]
    if isinstance(cell := first(value, "Product(s)", "products"), str):
        return _counted(cell, number(first(value, *_NET)))
    cells = [part for name, part in value.items() if _LINE_COLUMN.fullmatch(str(name))]
    texts = [cell for cell in (*cells, listed) if isinstance(cell, str) and cell.strip()]
    lines = [one for text in texts for one in _written(text)]
    return lines or Refusal("an order without line items", "items")


def _of_api(one: object) -> dict[str, object]:
    item, total = first(one, "name", "sku", "product_id"), first(one, "total", "subtotal")
    return _line(item, first(one, "quantity"), total, first(one, "price"))


def _counted(cell: str, net: float | None) -> list[dict[str, object]] | Refusal:
    found = [(int(pieces[:9]), name.strip()) for pieces, name in _COUNTED.findall(cell)]
    pieces = sum(count for count, _ in found)
    if not found or not pieces:
        return Refusal("products that are not written as 2× Tea, 1× Jam", "items")
    price = {} if net is None else {"price": net / pieces}
    return [{"item": name, "quantity": count, **price} for count, name in found]


def _written(text: str) -> Iterator[dict[str, object]]:
    for part in text.split(";"):
        pairs = (pair.partition(":") for pair in part.split("|"))
        fields = {name.strip().lower(): one.strip() for name, colon, one in pairs if colon}
        if fields:
            item, total = first(fields, "name", "sku", "product_id"), first(fields, "total", "subtotal", "sub_total")
            yield _line(
                item, first(fields, "quantity", "qty"), total, first(fields, "price", "unit_price", "item_price")
            )


def _line(item: object, quantity: object, total: object, price: object) -> dict[str, object]:
    """Return a line, by the price of all its pieces or, where that is not there, by the price of one."""
    count = number(quantity)
    if total is not None:
        price = amount(total)
        price = price / count if count and isinstance(price, float) else price
    return line(item, quantity, price)


def _below_zero(one: Object) -> bool:
    quantity = number(one.get("quantity"))
    return quantity is not None and quantity < 0


def _absolute(value: object) -> object:
    return abs(value) if isinstance(value, float) else value


def _fits(value: Object) -> bool:
    if "line_items" in value:
        return "billing" in value or bool({"order_id", "order_number"} & value.keys())
    if "Item Name" in value:
        return "Order Number" in value and "Item Cost" in value
    if "Product(s)" in value:
        return "Order #" in value
    return "order_id" in value and any(_LINE_COLUMN.fullmatch(str(name)) for name in value)


PRESET = JsonPreset(
    "woocommerce",
    _event,
    _fits,
    tables=True,
    times=("Date", "Order Date", "order_date", "date"),
    numbers=("N. Revenue", "Net Sales", "Net sales", "net_total", "Item Cost", "Quantity (- Refund)", "Quantity"),
)
