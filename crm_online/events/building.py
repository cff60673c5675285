"""Events into columns: from the models, from msgspec's structs, and from baskets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from crm_online.events import models
from crm_online.events.columns import KINDS, Codes, EventColumns, Floats, Ints, Kind
from crm_online.events.producers import MADE_HERE
from crm_online.events.structs import (
    AnyEvent,
    BasketStruct,
    CatalogueStruct,
    ContactStruct,
    FeedbackStruct,
    Id,
    LineStruct,
    Number,
    ObjectionStruct,
    OutcomeStruct,
    ProfileStruct,
    ViewStruct,
    struct_of,
)


class _KindOf(dict[type[AnyEvent], int]):
    """The kind of each struct of events, with extra fields too."""

    def __missing__(self, struct: type[AnyEvent]) -> int:
        kind = self[struct] = KINDS[str(struct.__struct_config__.tag)]
        return kind


_KIND_OF = _KindOf()


def from_events(events: Sequence[models.Event], positions: Sequence[int] | Ints, source_id: str) -> EventColumns:
    """Return validated events as columns.

    Parameters
    ----------
    events
        The events, as the models made them.
    positions
        The row of each in its source.
    source_id
        Events without an id get ``<source_id>-<row>``.
    """
    times = np.fromiter((event.time for event in events), np.int64, len(events))
    return from_structs([struct_of(event) for event in events], times, positions, source_id)


def from_structs(
    events: Sequence[AnyEvent], times: Ints, positions: Sequence[int] | Ints, source_id: str
) -> EventColumns:
    """Return events as columns; of a number that is none, NaN.

    Parameters
    ----------
    events
        The events, as msgspec made them; their numbers and names need not be valid.
    times
        Their times in ms.
    positions, source_id
        As for :func:`from_events`.
    """
    position = np.array(positions, np.int64)
    baskets: list[Id | None] = []
    lines: list[LineStruct] = []
    ends = [0]
    score = np.full(len(events), np.nan)
    details: dict[int, dict[str, object]] = {}
    for index, event in enumerate(events):
        basket = None
        if isinstance(event, BasketStruct):
            basket = event.basket_id
            lines += event.items
        elif isinstance(event, ViewStruct):
            lines.append(LineStruct(event.item))
        elif isinstance(event, FeedbackStruct):
            score[index] = _floats([event.score])[0]
            if event.text is not None:
                details[index] = {"text": event.text}
        elif isinstance(event, ContactStruct):
            details[index] = {"channel": event.channel, "reason": event.reason}
        elif isinstance(event, ProfileStruct):
            details[index] = {"attributes": event.attributes}
        elif isinstance(event, OutcomeStruct):
            details[index] = {"name": event.name, "value": event.value}
        elif isinstance(event, ObjectionStruct):
            details[index] = {"withdrawn": event.withdrawn}
        elif isinstance(event, CatalogueStruct):
            basket = event.item
            details[index] = {"category": event.category, "price": event.price, "available": event.available}
        baskets.append(basket)
        ends.append(len(lines))
    made = [event.event_id for event in events]
    producer = np.zeros(len(events), np.uint64)
    if None in made:
        pairs = list(zip(made, position.tolist(), strict=True))
        producer[[event_id is None for event_id in made]] = MADE_HERE
        made = [f"{source_id}-{row}" if event_id is None else event_id for event_id, row in pairs]
    customer, customers = coded([event.customer_id for event in events])
    basket_codes, basket_names = coded(baskets)
    item, items = coded([line.item for line in lines])
    return EventColumns(
        position=position,
        event_ids=_texts(made),
        kind=np.fromiter((_KIND_OF[type(event)] for event in events), np.uint8, len(events)),
        customer=customer,
        customers=customers,
        time=times,
        basket=basket_codes,
        baskets=basket_names,
        line_start=np.array(ends, np.int64),
        item=item,
        items=items,
        quantity=_floats([line.quantity for line in lines]),
        price=_floats([line.price for line in lines]),
        score=score,
        producer=producer,
        details=details,
    )


def anonymous_baskets(baskets: Sequence[Sequence[str]], positions: Sequence[int], event_ids: list[str]) -> EventColumns:
    """Return baskets of unknown customers without time, one event each, as columns.

    Parameters
    ----------
    baskets
        The names of the items of each.
    positions, event_ids
        The row and the id of each.
    """
    codes: dict[str, int] = {}
    item = np.array([codes.setdefault(name, len(codes)) for items in baskets for name in items], np.int32)
    n, m = len(baskets), len(item)
    return EventColumns(
        position=np.array(positions, np.int64),
        event_ids=event_ids,
        kind=np.full(n, Kind.PURCHASE, np.uint8),
        customer=np.full(n, -1, np.int32),
        customers=[],
        time=np.zeros(n, np.int64),
        basket=np.full(n, -1, np.int32),
        baskets=[],
        line_start=np.cumsum([0, *map(len, baskets)], dtype=np.int64),
        item=item,
        items=list(codes),
        quantity=np.ones(m),
        price=np.zeros(m),
        score=np.full(n, np.nan),
        producer=np.full(n, MADE_HERE, np.uint64),
        details={},
    )


def unknown_fields(event: models.Event) -> Iterator[str]:
    """Yield the fields of an event that no model knows (those of lines as ``items.<field>``)."""
    yield from event.model_extra or ()
    if isinstance(event, models.Purchase | models.Return):
        for line in event.items:
            for name in line.model_extra or ():
                yield f"items.{name}"


def _texts(names: list[Any]) -> list[str]:
    """Return names as texts: an integer is written out, if it has 64 bits at most; a larger one is an empty name."""
    if int not in set(map(type, names)):
        return names
    return [name if type(name) is not int else str(name) if abs(name) < 2**63 else "" for name in names]


def coded(names: list[Id | None]) -> tuple[Codes, list[str]]:
    """Return names as places among the distinct ones, in the order in which they first appear; -1 of None."""
    texts = _texts(names)
    places: dict[str | None, int] = dict.fromkeys(texts, -1)
    places.pop(None, None)
    distinct = [name for name in places if name is not None]
    places = dict(zip(distinct, range(len(distinct)), strict=True))
    places[None] = -1
    return np.fromiter(map(places.__getitem__, texts), np.int32, len(texts)), distinct


def _floats(values: list[Number]) -> Floats:
    """Return numbers, or texts of numbers; NaN of another text."""
    if str in set(map(type, values)):
        read = {text: models.number(text) for text in {value for value in values if isinstance(value, str)}}
        numbers: dict[Number, Number | None] = {text: np.nan if one is None else one for text, one in read.items()}
        return np.array([numbers.get(value, value) for value in values], np.float64)
    return np.array(values, np.float64)
