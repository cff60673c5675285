"""A made shop for the tests of replay: customers of a few kinds, lines, returns, views, feedback; seeded."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

START = 1_700_000_000
DAY = 86_400
OPTIONS = ("--set", "segments.min_customers=20", "--set", "replay.partitions=3")
"""With which a small shop has segments, in several partitions."""
KINDS = ((2.0, 40.0, 6), (9.0, 15.0, 3), (30.0, 90.0, 9), (70.0, 8.0, 2))
"""For each kind of customer: days between orders, price level, lines of a basket."""


def events(customers: int, days: int, seed: int) -> list[dict[str, object]]:
    """Return the events of a shop, in order of time; some come late, twice, or make no sense."""
    random = Random(seed)
    found: list[dict[str, object]] = []
    for number in range(customers):
        gap, price, lines = KINDS[number % len(KINDS)]
        customer = f"c{number}"
        at = random.uniform(0, gap)
        quits = days if random.random() < 0.7 else random.uniform(0.2, 0.8) * days
        while at < min(days, quits):
            when = START + int(at * DAY)
            basket = f"{customer}-{when}"
            for line in range(max(1, int(random.gauss(lines, 1)))):
                # Bread comes with butter: a rule to find.
                item = "bread" if line == 0 else "butter" if line == 1 else f"item {random.randrange(40)}"
                found.append(
                    {
                        "type": "purchase",
                        "event_id": f"{basket}/{line}",
                        "customer_id": customer,
                        "time": when + line,
                        "basket_id": basket,
                        "items": [{"item": item, "quantity": random.randint(1, 3), "price": round(price, 2)}],
                    }
                )
            if random.random() < 0.05:
                found.append({"type": "feedback", "customer_id": customer, "time": when + 600, "score": 0.2})
            if random.random() < 0.05:
                found.append({"type": "view", "customer_id": customer, "time": when + 30, "item": "butter"})
            at += random.expovariate(1 / gap)
    found.sort(key=lambda event: (event["time"], json.dumps(event)))
    for place in range(100, len(found), 501):
        found[place] = found[place - 90] | {}  # a duplicate, late
    for place in range(77, len(found), 1009):
        found[place] = {"type": "purchase", "customer_id": "", "time": "yesterday"}
    return found


def write(path: Path, found: list[dict[str, object]]) -> Path:
    """Write events as JSON lines."""
    with path.open("w") as file:
        for event in found:
            if isinstance(event["time"], int):
                event = event | {"time": _iso(event["time"])}
            file.write(json.dumps(event) + "\n")
    return path


def _iso(seconds: int) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(seconds, UTC).isoformat()
