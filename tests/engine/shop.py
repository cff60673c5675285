"""A made shop as events in memory: hand-made events, and a seeded log with planted groups of customers."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from pydantic import JsonValue

from crm_online.events import models
from crm_online.events.building import from_events
from crm_online.events.columns import EventColumns

SECOND = 1000
DAY = 86_400 * SECOND
START = 1_700_000_000 * SECOND

Line = tuple[str | None, float, float]
"""Item, quantity and price."""


def order(
    customer: str | None, time: int, *lines: Line, basket: str | None = None, name: str | None = None
) -> models.Purchase:
    """Return a purchase at a time in ms; without a basket id it is a whole order."""
    return models.Purchase.model_construct(
        type="purchase", event_id=name, customer_id=customer, time=time, basket_id=basket, items=_lines(lines)
    )


def returned(
    customer: str | None, time: int, *lines: Line, basket: str | None = None, name: str | None = None
) -> models.Return:
    """Return a return at a time in ms."""
    return models.Return.model_construct(
        type="return", event_id=name, customer_id=customer, time=time, basket_id=basket, items=_lines(lines)
    )


def view(customer: str, time: int, item: str | None = "tea", name: str | None = None) -> models.View:
    """Return a view at a time in ms."""
    return models.View.model_construct(type="view", event_id=name, customer_id=customer, time=time, item=item)


def feedback(customer: str, time: int, score: float, name: str | None = None) -> models.Feedback:
    """Return a feedback at a time in ms."""
    return models.Feedback.model_construct(
        type="feedback", event_id=name, customer_id=customer, time=time, score=score, text=None
    )


def contact(customer: str, time: int, reason: str | None = None, name: str | None = None) -> models.Contact:
    """Return a contact at a time in ms."""
    return models.Contact.model_construct(
        type="contact", event_id=name, customer_id=customer, time=time, channel="phone", reason=reason
    )


def profile(customer: str, time: int, name: str | None = None, **attributes: JsonValue) -> models.Profile:
    """Return a profile at a time in ms."""
    return models.Profile.model_construct(
        type="profile", event_id=name, customer_id=customer, time=time, attributes=attributes or {"town": "Ulm"}
    )


def outcome(customer: str, time: int, target: str, value: bool | float | str) -> models.Outcome:
    """Return a label that became known, at a time in ms."""
    return models.Outcome.model_construct(
        type="outcome", event_id=None, customer_id=customer, time=time, name=target, value=value
    )


def erase(customer: str, time: int, name: str | None = None) -> models.Erase:
    """Return an erasure at a time in ms."""
    return models.Erase.model_construct(type="erase", event_id=name, customer_id=customer, time=time)


def columns(events: Sequence[models.Event], begin: int = 0) -> EventColumns:
    """Return events as columns; those without an id are named after their place in the log."""
    return from_events(events, range(begin, begin + len(events)), "made")


def made(customers: int, days: int, seed: int) -> list[models.Event]:
    """Return a log in order of time: frequent buyers, seldom big spenders, browsers who ask, and returners.

    Three in ten stop for good somewhere in the middle. Bread comes with butter. Now and then a line comes
    by itself, with its basket's id, and now and then nobody knows who bought.
    """
    random = Random(seed)
    log: list[models.Event] = []
    for number in range(customers):
        group, name = number % 4, f"customer {number:03}"
        gap = (2.0, 25.0, 9.0, 12.0)[group]
        quits = days if random.random() < 0.7 else random.uniform(0.3, 0.7) * days
        at = random.uniform(0, gap)
        while at < quits:
            time = START + int(at * DAY)
            log += _visit(random, name if random.random() < 0.98 else None, group, time)
            at += random.expovariate(1 / gap)
    log.sort(key=lambda event: event.time)
    return log


def _visit(random: Random, name: str | None, group: int, time: int) -> list[models.Event]:
    basket = f"b{random.randrange(10**9)}"
    price, count = ((12.0, 3), (90.0, 9), (20.0, 2), (40.0, 4))[group]
    items = ["bread", "butter", *(f"item {random.randrange(30)}" for _ in range(count))][: max(1, count)]
    lines: list[Line] = [(item, float(random.randint(1, 3)), price) for item in dict.fromkeys(items)]
    found: list[models.Event]
    if random.random() < 0.3:
        found = [order(name, time + place * SECOND, line, basket=basket) for place, line in enumerate(lines)]
    else:
        found = [order(name, time, *lines)]
    if name is None:
        return found
    if group == 2:
        found += [view(name, time + 7 * SECOND), view(name, time + 9 * SECOND)]
        found += [contact(name, time + 11 * SECOND)] if random.random() < 0.5 else []
    if group == 3 and random.random() < 0.6:
        found.append(returned(name, time + 3600 * SECOND, lines[0]))
        found.append(feedback(name, time + 3601 * SECOND, 0.2))
    return found


def _lines(lines: Sequence[Line]) -> list[models.Line]:
    return [models.Line.model_construct(item=item, quantity=quantity, price=price) for item, quantity, price in lines]
