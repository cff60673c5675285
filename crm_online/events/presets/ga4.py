"""The preset ``ga4``: events of Google Analytics 4 as BigQuery exports them, from JSON lines or Parquet.

``purchase``, ``refund`` and ``view_item`` are events; the rest of them says nothing that crm-online counts. The
customer is ``user_id`` or, for visitors without one, ``user_pseudo_id``.
See https://support.google.com/analytics/answer/7029846 (the schema of the export).
"""

from __future__ import annotations

from crm_online.events.presets.members import Object, first, given, identity, line, since_1970
from crm_online.events.presets.preset import JsonPreset, Refusal

_MICROSECOND = 0.001
_USED = {"purchase": "purchase", "refund": "return", "view_item": "view"}
_UNSET = (None, "", "(not set)")


def _event(value: Object) -> Object | Refusal:
    name = value.get("event_name")
    kind = _USED.get(name) if isinstance(name, str) else None
    if kind is None:
        return Refusal("an event of Google Analytics that is no purchase, refund or view of an item", "type")
    head = given(
        customer_id=identity(first(value, "user_id", "user_pseudo_id")),
        time=since_1970(value.get("event_timestamp"), _MICROSECOND),
    )
    items = value.get("items")
    if kind == "view":
        seen = items[0] if isinstance(items, list) and items else None
        return {"type": "view", **head, "item": identity(_name(seen))}
    order = first(value.get("ecommerce"), "transaction_id")
    order = _parameter(value, "transaction_id") if order in _UNSET else order
    basket = given(basket_id=identity(None if order in _UNSET else order))
    if not items:
        paid = first(value.get("ecommerce"), "purchase_revenue", "refund_value")
        paid = _parameter(value, "value") if paid is None else paid
        if paid is None:
            return Refusal("a purchase or a refund without items and without a value", "items")
        items = [{"price": paid}]
    lines = [_line(one) for one in items] if isinstance(items, list) else items
    return {"type": kind, **head, **basket, "items": lines}


def _line(one: object) -> object:
    return line(_name(one), one.get("quantity"), one.get("price")) if isinstance(one, dict) else one


def _name(one: object) -> object:
    found = (first(one, name) for name in ("item_name", "item_id"))
    return next((name for name in found if name not in _UNSET), None)


def _parameter(value: Object, key: str) -> object:
    """Return a parameter of an event: they are pairs of a key and a value of one of several types."""
    parameters = value.get("event_params")
    for one in parameters if isinstance(parameters, list) else ():
        if isinstance(one, dict) and one.get("key") == key:
            return first(one.get("value"), "string_value", "int_value", "double_value", "float_value")
    return None


def _fits(value: Object) -> bool:
    return "event_name" in value and "event_timestamp" in value and ("event_params" in value or "items" in value)


PRESET = JsonPreset("ga4", _event, _fits)
