"""The preset ``shopify``: the orders that Shopify's admin exports as CSV, and those of its Admin API (REST).

In the CSV a row is a line of an order, and only the first row of an order says whose it is, and whether it was paid:
the next rows get that from it. Whether the newest order comes first is all the same. Orders that were cancelled,
voided, or refunded as a whole are no sales; what of others came back is not in the export.
See https://help.shopify.com/manual/fulfillment/managing-orders/exporting-orders.
"""

from __future__ import annotations

from crm_online.events.presets.members import Object, first, given, identity, line, time
from crm_online.events.presets.preset import Fill, JsonPreset, Refusal

_NO_SALES = frozenset({"voided", "refunded", "expired"})
_SHARED = ("Email", "Phone", "Financial Status", "Cancelled at", "Created at", "Paid at")


def _event(value: Object) -> Object | Refusal:
    return _order(value) if "line_items" in value else _row(value)


def _row(value: Object) -> Object | Refusal:
    refusal = _no_sale(value.get("Financial Status"), value.get("Cancelled at"))
    if refusal:
        return refusal
    item = first(value, "Lineitem name", "Lineitem sku")
    if item is None:
        return Refusal("a row without a line item", "items")
    head = given(
        customer_id=identity(first(value, "Email", "Phone")),
        basket_id=identity(first(value, "Name")),
        time=time(first(value, "Created at", "Paid at")),
    )
    return {"type": "purchase", **head, "items": [_line(value, item, "Lineitem quantity", "Lineitem price")]}


def _order(value: Object) -> Object | Refusal:
    refusal = _no_sale(value.get("financial_status"), value.get("cancelled_at"))
    if refusal:
        return refusal
    lines = value["line_items"]
    customer = first(value.get("customer"), "id", "email")
    head = given(
        customer_id=identity(customer if customer is not None else first(value, "email", "phone")),
        basket_id=identity(first(value, "name", "id")),
        time=time(first(value, "created_at", "processed_at")),
    )
    if isinstance(lines, list):
        lines = [_line(one, first(one, "name", "title", "sku"), "quantity", "price") for one in lines]
    return {"type": "purchase", **head, "items": lines}


def _line(value: object, item: object, quantity: str, price: str) -> object:
    return line(item, first(value, quantity), first(value, price)) if isinstance(value, dict) else value


def _no_sale(status: object, cancelled: object) -> Refusal | None:
    if cancelled not in (None, ""):
        return Refusal("a cancelled order: no sale")
    if isinstance(status, str) and status.strip().lower() in _NO_SALES:
        return Refusal("an order that is voided, expired or refunded as a whole: no sale")
    return None


def _fits(value: Object) -> bool:
    if "line_items" in value:
        return "financial_status" in value
    return "Name" in value and "Lineitem name" in value and "Lineitem quantity" in value


PRESET = JsonPreset(
    "shopify",
    _event,
    _fits,
    tables=True,
    times=("Created at", "Paid at"),
    numbers=("Lineitem quantity", "Lineitem price"),
    fill=Fill("Name", _SHARED),
)
