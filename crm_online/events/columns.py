"""Events as a struct of arrays: what the engine works on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]
Codes = NDArray[np.int32]
Floats = NDArray[np.float64]


class Kind(IntEnum):
    """What an event is, as a small number."""

    PURCHASE = 0
    RETURN = 1
    VIEW = 2
    FEEDBACK = 3
    CONTACT = 4
    PROFILE = 5
    OUTCOME = 6
    ERASE = 7
    CATALOGUE = 8
    OBJECTION = 9


KINDS: dict[str, Kind] = {kind.name.lower(): kind for kind in Kind}
"""The kind of each native ``type``."""


_OF_EVENTS = ("position", "kind", "time", "score", "producer")
_OF_LINES = ("quantity", "price")
_CODED = (("customer", "customers"), ("basket", "baskets"), ("item", "items"))


@dataclass(frozen=True, slots=True)
class EventColumns:
    """``n`` events with ``m`` lines, in the order of their source.

    Attributes
    ----------
    position
        Row of each event in its source, int64 ``[n]``.
    event_ids
        Id of each event.
    kind
        :class:`Kind` of each event, uint8 ``[n]``.
    customer
        Index into ``customers``, int32 ``[n]``; -1: unknown.
    customers
        Distinct customer ids, in the order in which they first appear.
    time
        Milliseconds since 1970 UTC, int64 ``[n]``.
    basket
        Index into ``baskets``, int32 ``[n]``; -1: the event is a whole basket by itself. Of a catalogue event it is the
        item: events of an item go the same way, as lines of a basket do.
    baskets
        Distinct basket ids, in the order in which they first appear.
    line_start
        Lines of event ``i`` are ``line_start[i]:line_start[i + 1]``, int64 ``[n + 1]``. Purchases, returns
        and views (one line of quantity 1 and price 0) have lines.
    item
        Index into ``items``, int32 ``[m]``; -1: an unknown product.
    items
        Distinct item names, in the order in which they first appear.
    quantity, price
        Of each line, float64 ``[m]``; the price is that of one unit.
    score
        Feedback from 0 to 1, float64 ``[n]``; NaN where there is none.
    producer
        Number of who sent each event, uint64 ``[n]``, see :func:`crm_online.events.producers.producer_number`: an id is
        the same event's from the same producer only.
    details
        By index of the event, what only some kinds have: ``attributes``; ``name`` and ``value``; ``channel``
        and ``reason``; the ``text`` of a feedback; whether an objection is ``withdrawn``.
    """

    position: Ints
    event_ids: list[str]
    kind: NDArray[np.uint8]
    customer: Codes
    customers: list[str]
    time: Ints
    basket: Codes
    baskets: list[str]
    line_start: Ints
    item: Codes
    items: list[str]
    quantity: Floats
    price: Floats
    score: Floats
    producer: NDArray[np.uint64]
    details: dict[int, dict[str, object]]

    def __len__(self) -> int:
        """Return the number of events."""
        return len(self.event_ids)

    @classmethod
    def empty(cls) -> EventColumns:
        """Return no events."""
        return cls(
            position=np.empty(0, np.int64),
            event_ids=[],
            kind=np.empty(0, np.uint8),
            customer=np.empty(0, np.int32),
            customers=[],
            time=np.empty(0, np.int64),
            basket=np.empty(0, np.int32),
            baskets=[],
            line_start=np.zeros(1, np.int64),
            item=np.empty(0, np.int32),
            items=[],
            quantity=np.empty(0),
            price=np.empty(0),
            score=np.empty(0),
            producer=np.empty(0, np.uint64),
            details={},
        )

    def select(self, chosen: Bools | Ints) -> EventColumns:
        """Return some of the events, by mask or by indices; names that are left over are dropped."""
        index = np.flatnonzero(chosen) if chosen.dtype == np.bool_ else chosen.astype(np.int64)
        first, counts = self.line_start[index], np.diff(self.line_start)[index]
        start = np.concatenate(([0], np.cumsum(counts, dtype=np.int64)))
        lines = np.repeat(first - start[:-1], counts) + np.arange(start[-1])
        columns: dict[str, Any] = {name: getattr(self, name)[index] for name in _OF_EVENTS}
        columns |= {name: getattr(self, name)[lines] for name in _OF_LINES}
        for codes, names in _CODED:
            chosen_codes = getattr(self, codes)[lines if codes == "item" else index]
            columns[codes], columns[names] = _compact(chosen_codes, getattr(self, names))
        ids, details = self.event_ids, self.details
        return EventColumns(
            **columns,
            event_ids=[ids[i] for i in index.tolist()],
            line_start=start,
            details={new: details[old] for new, old in enumerate(index.tolist()) if old in details} if details else {},
        )


def erasing(columns: EventColumns) -> Bools:
    """Return which events take their customer out of the state, bool[n]: erasures, and objections not withdrawn."""
    chosen: Bools = (columns.kind == Kind.ERASE) & (columns.customer >= 0)
    for index in np.flatnonzero(columns.kind == Kind.OBJECTION).tolist():
        chosen[index] = not columns.details[index]["withdrawn"]
    return chosen


def timeless(events: EventColumns) -> Bools:
    """Return which events count where they are read, whatever their time is, bool[n]: erasures and objections."""
    chosen: Bools = (events.kind == Kind.ERASE) | (events.kind == Kind.OBJECTION)
    return chosen


def concat(parts: Sequence[EventColumns]) -> EventColumns:
    """Return the events of all parts, one part after the other."""
    if not parts:
        return EventColumns.empty()
    if len(parts) == 1:
        return parts[0]
    counts = np.concatenate([np.diff(part.line_start) for part in parts])
    offsets = np.cumsum([0, *map(len, parts)]).tolist()
    columns: dict[str, Any] = {}
    for name in (*_OF_EVENTS, *_OF_LINES):
        columns[name] = np.concatenate([getattr(part, name) for part in parts])
    for codes, names in _CODED:
        columns[codes], columns[names] = _merge([(getattr(part, codes), getattr(part, names)) for part in parts])
    return EventColumns(
        **columns,
        event_ids=[event_id for part in parts for event_id in part.event_ids],
        line_start=np.concatenate(([0], np.cumsum(counts, dtype=np.int64))),
        details={
            offset + index: detail
            for offset, part in zip(offsets, parts, strict=False)
            for index, detail in part.details.items()
        },
    )


def hash64(texts: Sequence[str], key: str) -> NDArray[np.uint64]:
    """Return a stable 64-bit hash (SipHash) of each text, uint64 ``[n]``; another key, another hash.

    Examples
    --------
    >>> bool(hash64(["a"], "sample")[0] == hash64(["b", "a"], "sample")[1])
    True
    """
    import pandas as pd

    values = np.empty(len(texts), dtype=object)
    values[:] = texts
    digest = blake2b(key.encode(), digest_size=8).hexdigest()
    return pd.util.hash_array(values, hash_key=digest, categorize=False)


def partition_of(columns: EventColumns, partitions: int) -> Ints:
    """Return the partition of each event, int64 ``[n]``.

    It is the hash of the customer's id; of the basket's when the customer is unknown; of the event's when
    there is neither.
    """
    if partitions == 1:
        return np.zeros(len(columns), np.int64)
    hashes = np.zeros(len(columns), np.uint64)
    known = columns.customer >= 0
    hashes[known] = hash64(columns.customers, "partition")[columns.customer[known]]
    gathered = ~known & (columns.basket >= 0)
    if gathered.any():
        used, codes = np.unique(columns.basket[gathered], return_inverse=True)
        hashes[gathered] = hash64([columns.baskets[i] for i in used.tolist()], "partition")[codes]
    alone = np.flatnonzero(~known & ~gathered)
    if alone.size:
        hashes[alone] = hash64([columns.event_ids[i] for i in alone.tolist()], "partition")
    return (hashes % np.uint64(partitions)).astype(np.int64)


def _compact(codes: Codes, names: list[str]) -> tuple[Codes, list[str]]:
    import pandas as pd

    new, used = pd.factorize(np.where(codes < 0, len(names), codes))
    order = used.tolist()
    if len(names) in order:  # the unknown has a place of its own in the order: take it out
        gap = order.index(len(names))
        del order[gap]
        new = np.where(new == gap, -1, np.where(new > gap, new - 1, new))
    return new.astype(np.int32), [names[i] for i in order]


def _merge(parts: list[tuple[Codes, list[str]]]) -> tuple[Codes, list[str]]:
    merged: dict[str, int] = {}
    columns = []
    for codes, names in parts:
        place = np.array([merged.setdefault(name, len(merged)) for name in names] + [-1], np.int32)
        columns.append(place[codes])
    return np.concatenate(columns), list(merged)
