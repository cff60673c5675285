"""A made shop's orders, and native events in the envelopes of other tools."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from random import Random

from crm_online.events import times

Event = Mapping[str, object]
SOURCE = "/shop/berlin"
START, DAY, HOUR = 1_700_000_000_000, 86_400_000, 3_600_000
_CALLS = {"purchase": "Order Completed", "return": "Order Refunded", "view": "Product Viewed"}


def orders(customers: int, days: int, seed: int) -> list[dict[str, object]]:
    """Return native events in order of time: orders of several lines, returns, views and profiles.

    Every order has an id, now and then nobody knows who bought, and some products have no name.
    """
    random = Random(seed)
    found: list[tuple[int, dict[str, object]]] = []
    for number in range(customers):
        gap, price, most = ((3.0, 12.5, 3), (14.0, 60.25, 6), (30.0, 9.99, 2))[number % 3]
        who = {"customer_id": f"c{number}"}
        found.append((START, {"type": "profile", **who, "attributes": {"plan": f"p{number % 2}", "age": number % 60}}))
        at = random.uniform(0, gap)
        while at < days:
            time, order = START + int(at * DAY), f"o{number}-{len(found)}"
            here = who if random.random() < 0.95 else {}
            names = ["bread", "butter", None, *(f"item {random.randrange(20)}" for _ in range(random.randint(0, most)))]
            lines = [
                {"item": name, "quantity": random.randint(1, 3), "price": price}
                for name in names[: random.randint(1, len(names))]
            ]
            found.append((time, {"type": "purchase", **here, "basket_id": order, "items": lines}))
            if random.random() < 0.2:
                found.append((time + HOUR, {"type": "return", **here, "basket_id": order, "items": lines[:1]}))
            if random.random() < 0.3:
                found.append((time + 60_000, {"type": "view", **who, "item": "butter"}))
            at += random.expovariate(1 / gap)
    found.sort(key=lambda one: (one[0], json.dumps(one[1])))
    return [event | {"event_id": f"{SOURCE} e{n}", "time": times.to_iso(time)} for n, (time, event) in enumerate(found)]


def call(event: Event) -> dict[str, object]:
    """Return a native purchase, return, view or profile as a call of Segment's Spec."""
    here: dict[str, object] = {"messageId": event["event_id"], "anonymousId": "507f191e", "timestamp": event["time"]}
    here |= {"context": {"ip": "8.8.8.8"}, "receivedAt": "2026-01-01T00:00:00Z"}
    if "customer_id" in event:
        here["userId"] = event["customer_id"]
    if event["type"] == "profile":
        attributes = event["attributes"]
        assert isinstance(attributes, dict)
        return here | {"type": "identify", "traits": {"email": "a@example.com", **attributes}}
    here |= {"type": "track", "event": _CALLS[str(event["type"])]}
    if event["type"] == "view":
        return here | {"properties": {"product_id": event["item"], "price": 7}}
    lines = event["items"]
    assert isinstance(lines, list)
    products = [{**{k: v for k, v in line.items() if k != "item"}, "product_id": line["item"]} for line in lines]
    return here | {"properties": {"order_id": event["basket_id"], "total": 99, "products": products}}


def cloudevent(event: Event, *, packed: bool = False) -> dict[str, object]:
    """Return a native event as a CloudEvent: its customer is the subject, its data is packed if so said."""
    inside = {name: value for name, value in event.items() if name not in ("type", "time", "event_id", "customer_id")}
    here: dict[str, object] = {"specversion": "1.0", "source": SOURCE, "time": event["time"]}
    here["id"] = str(event["event_id"]).removeprefix(f"{SOURCE} ")
    here["type"] = f"com.example.shop.{event['type']}.v1"
    if "customer_id" in event:
        here["subject"] = event["customer_id"]
    if packed:
        return here | {"data_base64": base64.b64encode(json.dumps(inside).encode()).decode()}
    return here | {"datacontenttype": "application/json", "data": inside}


def rows(event: Event) -> list[dict[str, object]]:
    """Return a native event as rows of a table, one for each line of an order."""
    whole = {name: event[name] for name in ("type", "customer_id", "time", "basket_id", "item") if name in event}
    if event["type"] == "profile":
        return [whole | {"attributes": json.dumps(event["attributes"])}]
    lines = event.get("items", [{}])
    assert isinstance(lines, list)
    return [whole | line for line in lines]
