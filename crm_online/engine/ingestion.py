"""Adds the events of a batch to the records of their customers, and to baskets."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from crm_online.baskets.open import ClosedBasket, OpenBaskets
from crm_online.baskets.orders import OrderItems
from crm_online.baskets.sampled import SampledOrders
from crm_online.baskets.transitions import Transitions
from crm_online.customers import own, totals
from crm_online.customers.codec import RecordCodec
from crm_online.customers.records import Records
from crm_online.customers.sums import Quantities
from crm_online.customers.suppression import NOT_ERASED, Suppression
from crm_online.decay import Decay
from crm_online.engine.daily import RecordedDays
from crm_online.engine.sampling import AcceptedEvents
from crm_online.events.columns import EventColumns, Kind, erasing, hash64, timeless
from crm_online.itemsets.names import ItemNames

_KEY = "crm-online/event"
_PRODUCERS, _KINDS_APART = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F)
_BITS = np.uint64(16)
_KINDS = {kind.value: kind.name.lower() for kind in Kind}


@dataclass(slots=True)
class IngestResult:
    """What the events of a batch did.

    Attributes
    ----------
    cause
        By row of the customer: the last event that counted, as it is in changes.
    touched
        bool[n]: customers with an event that counted.
    erased
        Rows of customers who were erased, in order; they may have come back since.
    closed, withdrawn
        Baskets that are closed now, and that were so before and have got more lines: time and item ids.
    runs
        The accepted events of known customers, run by run between erasures.
    erased_after
        Customers who were erased: after how many of the runs, the last time.
    duplicates
        Positions of the events that were duplicates, in order.
    accepted, suppressed, doubtful
        How many events counted, and how many are of customers who were erased after they happened; how many baskets may
        be part of one that is forgotten.
    """

    cause: dict[int, dict[str, str]]
    touched: NDArray[np.bool_]
    erased: list[int] = field(default_factory=list)
    closed: list[ClosedBasket] = field(default_factory=list)
    withdrawn: list[ClosedBasket] = field(default_factory=list)
    runs: list[AcceptedEvents] = field(default_factory=list)
    erased_after: dict[str, int] = field(default_factory=dict)
    duplicates: list[int] = field(default_factory=list)
    accepted: int = 0
    suppressed: int = 0
    doubtful: int = 0

    def runs_after_erasures(self) -> list[AcceptedEvents]:
        """Return the runs without the events of customers from before they were erased."""
        if not self.erased_after:
            return self.runs
        return [
            run.without({name for name, count in self.erased_after.items() if count > number})
            for number, run in enumerate(self.runs)
        ]


@dataclass(slots=True)
class Ingestion:
    """Adds events to records and baskets, in place.

    Parameters
    ----------
    codec, sums, decay
        The layout of records, the names of their sums, and the sums' half-life.
    items
        The partition's items by number.
    baskets
        The partition's open baskets.
    orders
        The partition's sample of orders.
    transitions
        The partition's orders with the next one of each.
    suppression
        Who was erased, and when.
    days
        What the shop did day by day.
    purchases_half_life
        In which what a customer bought fades to half, in ms; ``None``: not at all.
    sampling_key
        The state's secret, if it has one: with it nobody can make ids that are taken for another's.
    """

    codec: RecordCodec
    sums: list[str]
    decay: Decay
    items: ItemNames
    baskets: OpenBaskets
    orders: SampledOrders
    transitions: Transitions
    suppression: Suppression
    days: RecordedDays
    purchases_half_life: int | None
    sampling_key: str

    def ingest(
        self, events: EventColumns, ids: list[str], records: Records, watermark: int, lapsed: Collection[str] = ()
    ) -> IngestResult:
        """Add a batch of events.

        Parameters
        ----------
        events
            The batch; its customers are among ``ids``.
        ids
            The customers of ``records``, row by row.
        records
            Their records, changed in place.
        watermark
            The largest event time of the log so far.
        lapsed
            Customers whose erasure nobody asked for: they were idle for too long.
        """
        result = IngestResult(cause={}, touched=np.zeros(len(ids), bool))
        row_of = {customer: row for row, customer in enumerate(ids)} if events.customers else {}
        rows = np.array([row_of[customer] for customer in events.customers] + [-1], np.int64)[events.customer]
        erased = erasing(events)
        erasures = np.flatnonzero(timeless(events) & (rows >= 0)).tolist()
        begin = 0
        for erasure in [*erasures, len(events)]:
            run = np.arange(begin, erasure)
            if len(run) or erasure == len(events):
                self._add(
                    events.select(run) if len(run) < len(events) else events, rows[run], records, watermark, result
                )
            if erasure < len(events):
                # It may be dated far ahead, and no event is left out by a time that has not come.
                row, time = int(rows[erasure]), min(int(events.time[erasure]), watermark + 1)
                if events.kind[erasure] == Kind.ERASE:
                    self.suppression.add(ids[row], time, lapsed=ids[row] in lapsed)
                elif erased[erasure]:
                    self.suppression.object(ids[row], time)
                else:
                    self.suppression.withdraw(ids[row], time)
                    result.accepted += 1
                if erased[erasure]:
                    self._erase(row, ids, records, result)
            begin = erasure + 1
        return result

    def _add(
        self, events: EventColumns, rows: NDArray[np.int64], records: Records, watermark: int, result: IngestResult
    ) -> None:
        if len(self.suppression):
            erased_at = np.append(self.suppression.erased_at(events.customers), NOT_ERASED)[events.customer]
            late = events.time < erased_at
            if late.any():
                result.suppressed += int(late.sum())
                events, rows = events.select(~late), rows[~late]
        hashes = self._identities(events)
        again = totals.duplicates(records, rows, hashes)
        if again.any():
            result.duplicates += events.position[again].tolist()
            events, rows, hashes = events.select(~again), rows[~again], hashes[~again]
        result.accepted += len(events)
        numbers = np.append(self.items.numbers(events.items), -1)[events.item]
        gathered = self.baskets.gather(events, numbers, watermark)
        result.closed += gathered.closed
        result.withdrawn += gathered.withdrawn
        result.doubtful += gathered.doubtful
        retracted = [(event, time) for event, time in gathered.retracted if rows[event] >= 0]
        where = np.array([event for event, _ in retracted], np.int64)
        openings = rows[where], events.kind[where], np.array([time for _, time in retracted], np.int64)
        order_items = OrderItems.of(events, numbers)

        def history(event: int) -> tuple[bytes, int]:
            row = int(rows[event])
            return (records.own[row], max(int(records.last_purchase[row]), 0)) if row >= 0 else (b"", 0)

        self.orders.offer(events, order_items, history)
        opens = gathered.opens_order.copy()
        opens[[event for event, _ in gathered.retracted]] = (
            False  # an order that begins earlier than was known is no other
        )
        self._add_purchased_items(records, rows, events, order_items, opens)
        quantities = Quantities.of(events, gathered.opens_order)
        self.days.add(quantities, rows, records.last_event)
        for event, time in gathered.retracted:
            if events.kind[event] == Kind.PURCHASE:
                self.days.retract(time)
        has_customer = rows >= 0
        if not has_customer.all():
            lines = np.repeat(has_customer, np.diff(events.line_start))
            events, rows, hashes, numbers = (
                events.select(has_customer),
                rows[has_customer],
                hashes[has_customer],
                numbers[lines],
            )
            quantities = Quantities.of(events, gathered.opens_order[has_customer])
        result.runs.append(AcceptedEvents(events, numbers))
        totals.add(records, rows, hashes, quantities, self.sums, self.decay)
        totals.retract_orders(records, *openings, self.sums, self.decay)
        result.touched[rows] = True
        last = np.full(len(records), -1, np.int64)
        last[rows] = np.arange(len(rows))
        for row in np.unique(rows).tolist():
            event = int(last[row])
            result.cause[row] = {"event_id": events.event_ids[event], "type": _KINDS[int(events.kind[event])]}

    def _identities(self, events: EventColumns) -> NDArray[np.uint64]:
        """Return the 48 bits by which duplicates are found, from ids, producers and kinds; never 0."""
        hashes = hash64(events.event_ids, _KEY + self.sampling_key)
        hashes = hashes ^ (events.producer * _PRODUCERS) ^ (events.kind * _KINDS_APART)
        identities: NDArray[np.uint64] = np.maximum(hashes >> _BITS, np.uint64(1))
        return identities

    def _add_purchased_items(
        self,
        records: Records,
        rows: NDArray[np.int64],
        events: EventColumns,
        items: OrderItems,
        opens_order: NDArray[np.bool_],
    ) -> None:
        """Add orders and their items to what their customers bought."""
        opening = np.flatnonzero(opens_order & (events.kind == Kind.PURCHASE) & (rows >= 0))
        has_buyer = rows[items.event] >= 0
        event = items.event[has_buyer]
        buyers, index = np.unique(np.concatenate([rows[opening], rows[event]]), return_inverse=True)
        if not len(buyers):
            return
        of_order, of_item = index[: len(opening)], index[len(opening) :]
        bought = own.Bought(of_order, events.time[opening], of_item, items.item[has_buyer], events.time[event])
        records.own[buyers] = own.add(records.own[buyers].tolist(), bought, self.purchases_half_life)

    def _erase(self, row: int, ids: list[str], records: Records, result: IngestResult) -> None:
        records.place(np.array([row]), self.codec.blank(1))
        result.closed = [one._replace(customer=None) if one.customer == ids[row] else one for one in result.closed]
        result.closed += self.baskets.forget_customer(ids[row])
        self.orders.forget(ids[row])
        self.transitions.forget(ids[row])
        result.erased_after[ids[row]] = len(result.runs)
        result.erased.append(row)
        result.touched[row] = False
        result.cause.pop(row, None)
        result.accepted += 1
