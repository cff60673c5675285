"""Open baskets: lines are gathered by basket id until the basket is counted, and again if more of them come late."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from crm_online.baskets.anonymous import AnonymousQuota, BasketsByKnown
from crm_online.baskets.basket import Basket
from crm_online.baskets.counted import SEPARATOR, CountedBaskets
from crm_online.baskets.lines import Lines, gathered_lines
from crm_online.events.columns import EventColumns, Kind
from crm_online.step import Put, Remove, Write

NAME = "open-baskets"
_PURCHASE = f"{int(Kind.PURCHASE)}{SEPARATOR}"


class ClosedBasket(NamedTuple):
    """A basket to be counted, or withdrawn: time of its first line in ms, its items' ids in ascending order, whose."""

    time: int
    items: list[int]
    customer: str | None


@dataclass(slots=True)
class BasketUpdate:
    """What one batch of events did to the baskets.

    Attributes
    ----------
    opens_order
        bool[n]: True for the first line of each order or return, where none that came before was as early.
    retracted
        Openings of orders and returns that are not true any more, since these begin earlier than was known or are part
        of another: an event of the same customer and kind, and the time in ms at which it was opened.
    closed
        Baskets that are closed now, in a fixed order.
    withdrawn
        Baskets that were closed before, and have got more lines.
    doubtful
        How many baskets began where earlier ones are forgotten already: each may be part of one of them.
    """

    opens_order: NDArray[np.bool_]
    retracted: list[tuple[int, int]] = field(default_factory=list)
    closed: list[ClosedBasket] = field(default_factory=list)
    withdrawn: list[ClosedBasket] = field(default_factory=list)
    doubtful: int = 0


@dataclass(slots=True)
class OpenBaskets:
    """The baskets of one partition, by key (kind, customer, basket id): those that are open, and those counted last.

    Lines of a key belong to one basket when the pauses between them, in order of time, are at most ``open_for``: a
    session window. A basket closes once the watermark has passed its last line by ``open_for``, or at the end of the
    log. Lines that come later are added to it all the same, as long as it is remembered: it is withdrawn, and closed
    again with them. So neither the order of rows nor where a log is cut decides what a basket is.

    Parameters
    ----------
    open_for
        Milliseconds of event time.
    counted
        The baskets that were counted and are remembered.
    quota
        Which baskets of unknown customers are counted.

    Notes
    -----
    Session windows that merge when late data arrives, with retraction of what was emitted: Akidau et al., The Dataflow
    Model, VLDB 2015.
    """

    open_for: int
    counted: CountedBaskets
    quota: AnonymousQuota = field(default_factory=lambda: AnonymousQuota(None, BasketsByKnown()))
    baskets: dict[str, Basket] = field(default_factory=dict)
    _changed: set[str] = field(default_factory=set)
    _gone: set[str] = field(default_factory=set)

    def load(self, raw: Iterable[tuple[bytes, bytes]]) -> None:
        """Load the open baskets of the store, in the order of their keys."""
        self.baskets = {key.decode(): Basket.decode(value) for key, value in sorted(raw)}

    def gather(self, events: EventColumns, items: NDArray[np.int64], watermark: int) -> BasketUpdate:
        """Add a batch of events, and take out the baskets that close.

        Parameters
        ----------
        events
            The events of the batch, of every kind.
        items
            int64[m]: the partition's id of each line's item, -1 for an unknown product.
        watermark
            The largest event time of the log so far.
        """
        update = BasketUpdate(opens_order=np.zeros(len(events), bool))
        order = np.flatnonzero((events.kind == Kind.PURCHASE) | (events.kind == Kind.RETURN))
        alone = order[events.basket[order] < 0]
        update.opens_order[alone] = True
        for event in alone[events.kind[alone] == Kind.PURCHASE].tolist():
            lines = items[events.line_start[event] : events.line_start[event + 1]]
            found = sorted(set(lines[lines >= 0].tolist()))
            code = events.customer[event]
            customer = events.customers[code] if code >= 0 else None
            if found and self.quota.admits(known=customer is not None):
                update.closed.append(ClosedBasket(int(events.time[event]), found, customer))
        for part in gathered_lines(events, items, order[events.basket[order] >= 0], self.open_for):
            self._add(update, part)
        self._close(update, watermark)
        return update

    def close_all(self) -> list[ClosedBasket]:
        """Close every open basket, at the end of the log."""
        update = BasketUpdate(opens_order=np.zeros(0, bool))
        self._close(update, None)
        return update.closed

    def forget_customer(self, customer: str) -> list[ClosedBasket]:
        """Close a customer's baskets, so that none of them waits under the customer's id; they are nobody's then."""
        update = BasketUpdate(opens_order=np.zeros(0, bool))
        for key in sorted(key for key in self.baskets if key.split(SEPARATOR, 2)[1] == customer):
            self._finish(update, key)
        self.counted.forget_customer(customer)
        return [basket._replace(customer=None) for basket in update.closed]

    def writes(self) -> Iterator[Write]:
        """Write what has changed."""
        if self._gone:
            yield Remove(NAME, [key.encode() for key in sorted(self._gone)])
        if self._changed:
            yield Put(NAME, {key.encode(): self.baskets[key].encode() for key in sorted(self._changed)})
        self._gone, self._changed = set(), set()
        yield from self.counted.writes()

    def _add(self, update: BasketUpdate, lines: Lines) -> None:
        key, begin, end = lines.key, lines.begin, lines.end
        parts = self.counted.remove_near(key, begin, end, self.open_for)
        if len(parts) == 1 and key not in self.baskets and _adds_nothing(lines, parts[0]):
            parts[0].last = max(parts[0].last, end)
            self.counted.keep(key, parts[0])
            return
        if key.startswith(_PURCHASE):
            for part in parts:
                if part.admitted is not None:
                    self.quota.withdraw(known=_customer(key) is not None, admitted=part.admitted)
            update.withdrawn += [_closed(key, part) for part in parts if part.admitted]
        basket = self.baskets.get(key)
        if basket is not None and basket.near(begin, end, self.open_for):
            parts.append(basket)
        elif basket is not None:
            self._finish(update, key)
        self._open(update, lines, sorted(part.first for part in parts))
        merged = self.baskets[key] = Basket(begin, end, set(lines.items))
        for part in parts:
            merged.add(part)
        self._changed.add(key)
        self._gone.discard(key)

    def _open(self, update: BasketUpdate, lines: Lines, before: list[int]) -> None:
        """Let the earliest line open the order: of what was opened before, in order of time, the rest is retracted."""
        if not before:
            update.doubtful += self.counted.doubtful(lines.begin, self.open_for)
        if not before or lines.begin < before[0]:
            update.opens_order[lines.event] = True
        else:
            before = before[1:]
        update.retracted += [(lines.event, time) for time in before]

    def _close(self, update: BasketUpdate, watermark: int | None) -> None:
        due = [
            key for key, basket in self.baskets.items() if watermark is None or watermark > basket.last + self.open_for
        ]
        for key in sorted(due, key=lambda key: (self.baskets[key].first, key)):
            self._finish(update, key)

    def _finish(self, update: BasketUpdate, key: str) -> None:
        basket = self.baskets.pop(key)
        self._changed.discard(key)
        self._gone.add(key)
        if basket.items and key.startswith(_PURCHASE):
            basket.admitted = self.quota.admits(known=_customer(key) is not None, before=basket.admitted)
            if basket.admitted:
                update.closed.append(_closed(key, basket))
        self.counted.keep(key, basket)


def _closed(key: str, basket: Basket) -> ClosedBasket:
    return ClosedBasket(basket.first, sorted(basket.items), _customer(key))


def _customer(key: str) -> str | None:
    return key.split(SEPARATOR, 2)[1] or None


def _adds_nothing(lines: Lines, basket: Basket) -> bool:
    """Return whether a basket is counted as it would be with the lines."""
    return lines.begin >= basket.first and basket.items.issuperset(lines.items)
