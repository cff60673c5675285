"""Open baskets: lines are gathered by basket id until the basket is counted once."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from crm_online.errors import StateCorrupt
from crm_online.events.columns import EventColumns, Kind

_HEAD = struct.Struct("<Bqq")
_VERSION = 1
_SEPARATOR = "\x1f"


@dataclass(slots=True)
class OpenBasket:
    """A basket that may get more lines: first and last line's time in ms, and the ids of its items."""

    first: int
    last: int
    items: set[int]

    def encode(self) -> bytes:
        """Return the basket as bytes."""
        return _HEAD.pack(_VERSION, self.first, self.last) + np.array(sorted(self.items), "<i4").tobytes()

    @classmethod
    def decode(cls, raw: bytes) -> OpenBasket:
        """Return the basket of some bytes; raises ``StateCorrupt`` where they are none."""
        if len(raw) < _HEAD.size or raw[0] != _VERSION or (len(raw) - _HEAD.size) % 4:
            raise StateCorrupt("an open basket in the state cannot be read")
        _, first, last = _HEAD.unpack_from(raw)
        return cls(first, last, set(np.frombuffer(raw, "<i4", offset=_HEAD.size).tolist()))


@dataclass(slots=True)
class Gathered:
    """What one batch of events did to the baskets.

    Attributes
    ----------
    opens_order
        bool[n]: True for the first event of each order or return.
    whole
        Baskets that are whole now: their time in ms and their items' ids, in a fixed order.
    """

    opens_order: NDArray[np.bool_]
    whole: list[tuple[int, list[int]]] = field(default_factory=list)


@dataclass(slots=True)
class OpenBaskets:
    """The open baskets of one partition, by key.

    A line belongs to the open basket of its key (kind, customer, basket id) when it is at most
    ``open_for`` away from it in event time; otherwise it opens a new one. A basket is whole once
    the watermark has passed its last line by ``open_for``. Only event times and the log's watermark
    decide, so the baskets are the same over any number of partitions.

    Parameters
    ----------
    open_for
        Milliseconds of event time.
    """

    open_for: int
    baskets: dict[str, OpenBasket] = field(default_factory=dict)
    changed: set[str] = field(default_factory=set)
    gone: set[str] = field(default_factory=set)

    def load(self, raw: Iterator[tuple[bytes, bytes]]) -> None:
        """Take the open baskets from the store, in the order of their keys."""
        self.baskets = {key.decode(): OpenBasket.decode(value) for key, value in sorted(raw)}

    def gather(self, events: EventColumns, items: NDArray[np.int64], watermark: int) -> Gathered:
        """Add a batch of events, and take out the baskets that are whole.

        Parameters
        ----------
        events
            The events of the batch, of every kind.
        items
            int64[m]: the partition's id of each line's item, -1 for an unknown product.
        watermark
            The largest event time of the log so far.
        """
        gathered = Gathered(opens_order=np.zeros(len(events), bool))
        order = np.flatnonzero((events.kind == Kind.PURCHASE) | (events.kind == Kind.RETURN))
        alone = order[events.basket[order] < 0]
        gathered.opens_order[alone] = True
        for event in alone[events.kind[alone] == Kind.PURCHASE].tolist():
            lines = items[events.line_start[event] : events.line_start[event + 1]]
            self._emit(gathered, int(events.time[event]), set(lines[lines >= 0].tolist()))
        self._gather_lines(gathered, events, items, order[events.basket[order] >= 0])
        self._close(gathered, watermark)
        return gathered

    def close_all(self) -> Gathered:
        """Take every basket out: the log has ended."""
        gathered = Gathered(opens_order=np.zeros(0, bool))
        self._close(gathered, None)
        return gathered

    def forget_customer(self, customer: str) -> list[tuple[int, list[int]]]:
        """Take a customer's baskets out: they are whole now, so that nothing of theirs waits under their name."""
        gathered = Gathered(opens_order=np.zeros(0, bool))
        for key in sorted(key for key in self.baskets if key.split(_SEPARATOR, 2)[1] == customer):
            self._finish(gathered, key, self.baskets.pop(key))
        return gathered.whole

    def _gather_lines(
        self, gathered: Gathered, events: EventColumns, items: NDArray[np.int64], rows: NDArray[np.int64]
    ) -> None:
        by_key = (events.basket[rows], events.customer[rows], events.kind[rows])
        rows = rows[np.lexsort((rows, events.time[rows], *by_key))]
        keys = np.stack([events.kind[rows], events.customer[rows], events.basket[rows]], axis=1)
        cuts = np.flatnonzero((keys[1:] != keys[:-1]).any(axis=1)) + 1
        starts = np.r_[0, cuts] if len(rows) else cuts
        ends = np.r_[cuts, len(rows)] if len(rows) else cuts
        for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
            self._gather_basket(gathered, events, items, rows[start:end])

    def _gather_basket(
        self, gathered: Gathered, events: EventColumns, items: NDArray[np.int64], rows: NDArray[np.int64]
    ) -> None:
        first = int(rows[0])
        customer = events.customers[events.customer[first]] if events.customer[first] >= 0 else ""
        basket_id = events.baskets[events.basket[first]]
        key = f"{int(events.kind[first])}{_SEPARATOR}{customer}{_SEPARATOR}{basket_id}"
        times = events.time[rows]
        cuts = np.flatnonzero(np.diff(times) > self.open_for) + 1
        for part in np.split(np.arange(len(rows)), cuts) if len(cuts) else [np.arange(len(rows))]:
            begin, end = int(times[part[0]]), int(times[part[-1]])
            basket = self.baskets.get(key)
            if basket and (begin > basket.last + self.open_for or end < basket.first - self.open_for):
                self._finish(gathered, key, self.baskets.pop(key))
                basket = None
            if basket is None:
                basket = self.baskets[key] = OpenBasket(begin, end, set())
                gathered.opens_order[rows[part[0]]] = True
            basket.first, basket.last = min(basket.first, begin), max(basket.last, end)
            for event in rows[part].tolist():
                lines = items[events.line_start[event] : events.line_start[event + 1]].tolist()
                basket.items.update(lines)
            basket.items.discard(-1)
            self.changed.add(key)
            self.gone.discard(key)

    def _close(self, gathered: Gathered, watermark: int | None) -> None:
        due = [
            key for key, basket in self.baskets.items() if watermark is None or watermark > basket.last + self.open_for
        ]
        for key in sorted(due, key=lambda key: (self.baskets[key].first, key)):
            self._finish(gathered, key, self.baskets.pop(key))

    def _finish(self, gathered: Gathered, key: str, basket: OpenBasket) -> None:
        self.changed.discard(key)
        self.gone.add(key)
        if key.startswith(f"{int(Kind.PURCHASE)}{_SEPARATOR}"):
            self._emit(gathered, basket.first, basket.items)

    @staticmethod
    def _emit(gathered: Gathered, time: int, items: set[int]) -> None:
        if items:
            gathered.whole.append((time, sorted(items)))
