"""The order lines of a batch, gathered by basket id and time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crm_online.baskets.counted import SEPARATOR
from crm_online.events.columns import EventColumns, Kind


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines of one key (kind, customer, basket id) that follow each other closely in time.

    Attributes
    ----------
    key
        Kind, customer and basket id.
    event
        The earliest event.
    begin, end
        Times of the first and the last line, in ms.
    items
        Ids of the items, distinct and ascending; none for returns.
    """

    key: str
    event: int
    begin: int
    end: int
    items: list[int]


def gathered_lines(
    events: EventColumns, items: NDArray[np.int64], chosen: NDArray[np.int64], open_for: int
) -> Iterator[Lines]:
    """Gather events of a batch by key and time, in an order that hangs on the batch alone.

    Parameters
    ----------
    events
        The batch.
    items
        int64[m]: the partition's id of each line's item, -1 for an unknown product.
    chosen
        Which events: orders and returns with a basket id.
    open_for
        The longest pause within a basket, in ms.
    """
    if not len(chosen):
        return
    by_key = (events.basket[chosen], events.customer[chosen], events.kind[chosen])
    rows = chosen[np.lexsort((chosen, events.time[chosen], *by_key))]
    times = events.time[rows]
    is_new = np.diff(times) > open_for
    for column in (events.kind, events.customer, events.basket):
        is_new |= column[rows][1:] != column[rows][:-1]
    starts = np.concatenate(([0], np.flatnonzero(is_new) + 1))
    ends = np.append(starts[1:], len(rows)) - 1
    bounds, found = _items(events, items, rows, starts)

    kinds, customers, baskets = (
        column[rows[starts]].tolist() for column in (events.kind, events.customer, events.basket)
    )
    names = [*events.customers, ""]
    for part, (event, begin, end) in enumerate(
        zip(rows[starts].tolist(), times[starts].tolist(), times[ends].tolist(), strict=True)
    ):
        key = f"{kinds[part]}{SEPARATOR}{names[customers[part]]}{SEPARATOR}{events.baskets[baskets[part]]}"
        yield Lines(key, event, begin, end, found[bounds[part] : bounds[part + 1]])


def _items(
    events: EventColumns, items: NDArray[np.int64], rows: NDArray[np.int64], starts: NDArray[np.int64]
) -> tuple[list[int], list[int]]:
    """Return the distinct items of all parts, one part after the other, and where each part's begin."""
    part_of = np.full(len(events), -1, np.int64)
    part_of[rows] = np.repeat(np.arange(len(starts)), np.diff(starts, append=len(rows)))
    part_of[events.kind == Kind.RETURN] = -1
    part = np.repeat(part_of, np.diff(events.line_start))
    counts = (part >= 0) & (items >= 0)
    distinct = np.unique(part[counts] << 32 | items[counts])
    bounds = np.searchsorted(distinct, np.arange(len(starts) + 1, dtype=np.int64) << 32)
    return bounds.tolist(), (distinct & 0xFFFFFFFF).tolist()
