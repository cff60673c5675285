"""Events into records and baskets: what a batch of events adds to its customers."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from crm_online.baskets.open import ClosedBasket, OpenBaskets
from crm_online.baskets.orders import OrderItems
from crm_online.baskets.sampled import SampledOrders
from crm_online.customers import own, totals
from crm_online.customers.records import RecordCodec, Records
from crm_online.customers.sums import Quantities
from crm_online.decay import Decay
from crm_online.engine.sampling import Heard
from crm_online.events.columns import EventColumns, Kind, hash64
from crm_online.itemsets.names import ItemNames

_KEY = "crm-online/event"
_BITS = np.uint64(16)
_KINDS = {kind.value: kind.name.lower() for kind in Kind}


@dataclass(slots=True)
class Taken:
    """What a batch of events did.

    Attributes
    ----------
    cause
        By row of the customer: the last event that counted, as changes tell it.
    touched
        bool[n]: customers with an event that counted.
    erased
        Rows of customers who were erased, in order; they may have come back since.
    whole, withdrawn
        Baskets that are whole now, and that were so before and have got more lines: time and item ids.
    heard
        The events of known customers, run by run between erasures.
    forgotten
        Customers who were erased: how many of the runs were before.
    accepted, duplicates, doubtful
        How many events counted, and how many were seen before; how many baskets may be part of one that is forgotten.
    """

    cause: dict[int, dict[str, object]]
    touched: NDArray[np.bool_]
    erased: list[int] = field(default_factory=list)
    whole: list[ClosedBasket] = field(default_factory=list)
    withdrawn: list[ClosedBasket] = field(default_factory=list)
    heard: list[Heard] = field(default_factory=list)
    forgotten: dict[str, int] = field(default_factory=dict)
    accepted: int = 0
    duplicates: int = 0
    doubtful: int = 0

    def remembered(self) -> list[Heard]:
        """Return what was heard, without what customers said before they were erased."""
        return [
            part.without({name for name, before in self.forgotten.items() if before > number})
            for number, part in enumerate(self.heard)
        ]


@dataclass(slots=True)
class Intake:
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
    own_half_life
        In which what a customer bought fades to half, in ms; ``None``: not at all.
    """

    codec: RecordCodec
    sums: list[str]
    decay: Decay
    items: ItemNames
    baskets: OpenBaskets
    orders: SampledOrders
    own_half_life: int | None

    def take(self, events: EventColumns, ids: list[str], records: Records, watermark: int) -> Taken:
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
        """
        taken = Taken(cause={}, touched=np.zeros(len(ids), bool))
        row_of = {customer: row for row, customer in enumerate(ids)}
        rows = np.array([row_of[customer] for customer in events.customers] + [-1], np.int64)[events.customer]
        erasures = np.flatnonzero((events.kind == Kind.ERASE) & (rows >= 0)).tolist()
        begin = 0
        for erasure in [*erasures, len(events)]:
            run = np.arange(begin, erasure)
            if len(run) or erasure == len(events):
                self._add(
                    events.select(run) if len(run) < len(events) else events, rows[run], records, watermark, taken
                )
            if erasure < len(events):
                self._erase(int(rows[erasure]), ids, records, taken)
            begin = erasure + 1
        return taken

    def _add(
        self, events: EventColumns, rows: NDArray[np.int64], records: Records, watermark: int, taken: Taken
    ) -> None:
        hashes = np.maximum(hash64(events.event_ids, _KEY) >> _BITS, np.uint64(1))
        again = totals.duplicates(records, rows, hashes)
        if again.any():
            taken.duplicates += int(again.sum())
            events, rows, hashes = events.select(~again), rows[~again], hashes[~again]
        taken.accepted += len(events)
        numbers = np.append(self.items.numbers(events.items), -1)[events.item]
        gathered = self.baskets.gather(events, numbers, watermark)
        taken.whole += gathered.closed
        taken.withdrawn += gathered.withdrawn
        taken.doubtful += gathered.doubtful
        retracted = [(event, time) for event, time in gathered.retracted if rows[event] >= 0]
        where = np.array([event for event, _ in retracted], np.int64)
        openings = rows[where], events.kind[where], np.array([time for _, time in retracted], np.int64)
        order_items = OrderItems.of(events, numbers)
        self.orders.offer(events, order_items)
        opens = gathered.opens_order.copy()
        opens[[event for event, _ in gathered.retracted]] = (
            False  # an order that begins earlier than was known is no other
        )
        self._own(records, rows, events, order_items, opens)
        known = rows >= 0
        if not known.all():
            lines = np.repeat(known, np.diff(events.line_start))
            events, rows, hashes, numbers = events.select(known), rows[known], hashes[known], numbers[lines]
        taken.heard.append(Heard(events, numbers))
        quantities = Quantities.of(events, gathered.opens_order[known])
        totals.add(records, rows, hashes, quantities, self.sums, self.decay)
        totals.retract_orders(records, *openings, self.sums, self.decay)
        taken.touched[rows] = True
        last = np.full(len(records), -1, np.int64)
        last[rows] = np.arange(len(rows))
        for row in np.unique(rows).tolist():
            event = int(last[row])
            taken.cause[row] = {"event_id": events.event_ids[event], "type": _KINDS[int(events.kind[event])]}

    def _own(
        self,
        records: Records,
        rows: NDArray[np.int64],
        events: EventColumns,
        items: OrderItems,
        opens_order: NDArray[np.bool_],
    ) -> None:
        """Add orders and their items to what their customers bought."""
        opening = np.flatnonzero(opens_order & (events.kind == Kind.PURCHASE) & (rows >= 0))
        known = rows[items.event] >= 0
        event = items.event[known]
        buyers, place = np.unique(np.concatenate([rows[opening], rows[event]]), return_inverse=True)
        if not len(buyers):
            return
        of_order, of_item = place[: len(opening)], place[len(opening) :]
        bought = own.Bought(of_order, events.time[opening], of_item, items.item[known], events.time[event])
        records.own[buyers] = own.add(records.own[buyers].tolist(), bought, self.own_half_life)

    def _erase(self, row: int, ids: list[str], records: Records, taken: Taken) -> None:
        records.place(np.array([row]), self.codec.blank(1))
        taken.whole += self.baskets.forget_customer(ids[row])
        self.orders.forget(ids[row])
        taken.forgotten[ids[row]] = len(taken.heard)
        taken.erased.append(row)
        taken.touched[row] = False
        taken.cause.pop(row, None)
        taken.accepted += 1
