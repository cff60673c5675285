"""The log of a small shop; some of its events are there twice."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random

END = "2024-03-01T00:00:00Z"
"""A time behind the log, by which its last baskets are whole."""
ITEMS = ("bread", "butter", "milk", "tea", "jam", "rice")
_BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
_LAST = 40
"""Days that a log spans."""


def events(random: Random, customers: int, count: int) -> Iterator[dict[str, object]]:
    """Yield native events in order of time; one in thirty is there a second time."""
    step = timedelta(days=_LAST) / count
    for number in range(count):
        event = _event(random, f"c{random.randrange(customers)}", number, _BEGIN + step * number)
        yield event
        if random.random() < 1 / 30:
            yield event


def _event(random: Random, customer: str, number: int, time: datetime) -> dict[str, object]:
    begun = {"event_id": f"e{number}", "customer_id": customer, "time": time.isoformat()}
    kind = random.choice(["purchase", "purchase", "purchase", "view", "feedback", "contact"])
    match kind:
        case "purchase":
            some = ITEMS[:2] if random.random() < 0.5 else random.sample(ITEMS, random.randint(1, 3))
            lines = [{"item": item, "quantity": 1, "price": random.randint(1, 9)} for item in some]
            return {**begun, "type": kind, "basket_id": f"b{number}", "items": lines}
        case "view":
            return {**begun, "type": kind, "item": random.choice(ITEMS)}
        case "feedback":
            return {**begun, "type": kind, "score": random.choice([0.0, 0.5, 1.0])}
        case _:
            return {**begun, "type": kind, "channel": "mail"}


def encoded(event: dict[str, object]) -> bytes:
    """Return the value of an event's record."""
    return json.dumps(event).encode()
