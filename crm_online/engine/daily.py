"""What a shop did day by day: money, orders, who was active, and who is at risk. Partitions add up."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from crm_online.customers.records import NEVER
from crm_online.customers.sums import Quantities
from crm_online.engine.changes import to_json
from crm_online.errors import StateCorrupt
from crm_online.events.columns import Kind
from crm_online.step import Put, Remove, Write

NAME = "daily"
"""Name of the key: a hash, day since 1970 (UTC) → a row."""
KEPT = 400
"""Days that are kept; a gap as long as that counts as one without end."""
DAY = 86_400_000


@dataclass(slots=True)
class DailyRow:
    """One day.

    Attributes
    ----------
    revenue
        Money of all purchases.
    orders
        How many there were, those without a customer too.
    at_risk
        How many customers were reported in a risk band below one half when the day ended.
    gaps
        How many customers had an event, by the days since the one before; `KEPT` where there was none. In the days
        from ``a`` to ``b`` those were active once whose gap reaches back before ``a``, so the number of different
        customers of any period is a sum of these.
    """

    revenue: float = 0.0
    orders: int = 0
    at_risk: int = 0
    gaps: Counter[int] = field(default_factory=Counter)

    def encode(self) -> bytes:
        """Return the row as JSON."""
        gaps = {str(gap): self.gaps[gap] for gap in sorted(self.gaps)}
        return to_json({"revenue": self.revenue, "orders": self.orders, "at_risk": self.at_risk, "gaps": gaps})

    @classmethod
    def decode(cls, raw: bytes) -> DailyRow:
        """Read what :meth:`encode` wrote.

        Raises
        ------
        StateCorrupt
            If it is something else.
        """
        try:
            value = json.loads(raw)
            gaps = Counter({int(gap): int(customers) for gap, customers in value["gaps"].items()})
            return cls(float(value["revenue"]), int(value["orders"]), int(value["at_risk"]), gaps)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise StateCorrupt("a day of the shop cannot be read") from error


@dataclass(frozen=True, slots=True)
class DailyFigures:
    """The days of a shop, over all partitions.

    Attributes
    ----------
    rows
        By day since 1970, days on which nothing came left out.
    """

    rows: Mapping[int, DailyRow]

    @classmethod
    def of(cls, partitions: Iterable[Iterable[tuple[bytes, bytes]]]) -> DailyFigures:
        """Add partitions up, each as it is stored."""
        parts = [{int(day): DailyRow.decode(raw) for day, raw in pairs} for pairs in partitions]
        rows = {day: DailyRow() for day in sorted(set[int]().union(*parts))}
        for part in parts:
            at_risk = 0
            for day, total in rows.items():
                row = part.get(day)
                if row is not None:
                    total.revenue += row.revenue
                    total.orders += row.orders
                    total.gaps += row.gaps
                    at_risk = row.at_risk
                total.at_risk += at_risk
        return cls(rows)

    @property
    def first(self) -> int | None:
        """When the first day that is kept began, in ms; ``None``: there is none."""
        return min(self.rows) * DAY if self.rows else None

    @property
    def anonymous(self) -> bool:
        """Whether there were events, but none of a known customer."""
        return bool(self.rows) and not any(row.gaps for row in self.rows.values())

    def revenue(self, first: int, last: int) -> float:
        """Return the money of the purchases from one day to another, both included."""
        return sum(row.revenue for day, row in self.rows.items() if first <= day <= last)

    def orders(self, first: int, last: int) -> int:
        """Return the number of orders from one day to another, both included."""
        return sum(row.orders for day, row in self.rows.items() if first <= day <= last)

    def active(self, first: int, last: int) -> int:
        """Return how many different customers had an event from one day to another, both included.

        Examples
        --------
        >>> rows = {8: DailyRow(gaps=Counter({KEPT: 2})), 9: DailyRow(gaps=Counter({1: 1, KEPT: 3}))}
        >>> DailyFigures(rows).active(8, 9), DailyFigures(rows).active(9, 9)
        (5, 4)
        """
        return sum(
            customers
            for day, row in self.rows.items()
            if first <= day <= last
            for gap, customers in row.gaps.items()
            if gap > day - first
        )

    def at_risk(self, day: int) -> int:
        """Return how many customers were at risk when a day ended."""
        known = [one for one in self.rows if one <= day]
        return self.rows[max(known)].at_risk if known else 0


class RecordedDays:
    """The days of one partition.

    Parameters
    ----------
    stored
        The rows as they are stored.
    """

    def __init__(self, stored: Iterable[tuple[bytes, bytes]]) -> None:
        self.rows = {int(day): DailyRow.decode(raw) for day, raw in stored}
        self._touched = set[int]()
        self._at_risk = self.rows[max(self.rows)].at_risk if self.rows else 0

    def add(self, quantities: Quantities, rows: NDArray[np.int64], last_event: NDArray[np.int64]) -> None:
        """Add events, before they are added to their customers' records.

        Parameters
        ----------
        quantities
            What they bring; none of them counted before.
        rows
            int64[n]: the row of each event's customer, -1 where there is none.
        last_event
            int64: by row, when the customer's last event so far was, in ms. Who comes with an event of a day before
            that one is not counted as active on that day.
        """
        days, purchase = quantities.events.time // DAY, quantities.of_kind(Kind.PURCHASE)
        for day in np.unique(days).tolist():
            bought, row = (days == day) & purchase, self._row(day)
            row.revenue += float(quantities.value[bought].sum())
            row.orders += int(quantities.opens_order[bought].sum())
        known = rows >= 0
        who, when = np.unique(np.stack([rows[known], days[known]]), axis=1)
        before = np.where(last_event[who] == NEVER, when - KEPT, last_event[who] // DAY)
        before[1:] = np.where(who[1:] == who[:-1], np.maximum(when[:-1], before[1:]), before[1:])
        gap = np.minimum(when - before, KEPT)
        found = np.stack([when, gap])[:, gap > 0]
        for (day, length), customers in zip(*_counted(found), strict=True):
            self._row(day).gaps[length] += customers

    def retract(self, time: int) -> None:
        """Remove an order from the day of a time in ms, because an earlier line has turned up."""
        self._row(time // DAY).orders -= 1

    def change_at_risk(self, difference: int, now: int) -> None:
        """Add to the number of customers at risk, at a time in ms."""
        if difference:
            self._at_risk += difference
            self._row(now // DAY)

    def writes(self, now: int) -> Iterator[Write]:
        """Yield the writes for the days that changed and for the days that expire at a time in ms."""
        today = now // DAY
        first = today - KEPT + 1
        gone = [day for day in sorted(self.rows) if day < first]
        if gone and self.rows[gone[-1]].at_risk and first not in self.rows:
            self._row(first)  # what the days that go have said of the days after them stays
        touched = sorted(self._touched)
        self._touched.clear()
        for day in touched:
            if day >= today:
                self.rows[day].at_risk = self._at_risk
        for day in gone:
            del self.rows[day]
        if put := {_field(day): self.rows[day].encode() for day in touched if day in self.rows}:
            yield Put(NAME, put)
        if gone:
            yield Remove(NAME, [_field(day) for day in gone])

    def _row(self, day: int) -> DailyRow:
        self._touched.add(day)
        if day not in self.rows:
            earlier = [one for one in self.rows if one < day]
            self.rows[day] = DailyRow(at_risk=self.rows[max(earlier)].at_risk if earlier else 0)
        return self.rows[day]


def _counted(pairs: NDArray[np.int64]) -> tuple[list[list[int]], list[int]]:
    """Return the different columns, and how often each comes."""
    found, counts = np.unique(pairs, axis=1, return_counts=True)
    return found.T.tolist(), counts.tolist()


def _field(day: int) -> bytes:
    return b"%d" % day
