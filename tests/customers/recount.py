"""Customers counted again in plain Python, event by event, and the same events through the code under test."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
from hypothesis import strategies as st

from crm_online.customers import totals
from crm_online.customers.codec import RecordCodec
from crm_online.customers.inputs import FeatureInputs
from crm_online.customers.records import Records
from crm_online.customers.registry import FEATURES, features_in_use, read_features
from crm_online.customers.sums import Quantities
from crm_online.decay import Decay
from crm_online.events import models
from crm_online.events.columns import hash64
from tests.customers.plain import Plain
from tests.engine import shop

HALF_LIFE = 10_000
"""In ms. The times below span 300 half-lives, so several landmarks."""
LONGEST = 300 * HALF_LIFE
CUSTOMERS = ("ann", "bob", "cy")
NAMES = tuple(FEATURES)


def opens_order(event: models.Event) -> bool:
    """Say which events open an order: here those without a basket id."""
    return isinstance(event, models.Purchase | models.Return) and event.basket_id is None


def recount(events: Sequence[models.Event]) -> dict[str, Plain]:
    """Return every customer, counted again."""
    found: dict[str, Plain] = {}
    for event in events:
        if event.customer_id is None:
            continue
        plain = found.setdefault(event.customer_id, Plain())
        plain.events += 1
        plain.times.append(event.time)

        def add(name: str, amount: float, plain: Plain = plain, time: int = event.time) -> None:
            plain.amounts.setdefault(name, []).append((time, amount))

        opens = opens_order(event)
        if isinstance(event, models.Purchase):
            plain.purchases.append(event.time)
            value = sum(line.quantity * line.price for line in event.items)
            plain.spend += value
            plain.items += sum(line.quantity for line in event.items)
            plain.orders += opens
            add("spend", value)
            add("lines", len(event.items))
            if opens:
                add("orders", 1)
        elif isinstance(event, models.Return):
            plain.returns += opens
            add("returned", sum(line.quantity * line.price for line in event.items))
        elif isinstance(event, models.View):
            add("views", 1)
        elif isinstance(event, models.Feedback):
            add("scores", event.score)
            add("feedbacks", 1)
        elif isinstance(event, models.Contact):
            add("contacts", 1)
    return found


def added(batches: Sequence[Sequence[models.Event]], half_life: int | None = HALF_LIFE) -> Records:
    """Return the records of ``CUSTOMERS`` after batches of events, duplicates left out."""
    _, sums = features_in_use(NAMES)
    codec = RecordCodec(len(sums), len(NAMES))
    records = codec.blank(len(CUSTOMERS))
    for batch in batches:
        events = shop.columns(batch)
        ids = np.maximum(hash64(events.event_ids, "test") >> np.uint64(16), np.uint64(1))
        rows = np.array([CUSTOMERS.index(name) for name in events.customers] + [-1], np.int64)[events.customer]
        fresh = ~totals.duplicates(records, rows, ids) & (rows >= 0)
        some = events.select(fresh)
        opens = np.array([opens_order(event) for event in batch], bool)[fresh]
        totals.add(records, rows[fresh], ids[fresh], Quantities.of(some, opens), sums, Decay(half_life))
        records = codec.decode(list(codec.encode(records)))
    return records


def read(records: Records, as_of: int, half_life: int | None = HALF_LIFE) -> dict[str, list[float]]:
    """Return the features of records, by name."""
    features, sums = features_in_use(NAMES)
    reading = FeatureInputs(records, sums, Decay(half_life), np.full(len(records), as_of, np.int64))
    table = read_features(features, reading)
    return {name: table[:, column].tolist() for column, name in enumerate(features)}


def cut(events: Sequence[models.Event], places: Sequence[int]) -> list[Sequence[models.Event]]:
    """Return events in batches that end at some places."""
    ends = sorted({min(place, len(events)) for place in places} | {0, len(events)})
    return [events[begin:end] for begin, end in itertools.pairwise(ends)]


_amounts = st.floats(0.01, 1e4).map(lambda amount: round(amount, 2))
# Not so small that a weight makes it 0.
_scores = st.floats(0, 1).map(lambda score: round(score, 6))
_line = st.tuples(st.sampled_from(("tea", "milk", None)), _amounts, st.one_of(st.just(0.0), _amounts))
_kinds = st.sampled_from(("order", "order", "line", "return", "view", "feedback", "contact", "profile"))


@st.composite
def logs(draw: st.DrawFn, most: int = 30) -> list[models.Event]:
    """Draw events of all kinds at any times, in any order, each with an id of its own."""
    return [_event(draw, f"e{number}") for number in range(draw(st.integers(1, most)))]


def _event(draw: st.DrawFn, label: str) -> models.Event:
    name, time = draw(st.sampled_from(CUSTOMERS)), draw(st.integers(0, LONGEST))
    match draw(_kinds):
        case "order":
            return shop.order(name, time, *draw(st.lists(_line, min_size=1, max_size=3)), name=label)
        case "line":
            return shop.order(name, time, draw(_line), basket="b", name=label)
        case "return":
            return shop.returned(name, time, draw(_line), name=label)
        case "view":
            return shop.view(name, time, name=label)
        case "feedback":
            return shop.feedback(name, time, draw(_scores), name=label)
        case "contact":
            return shop.contact(name, time, name=label)
        case _:
            return shop.profile(name, time, name=label)
