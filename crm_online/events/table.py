"""Tables into events: the columns of a preset, checked all at once; what fails goes through the models."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from crm_online.events import models, times
from crm_online.events.cells import Names
from crm_online.events.columns import EventColumns, concat, from_events


@dataclass(slots=True)
class OrderLines:
    """Order lines as a preset reads them from a table: one line, one event.

    Attributes
    ----------
    kind
        uint8[n]: ``Kind.PURCHASE`` or ``Kind.RETURN``.
    customer, basket, item
        Names; -1 for an unknown customer or product.
    time
        int64[n] in ms; ``NO_TIME`` where it cannot be read.
    quantity, price
        float64[n]; NaN where they cannot be read.
    raw
        For the models: the values as they stand in the table, by native field.
    refused
        By row: reason and field of what the preset does not take as an event.
    event
        Ids of the events, where the log has any.
    """

    kind: NDArray[np.uint8]
    customer: Names
    basket: Names
    item: Names
    time: NDArray[np.int64]
    quantity: NDArray[np.float64]
    price: NDArray[np.float64]
    raw: Callable[[int], Mapping[str, object]]
    refused: dict[int, tuple[str, str | None]] = field(default_factory=dict)
    event: Names | None = None

    def valid(self) -> NDArray[np.bool_]:
        """Return which rows the models would take as they are: all checks at once."""
        with np.errstate(invalid="ignore"):
            numbers = (self.quantity > 0) & (self.quantity <= models.MAX_NUMBER)
            numbers &= (self.price >= 0) & (self.price <= models.MAX_NUMBER)
        good: NDArray[np.bool_] = numbers & (self.time >= times.BEGIN) & (self.time < times.END)
        good &= self.customer.valid() & self.basket.valid() & self.item.valid()
        return good & self.event.valid() if self.event is not None else good


def events_of(
    lines: OrderLines, rows: NDArray[np.int64], source_id: str
) -> tuple[EventColumns, dict[int, tuple[str, str | None]], list[models.Event]]:
    """Return the events of order lines, the rows that are none, and events that the models took.

    Parameters
    ----------
    lines
        The order lines.
    rows
        int64[n]: the row of each in its source.
    source_id
        Events get the ids ``<source_id>-<row>``.

    Returns
    -------
    tuple
        The events in order; by row within the batch, reason and field of each reject; and the
        events that went through the models, whose unknown fields can be counted.
    """
    refused = dict(lines.refused)
    good = lines.valid()
    good[list(refused)] = False
    taken = np.flatnonzero(good)
    parts = [_columns(lines, taken, rows, source_id)]
    slow = [row for row in np.flatnonzero(~good).tolist() if row not in refused]
    events, places = validated([(row, lines.raw(row)) for row in slow], refused)
    if events:
        parts.append(from_events(events, rows[places], source_id))
        merged = concat(parts)
        return merged.select(np.argsort(merged.position, kind="stable")), refused, events
    return parts[0], refused, events


def validated(
    raw: Sequence[tuple[int, Mapping[str, object]]], refused: dict[int, tuple[str, str | None]]
) -> tuple[list[models.Event], list[int]]:
    """Validate events one by one; those that fail go to ``refused`` with the reason and the field."""
    events, places = [], []
    for row, value in raw:
        try:
            events.append(models.EVENT.validate_python(value))
            places.append(row)
        except ValidationError as error:
            refused[row] = models.first_problem(error)
    return events, places


def _columns(lines: OrderLines, taken: NDArray[np.int64], rows: NDArray[np.int64], source_id: str) -> EventColumns:
    position = rows[taken]
    n = len(taken)
    ids = [f"{source_id}-{row}" for row in position.tolist()]
    if lines.event is not None:
        ids = [lines.event.text(row) or made for row, made in zip(taken.tolist(), ids, strict=True)]
    return EventColumns(
        position=position,
        event_ids=ids,
        kind=lines.kind[taken],
        customer=lines.customer.codes[taken],
        customers=lines.customer.names,
        time=lines.time[taken],
        basket=lines.basket.codes[taken],
        baskets=lines.basket.names,
        line_start=np.arange(n + 1, dtype=np.int64),
        item=lines.item.codes[taken],
        items=lines.item.names,
        quantity=lines.quantity[taken],
        price=lines.price[taken],
        score=np.full(n, np.nan),
        details={},
    ).select(np.arange(n))
