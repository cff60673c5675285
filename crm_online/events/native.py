"""Events back to native JSON, one object each, and the key under which each one travels."""

from __future__ import annotations

from typing import Any

import numpy as np
from pydantic_core import to_json

from crm_online.events.columns import EventColumns, Kind

_TYPES = [kind.name.lower() for kind in Kind]


def to_native(events: EventColumns) -> list[bytes]:
    """Return each event as a native JSON object, UTF-8 without a line end.

    Read again, they are the same events; only their positions are others.

    Examples
    --------
    >>> from crm_online.events.building import anonymous_baskets
    >>> to_native(anonymous_baskets([["tea"]], [0], ["log-0"]))[0].decode()[:75]
    '{"event_id":"log-0","type":"purchase","time":"1970-01-01T00:00:00.000Z","it'
    """
    times = np.datetime_as_string(events.time.astype("datetime64[ms]"), unit="ms", timezone="UTC").tolist()
    # A code of -1, what is unknown, finds the None at the end.
    customers, baskets, items = ([*names, None] for names in (events.customers, events.baskets, events.items))
    lines = [
        {"item": items[item], "quantity": quantity, "price": price}
        for item, quantity, price in zip(
            events.item.tolist(), events.quantity.tolist(), events.price.tolist(), strict=True
        )
    ]
    objects: list[dict[str, Any]] = []
    start = events.line_start.tolist()
    columns = zip(
        events.event_ids,
        events.kind.tolist(),
        events.customer.tolist(),
        times,
        events.basket.tolist(),
        events.score.tolist(),
        strict=True,
    )
    for index, (event_id, kind, customer, time, basket, score) in enumerate(columns):
        event: dict[str, Any] = {"event_id": event_id, "type": _TYPES[kind], "time": time}
        if customer >= 0:
            event["customer_id"] = customers[customer]
        if basket >= 0:
            event["item" if kind == Kind.CATALOGUE else "basket_id"] = baskets[basket]
        if kind in (Kind.PURCHASE, Kind.RETURN):
            event["items"] = lines[start[index] : start[index + 1]]
        elif kind == Kind.VIEW:
            event["item"] = lines[start[index]]["item"]
        elif kind == Kind.FEEDBACK:
            event["score"] = score
        objects.append(event | events.details.get(index, {}))
    return [to_json(event) for event in objects]


def keys(events: EventColumns) -> list[str]:
    """Return the key of each event: its customer; the basket where that is unknown; itself where there is neither.

    All events of one key go the same way, so that they stay in order.
    """
    return [
        events.customers[customer] if customer >= 0 else events.baskets[basket] if basket >= 0 else event_id
        for customer, basket, event_id in zip(
            events.customer.tolist(), events.basket.tolist(), events.event_ids, strict=True
        )
    ]
