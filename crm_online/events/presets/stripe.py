"""The preset ``stripe``: payments that Stripe's dashboard exports as CSV, and charges and payment intents of its API.

A payment is a purchase of an unknown product: it counts for spend, and says nothing about baskets. What was given back
is subtracted from its amount; a payment that failed, or was given back as a whole, is no sale.
See https://docs.stripe.com/api/charges/object and https://docs.stripe.com/currencies (zero-decimal currencies).
"""

from __future__ import annotations

from crm_online.events.presets.members import Object, first, given, identity, number, since_1970, time
from crm_online.events.presets.preset import JsonPreset, Refusal

_PAID = frozenset({"paid", "succeeded", "refunded", "partially refunded", "partial refund", "complete", "disputed"})
_WHOLE = frozenset(
    {"bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "ugx", "vnd", "vuv", "xaf", "xof", "xpf"}
)
"""Currencies whose amounts are not in hundredths."""
_DATES = ("Created date (UTC)", "Created (UTC)", "Created date", "Created")
_OBJECTS = frozenset({"charge", "payment_intent", "refund", "event"})


def _event(value: Object) -> Object | Refusal:
    kind = value.get("object")
    if kind == "event":
        return _of_webhook(value)
    if kind in ("charge", "payment_intent"):
        return _payment(value)
    if kind is not None:
        return Refusal("an object of Stripe that is no payment: crm-online has no use for it", "type")
    return _row(value)


def _of_webhook(value: Object) -> Object | Refusal:
    data = value.get("data")
    inner = data.get("object") if isinstance(data, dict) else None
    if value.get("type") not in ("charge.succeeded", "charge.captured") or not isinstance(inner, dict):
        return Refusal("an event of Stripe that is no charge: crm-online has no use for it", "type")
    return _payment(inner)


def _payment(value: Object) -> Object | Refusal:
    currency = str(value.get("currency")).lower()
    unit = 1.0 if currency in _WHOLE else 0.01
    paid = number(first(value, "amount_received", "amount"))
    back = number(value.get("amount_refunded")) or 0.0
    return _purchase(
        value.get("status"),
        None if paid is None else round((paid - back) * unit, 2),
        given(
            event_id=identity(value.get("id")),
            customer_id=identity(_customer(value)),
            time=since_1970(value.get("created"), 1000.0),
        ),
    )


def _customer(value: Object) -> object:
    customer = value.get("customer")
    if isinstance(customer, dict):
        customer = first(customer, "id")
    found = customer if customer is not None else first(value, "receipt_email")
    return found if found is not None else first(value.get("billing_details"), "email")


def _row(value: Object) -> Object | Refusal:
    paid, back = number(first(value, "Amount")), number(first(value, "Amount Refunded")) or 0.0
    return _purchase(
        value.get("Status"),
        None if paid is None else round(paid - back, 2),
        given(
            event_id=identity(first(value, "id", "ID")),
            customer_id=identity(first(value, "Customer ID", "Customer Email", "Card ID")),
            time=time(first(value, *_DATES)),
        ),
    )


def _purchase(status: object, paid: float | None, head: dict[str, object]) -> Object | Refusal:
    if isinstance(status, str) and status.strip().lower() not in _PAID:
        return Refusal("a payment that did not succeed: no sale")
    if paid is None:
        return Refusal("a payment without an amount", "items.0.price")
    if paid == 0:
        return Refusal("a payment that was given back as a whole: no sale")
    return {"type": "purchase", **head, "items": [{"item": None, "price": paid}]}


def _fits(value: Object) -> bool:
    if "object" in value:
        return value["object"] in _OBJECTS
    return "Amount" in value and "Amount Refunded" in value and any(name in value for name in _DATES)


PRESET = JsonPreset("stripe", _event, _fits, tables=True, times=_DATES, numbers=("Amount", "Amount Refunded"))
