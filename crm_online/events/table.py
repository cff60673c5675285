"""Tables into events: the columns of a preset, checked all at once; what fails goes through the models."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import ValidationError

from crm_online.events import models, times
from crm_online.events.building import from_events
from crm_online.events.cells import Names, time_text
from crm_online.events.columns import EventColumns, Kind, concat
from crm_online.events.problems import first_problem
from crm_online.events.producers import MADE_HERE
from crm_online.events.rejects import Refused


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
    refused: Refused = field(default_factory=dict)
    event: Names | None = None

    def valid(self) -> NDArray[np.bool_]:
        """Return which rows the models would take as they are: all checks at once."""
        with np.errstate(invalid="ignore"):
            numbers = (self.quantity > 0) & (self.quantity <= models.MAX_NUMBER)
            numbers &= (self.price >= 0) & (self.price <= models.MAX_NUMBER)
        good: NDArray[np.bool_] = numbers & (self.time >= times.BEGIN) & (self.time < times.END)
        good &= self.customer.valid() & self.basket.valid() & self.item.valid()
        return good & self.event.valid() if self.event is not None else good


def native_order(
    lines: OrderLines, row: int, time: pd.Series[Any], quantity: pd.Series[Any], price: pd.Series[Any]
) -> dict[str, object]:
    """Return a line as a native event for the models; what could not be read is as it stands in the table's columns."""

    def figure(value: float, cells: pd.Series[Any]) -> object:
        return str(cells.iloc[row]) if np.isnan(value) else float(value)

    return {
        "type": "return" if lines.kind[row] == Kind.RETURN else "purchase",
        "customer_id": lines.customer.text(row),
        "basket_id": lines.basket.text(row),
        "time": time_text(int(lines.time[row]), time.iloc[row]),
        "items": [
            {
                "item": lines.item.text(row),
                "quantity": figure(lines.quantity[row], quantity),
                "price": figure(lines.price[row], price),
            }
        ],
    }


def events_of(lines: OrderLines, rows: NDArray[np.int64], source_id: str) -> tuple[EventColumns, Refused]:
    """Return the events of order lines in order, and by row within the batch why the others are none.

    Parameters
    ----------
    lines
        The order lines.
    rows
        int64[n]: the row of each in its source.
    source_id
        Events get the ids ``<source_id>-<row>``.
    """
    refused = dict(lines.refused)
    good = lines.valid()
    good[list(refused)] = False
    fast = _columns(lines, np.flatnonzero(good), rows, source_id)
    slow = [row for row in np.flatnonzero(~good).tolist() if row not in refused]
    events, places = validated([(row, lines.raw(row)) for row in slow], refused)
    if not events:
        return fast, refused
    merged = concat([fast, from_events(events, rows[places], source_id)])
    return merged.select(np.argsort(merged.position, kind="stable")), refused


def validated(
    raw: Sequence[tuple[int, Mapping[str, object]]], refused: Refused
) -> tuple[list[models.Event], list[int]]:
    """Return the events of native ones by row, and their rows; those that fail go to ``refused``."""
    events, places = [], []
    for row, value in raw:
        try:
            events.append(models.EVENT.validate_python(value))
            places.append(row)
        except ValidationError as error:
            refused[row] = first_problem(error)
    return events, places


def _columns(lines: OrderLines, chosen: NDArray[np.int64], rows: NDArray[np.int64], source_id: str) -> EventColumns:
    position = rows[chosen]
    n = len(chosen)
    ids = [f"{source_id}-{row}" for row in position.tolist()]
    producer = np.full(n, MADE_HERE, np.uint64)
    if lines.event is not None:
        given = [lines.event.text(row) for row in chosen.tolist()]
        producer[list(map(bool, given))] = 0
        ids = [own or made for own, made in zip(given, ids, strict=True)]
    return EventColumns(
        position=position,
        event_ids=ids,
        kind=lines.kind[chosen],
        customer=lines.customer.codes[chosen],
        customers=lines.customer.names,
        time=lines.time[chosen],
        basket=lines.basket.codes[chosen],
        baskets=lines.basket.names,
        line_start=np.arange(n + 1, dtype=np.int64),
        item=lines.item.codes[chosen],
        items=lines.item.names,
        quantity=lines.quantity[chosen],
        price=lines.price[chosen],
        score=np.full(n, np.nan),
        producer=producer,
        details={},
    ).select(np.arange(n))
