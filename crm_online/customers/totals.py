"""Totals: events are added to the records of their customers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from crm_online.customers import memory
from crm_online.customers.records import NEVER, RECENT, Records
from crm_online.customers.registry import QUANTITIES
from crm_online.customers.sums import Quantities
from crm_online.decay import Decay
from crm_online.events.columns import Kind


def duplicates(records: Records, rows: NDArray[np.int64], ids: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Return which events were seen before.

    An event is a duplicate when its id is among its customer's last 16, or stands earlier in the
    same batch.

    Parameters
    ----------
    records
        The customers' records before the batch.
    rows
        int64[n]: the row of each event's customer, -1 where the customer is unknown.
    ids
        uint64[n]: hash of each event id, 48 bits, never 0.
    """
    seen = np.zeros(len(rows), bool)
    known = np.flatnonzero(rows >= 0)
    if not len(known):
        return seen
    seen[known] = (records.recent[rows[known]] == ids[known, np.newaxis]).any(axis=1)
    order = known[np.lexsort((known, ids[known], rows[known]))]
    again = (rows[order][1:] == rows[order][:-1]) & (ids[order][1:] == ids[order][:-1])
    seen[order[1:][again]] = True
    return seen


def add(
    records: Records,
    rows: NDArray[np.int64],
    ids: NDArray[np.uint64],
    quantities: Quantities,
    sums: Sequence[str],
    decay: Decay,
) -> None:
    """Add events to the records of their customers, in place.

    Sums are relative to the landmark of the customer's last event, which moves in powers of two,
    so they do not depend on the order in which events come.

    Parameters
    ----------
    records
        The customers' records.
    rows
        int64[n]: the row of each event's customer; all known.
    ids
        uint64[n]: hash of each event id.
    quantities
        What each event brings.
    sums
        Names of the columns of ``records.sums``.
    decay
        The half-life of the sums.
    """
    if not len(rows):
        return
    events = quantities.events
    time, purchase = events.time, quantities.of_kind(Kind.PURCHASE)
    touched = np.unique(rows)

    last_before = np.maximum(records.last_event[touched], 0)
    before = decay.landmark(last_before)
    fresh = records.events[touched] == 0
    _extend(records.first_event, records.last_event, rows, time)
    _extend(records.first_purchase, records.last_purchase, rows[purchase], time[purchase])
    after = decay.landmark(records.last_event[touched])
    moved = (after != before) & ~fresh
    records.sums[touched[moved]] *= decay.shift(before[moved], after[moved])[:, np.newaxis]
    memory.shift(records.memory, touched, last_before, records.last_event[touched])

    landmark = decay.landmark(records.last_event[rows])
    weight = decay.weight(time, landmark)
    for column, name in enumerate(sums):
        quantity = QUANTITIES[name](quantities)
        if quantity.any():
            records.sums[:, column] += np.bincount(rows, quantity * weight, len(records))

    memory.add(records.memory, rows, time, records.last_event, _memorable(quantities))

    n = len(records)
    records.spend += np.bincount(rows, np.where(purchase, quantities.value, 0.0), n)
    records.items += np.bincount(rows, np.where(purchase, quantities.pieces, 0.0), n)
    records.purchases += np.bincount(rows[quantities.opens_order & purchase], minlength=n)
    returned = quantities.opens_order & quantities.of_kind(Kind.RETURN)
    records.returns += np.bincount(rows[returned], minlength=n)
    _remember(records, rows, ids)
    records.events += np.bincount(rows, minlength=n)


def retract_orders(
    records: Records,
    rows: NDArray[np.int64],
    kind: NDArray[np.uint8],
    time: NDArray[np.int64],
    sums: Sequence[str],
    decay: Decay,
) -> None:
    """Subtract what orders and returns added when they were opened, in place.

    Parameters
    ----------
    records
        The customers' records.
    rows
        int64[n]: the row of each customer; all known.
    kind, time
        Kind of each, and when it was opened, in ms.
    sums, decay
        As for :func:`add`.
    """
    if not len(rows):
        return
    opened, not_opened = (Quantities.of_openings(kind, time, np.full(len(rows), opens)) for opens in (True, False))
    weight = decay.weight(time, decay.landmark(records.last_event[rows]))
    memory.add(records.memory, rows, time, records.last_event, _memorable(not_opened) - _memorable(opened))
    n = len(records)
    for column, name in enumerate(sums):
        brought = QUANTITIES[name](opened) - QUANTITIES[name](not_opened)
        if brought.any():
            records.sums[:, column] -= np.bincount(rows, brought * weight, n)
    records.purchases -= np.bincount(rows[kind == Kind.PURCHASE], minlength=n)
    records.returns -= np.bincount(rows[kind == Kind.RETURN], minlength=n)


def _memorable(quantities: Quantities) -> NDArray[np.float64]:
    """Return the orders and the spend that events bring, float64[n, 2]."""
    return np.stack([QUANTITIES[name](quantities) for name in ("orders", "spend")], axis=1)


def _extend(
    first: NDArray[np.int64], last: NDArray[np.int64], rows: NDArray[np.int64], time: NDArray[np.int64]
) -> None:
    if not len(rows):
        return
    never = first[rows] == NEVER
    first[rows[never]] = time[never]
    np.minimum.at(first, rows, time)
    np.maximum.at(last, rows, time)


def _remember(records: Records, rows: NDArray[np.int64], ids: NDArray[np.uint64]) -> None:
    order = np.argsort(rows, kind="stable")
    customer = rows[order]
    starts = np.flatnonzero(np.r_[True, customer[1:] != customer[:-1]])
    counts = np.diff(np.r_[starts, len(customer)])
    rank = np.arange(len(customer)) - np.repeat(starts, counts)
    last = rank >= np.repeat(counts, counts) - RECENT
    slot = (records.events[customer] + rank) % RECENT
    records.recent[customer[last], slot[last]] = ids[order][last]
