"""What a log holds, counted again from its native events; nothing of the code under test is in here.

It holds for logs whose partitions are in order of time, and in which an event that is there twice is so within its
customer's last 16: otherwise the answer hangs on where steps end. And for logs that have ended: the last baskets of a
partition are counted by a worker once an event, or time, has passed them by ``baskets.open_for``.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from tests.customers.plain import DAY, Plain

MINUTE = 60_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)
RELATIVE = 1e-9
REMEMBERED = 16

Event = Mapping[str, Any]


def milliseconds(text: str) -> int:
    """Return an ISO 8601 time as ms since 1970; without a zone it is UTC."""
    moment = datetime.fromisoformat(text)
    return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - EPOCH) // MILLISECOND


@dataclass
class Oracle:
    """The customers and the baskets of a log.

    Attributes
    ----------
    customers
        By id: the totals, and every feature as of the time asked for.
    baskets
        The items of each basket that has any.
    """

    customers: pd.DataFrame
    baskets: list[frozenset[str]]

    def count(self, items: Iterable[str]) -> int:
        """Return how many baskets hold all these items."""
        bits = [self._bits.get(item, 0) for item in items]
        both = bits[0]
        for other in bits[1:]:
            both &= other
        return both.bit_count()

    def frequent(self, min_support: float, max_size: int = 3) -> dict[tuple[str, ...], int]:
        """Return the sets of at most two or three items that so large a share of the baskets holds, and how many do."""
        least = min_support * len(self.baskets) * (1 - RELATIVE)
        items = sorted(item for item in self._bits if self.count([item]) >= least)
        found: dict[tuple[str, ...], int] = {(item,): self.count([item]) for item in items}
        for size in range(2, max_size + 1):
            # Each part of a frequent set is frequent: only sets of such items, with such pairs, are looked at.
            for some in self._candidates(items, size, found):
                if (count := self.count(some)) >= least:
                    found[some] = count
        return found

    @staticmethod
    def _candidates(items: list[str], size: int, found: Mapping[tuple[str, ...], int]) -> Iterator[tuple[str, ...]]:
        if size == 2:
            yield from combinations(items, 2)
            return
        for first, second in [pair for pair in found if len(pair) == 2]:
            for third in items:
                if third > second and (first, third) in found and (second, third) in found:
                    yield first, second, third

    @cached_property
    def _bits(self) -> dict[str, int]:
        """By item, a number whose bits say which baskets hold it."""
        places: defaultdict[str, list[int]] = defaultdict(list)
        for place, basket in enumerate(self.baskets):
            for item in basket:
                places[item].append(place)
        return {item: _number(held, len(self.baskets)) for item, held in places.items()}


def recount(
    log: Iterable[Event], as_of: str, *, half_life: int | None = 90 * DAY, open_for: int = 30 * MINUTE
) -> Oracle:
    """Count a log again.

    Parameters
    ----------
    log
        Its native events as JSON decodes them, those of each partition in their order; what is no event is left out.
    as_of
        The time at which features are read, as ``export --as-of`` takes it.
    half_life, open_for
        The settings ``features.half_life`` and ``baskets.open_for``, in ms.
    """
    count = _Count()
    for event in log:
        if _is_event(event):
            count.add(event, milliseconds(event["time"]))
    baskets = count.close(open_for)
    rows = {name: _row(plain, milliseconds(as_of), half_life) for name, plain in sorted(count.customers.items())}
    return Oracle(pd.DataFrame.from_dict(rows, orient="index"), [items for items in baskets if items])


@dataclass
class _Part:
    """A purchase or return, whole or some lines of it."""

    kind: str
    customer: str | None
    owner: Plain | None
    basket: str | None
    time: int
    items: frozenset[str]


@dataclass
class _Count:
    customers: dict[str, Plain] = field(default_factory=dict)
    _recent: dict[str, deque[str]] = field(default_factory=dict)
    _parts: list[_Part] = field(default_factory=list)

    def add(self, event: Event, time: int) -> None:
        customer = None if event.get("customer_id") is None else str(event["customer_id"])
        if event["type"] == "erase":
            self.customers.pop(str(customer), None)
            self._recent.pop(str(customer), None)
            return
        if customer is not None and self._again(customer, event.get("event_id")):
            return
        plain = None if customer is None else self.customers.setdefault(customer, Plain())
        if event["type"] in ("purchase", "return"):
            items = frozenset(str(line["item"]) for line in event["items"] if line["item"] is not None)
            basket = None if event.get("basket_id") is None else str(event["basket_id"])
            self._parts.append(_Part(event["type"], customer, plain, basket, time, items))
        if plain is not None:
            plain.events += 1
            plain.times.append(time)
            for name, amount in _amounts(event, plain, time).items():
                plain.amounts.setdefault(name, []).append((time, amount))

    def close(self, open_for: int) -> list[frozenset[str]]:
        """Gather lines into orders and returns, count them with their customers, and return what was bought in each."""
        bought: list[frozenset[str]] = []
        gathered: defaultdict[object, list[_Part]] = defaultdict(list)
        for number, part in enumerate(self._parts):
            # Who was erased and came back is somebody else, also for lines of the same basket.
            gathered[number if part.basket is None else (part.kind, part.customer, id(part.owner), part.basket)].append(
                part
            )
        for parts in gathered.values():
            parts.sort(key=lambda part: part.time)
            begin = 0
            for end in range(1, len(parts) + 1):
                if end == len(parts) or parts[end].time - parts[end - 1].time > open_for:
                    _count_order(parts[begin])
                    if parts[begin].kind == "purchase":
                        bought.append(frozenset().union(*(part.items for part in parts[begin:end])))
                    begin = end
        return bought

    def _again(self, customer: str, event_id: object) -> bool:
        recent = self._recent.setdefault(customer, deque(maxlen=REMEMBERED))
        if event_id is not None and str(event_id) in recent:
            return True
        recent.append("" if event_id is None else str(event_id))
        return False


def _count_order(first: _Part) -> None:
    if first.owner is None:
        return
    if first.kind == "purchase":
        first.owner.orders += 1
        first.owner.amounts.setdefault("orders", []).append((first.time, 1.0))
    else:
        first.owner.returns += 1


def _amounts(event: Event, plain: Plain, time: int) -> dict[str, float]:
    """Return what an event adds to decayed sums, but for orders; a purchase is added to the plain totals too."""
    match event["type"]:
        case "purchase":
            value = _value(event)
            plain.purchases.append(time)
            plain.spend += value
            plain.items += sum(float(line.get("quantity", 1)) for line in event["items"])
            return {"spend": value, "lines": len(event["items"])}
        case "return":
            return {"returned": _value(event)}
        case "view":
            return {"views": 1}
        case "feedback":
            return {"scores": float(event["score"]), "feedbacks": 1}
        case "contact":
            return {"contacts": 1}
        case _:
            return {}


def _value(event: Event) -> float:
    return sum(float(line.get("quantity", 1)) * float(line.get("price", 0)) for line in event["items"])


def _is_event(event: Event) -> bool:
    """Tell events from what a log holds by mistake: no such type, no customer, no time, no lines."""
    kind, customer = event.get("type"), event.get("customer_id")
    try:
        milliseconds(event["time"])
    except (KeyError, TypeError, ValueError):
        return False
    if kind in ("purchase", "return"):
        return bool(event.get("items")) and customer != ""
    return kind in ("view", "feedback", "contact", "profile", "outcome", "erase") and customer not in ("", None)


def _row(plain: Plain, as_of: int, half_life: int | None) -> dict[str, object]:
    return {
        "events": plain.events,
        "purchases": plain.orders,
        "returns": plain.returns,
        "spend": plain.spend,
        "items": plain.items,
        "first_event": min(plain.times),
        "last_event": max(plain.times),
        **plain.features(as_of, half_life),
    }


def _number(bits: list[int], size: int) -> int:
    mask = np.zeros(size, bool)
    mask[bits] = True
    return int.from_bytes(np.packbits(mask, bitorder="little").tobytes(), "little")
