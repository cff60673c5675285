"""The quantities of events that customers' decayed sums add up, by name.

A feature names the sums that it reads; a customer's record keeps the sums of the features in use.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from crm_online.events.columns import EventColumns, Kind


@dataclass(frozen=True, slots=True)
class Quantities:
    """What each of ``n`` events brings: the columns that sums are made of.

    Attributes
    ----------
    events
        The events themselves.
    value, pieces, lines
        float64[n]: money, pieces and number of lines of each event.
    opens_order
        bool[n]: True for the event that opens an order or a return: the earliest of its basket. Where an earlier one
        comes later, what the one before brought by opening it is subtracted; of that only kind and time are known.
    """

    events: EventColumns
    value: NDArray[np.float64]
    pieces: NDArray[np.float64]
    lines: NDArray[np.float64]
    opens_order: NDArray[np.bool_]

    @classmethod
    def of(cls, events: EventColumns, opens_order: NDArray[np.bool_]) -> Quantities:
        """Add the lines of each event up."""
        counts = np.diff(events.line_start)
        owner = np.repeat(np.arange(len(events)), counts)
        n = len(events)
        return cls(
            events=events,
            value=_by_event(owner, events.quantity * events.price, n),
            pieces=_by_event(owner, events.quantity, n),
            lines=counts.astype(np.float64),
            opens_order=opens_order,
        )

    @classmethod
    def of_openings(
        cls, kind: NDArray[np.uint8], time: NDArray[np.int64], opens_order: NDArray[np.bool_]
    ) -> Quantities:
        """Return events of some kinds at some times that bring nothing, but may open orders or returns."""
        n = len(kind)
        nothing = np.zeros(n)
        events = replace(
            EventColumns.empty(),
            position=np.zeros(n, np.int64),
            event_ids=[""] * n,
            kind=kind,
            customer=np.full(n, -1, np.int32),
            time=time,
            basket=np.full(n, -1, np.int32),
            line_start=np.zeros(n + 1, np.int64),
            score=np.full(n, np.nan),
        )
        return cls(events, nothing, nothing, nothing, opens_order)

    def of_kind(self, kind: Kind) -> NDArray[np.bool_]:
        """Return which events are of a kind."""
        return np.equal(self.events.kind, kind)


def _by_event(owner: NDArray[np.int64], values: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    # Without lines, bincount gives whole numbers whatever the weights are.
    return np.bincount(owner, values, n).astype(np.float64)


def _orders(of: Quantities) -> NDArray[np.float64]:
    return (of.opens_order & of.of_kind(Kind.PURCHASE)).astype(np.float64)


def _spend(of: Quantities) -> NDArray[np.float64]:
    return np.where(of.of_kind(Kind.PURCHASE), of.value, 0.0)


def _lines(of: Quantities) -> NDArray[np.float64]:
    return np.where(of.of_kind(Kind.PURCHASE), of.lines, 0.0)


def _returned(of: Quantities) -> NDArray[np.float64]:
    return np.where(of.of_kind(Kind.RETURN), of.value, 0.0)


def _views(of: Quantities) -> NDArray[np.float64]:
    return of.of_kind(Kind.VIEW).astype(np.float64)


def _scores(of: Quantities) -> NDArray[np.float64]:
    return np.where(of.of_kind(Kind.FEEDBACK), np.nan_to_num(of.events.score), 0.0)


def _feedbacks(of: Quantities) -> NDArray[np.float64]:
    return of.of_kind(Kind.FEEDBACK).astype(np.float64)


def _contacts(of: Quantities) -> NDArray[np.float64]:
    return of.of_kind(Kind.CONTACT).astype(np.float64)


Quantity = Callable[[Quantities], NDArray[np.float64]]
"""What each event of a batch adds to a sum, before decay: float64[n]."""

SUMS: dict[str, Quantity] = {
    "orders": _orders,
    "spend": _spend,
    "lines": _lines,
    "returned": _returned,
    "views": _views,
    "scores": _scores,
    "feedbacks": _feedbacks,
    "contacts": _contacts,
}
"""The sums that several features may read; a feature can add its own, see :class:`Feature.adds`."""
