"""The two small logs that the README's commands read, made with a fixed seed."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

CUSTOMERS = 400
"""More than a first model needs, so that there are segments to look at."""

ITEMS = ("milk", "tea", "jam", "beer", "rice", "soap")
PRICES = {"milk": 1.2, "tea": 4.5, "jam": 3.2, "beer": 1.9, "rice": 2.4, "soap": 2.8, "bread": 3.6, "butter": 2.9}
_START = datetime(2026, 1, 1, 8, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Order:
    """One order of the made shop."""

    number: str
    customer: str
    time: datetime
    items: list[str]


def orders() -> list[Order]:
    """Return orders of frequent and rare customers over ninety days; butter mostly comes with bread."""
    random = Random(7)
    found: list[Order] = []
    for customer in range(CUSTOMERS):
        for _ in range((1, 2, 4, 8)[customer % 4]):
            items = random.sample(ITEMS, random.randint(1, 3))
            if random.random() < 0.5:
                items += ["bread", "butter"] if random.random() < 0.8 else ["bread"]
            time = _START + timedelta(minutes=random.randrange(90 * 24 * 60))
            found.append(Order(f"B{len(found)}", f"C{customer}", time, items))
    return sorted(found, key=lambda order: (order.time, order.number))


def write_csv(path: Path) -> None:
    """Write the orders as somebody's own table: one line a row, columns of other names; it is examples/orders.csv."""
    random = Random(8)
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(("order", "client", "date", "product", "pieces", "price"))
        for order in orders():
            date = f"{order.time:%Y-%m-%d %H:%M}"
            for item in order.items:
                pieces = random.choice((1, 1, 1, 2, 3))
                table.writerow((order.number, order.customer, date, item, pieces, f"{PRICES[item]:.2f}"))


def write_jsonl(path: Path) -> None:
    """Write the orders as native events."""
    with path.open("w", encoding="utf-8") as file:
        for order in orders():
            event = {
                "type": "purchase",
                "event_id": order.number,
                "customer_id": order.customer,
                "time": order.time.isoformat(),
                "basket_id": order.number,
                "items": [{"item": item, "quantity": 1, "price": 2.5} for item in order.items],
            }
            file.write(json.dumps(event) + "\n")
