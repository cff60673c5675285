"""The last changes in memory, for all subscriptions together."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from itertools import islice
from typing import Final, NamedTuple

from crm_online.live.feeds.cursors import Cursor
from crm_online.live.feeds.events import MOVE, OF_CUSTOMERS, REJECT, ChangeFilter, FeedEvent
from crm_online.step import ChangeId
from crm_online.store.entries import RejectSearch

CHUNK: Final = 32_768
"""Bytes of events from which on a chunk gets no more."""
_OVERHEAD: Final = 1000
"""Bytes of memory of an event besides its text, about."""
_SIGNPOST: Final = 256
"""Changes between two numbers at which the cursor is kept, so that a cursor's number is found."""
SCANNED: Final = 2000
"""Changes that are looked at for one chunk: where few match, others get their turn in between."""
_CHUNKS: Final = 256
_REWINDS: Final = 100


class Rewind(NamedTuple):
    """A state that was put back in time.

    Attributes
    ----------
    number
        Number in the ring of its gap.
    valid_upto
        The last change before it up to which all changes still hold; None: no change is certain to.
    gap
        The gap that is sent to readers beyond that change.
    """

    number: int
    valid_upto: ChangeId | None
    gap: FeedEvent


class Ring:
    """The last changes of all partitions, numbered from 0 in the order in which this process read them.

    Parameters
    ----------
    most_bytes
        How many bytes the changes may take, about.

    Attributes
    ----------
    begin
        Number of the first change that is held.
    end
        Number that the next change gets.
    before_first
        By partition, the change before the first one that is held.
    complete_after
        By partition, the change after which Redis had all, of every kind, when the ring began.
    last
        By partition, the last change that is held; if none is, the same as ``before_first``.
    rewinds
        The last times that the state was put back in time; their gaps are not held.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most, self._bytes = most_bytes, 0
        self._held: list[FeedEvent] = []
        self._chunks: dict[tuple[int, ChangeFilter], tuple[bytes, int, str]] = {}
        self._signposts: list[tuple[int, dict[int, ChangeId]]] = []
        self._written: dict[int, str] = {}
        self.begin = self.end = 0
        self.before_first: dict[int, ChangeId] = {}
        self.complete_after: dict[int, ChangeId] = {}
        self.last: dict[int, ChangeId] = {}
        self.rewinds: deque[Rewind] = deque(maxlen=_REWINDS)

    def start(self, cursor: Cursor, complete: Cursor) -> None:
        """Drop all changes, and hold those of another state from a cursor on; it may have other partitions.

        Up to the cursor ``complete`` that state keeps changes of some kinds only.
        """
        self._drop(len(self._held))
        self.rewinds.clear()
        self.before_first, self.last = dict(sorted(cursor.items())), dict(sorted(cursor.items()))
        self.complete_after = dict(complete)
        self._written = {partition: str(last) for partition, last in self.before_first.items()}

    def has_all_after(self, change: ChangeId) -> bool:
        """Return whether all changes of its partition after a change are held, of every kind."""
        partition = change.partition
        return change >= max(self.before_first[partition], self.complete_after.get(partition, change))

    @property
    def cursor(self) -> str:
        """The cursor after the last change, as it is written."""
        return ",".join(self._written.values())

    def add(self, events: Iterable[FeedEvent]) -> None:
        """Add changes at the end."""
        self._chunks.clear()
        for event in events:
            if not self.end % _SIGNPOST:
                self._signposts.append((self.end, dict(self.last)))
            self.last[event.partition] = event.id
            self._written[event.partition] = str(event.id)
            event.cursor = self.cursor
            if event.body:
                event.framed = event.at(event.cursor)
            self._held.append(event)
            self._bytes += len(event.framed) + _OVERHEAD
            self.end += 1
        gone, kept = 0, self._bytes
        if kept > self._most:
            while kept > self._most * 3 // 4:
                kept -= len(self._held[gone].framed) + _OVERHEAD
                gone += 1
            self._drop(gone)

    def rewind(self, gap: FeedEvent, valid_upto: ChangeId | None) -> None:
        """Drop all changes, as the state was put back in time; so all subscriptions look at `rewinds`."""
        self.rewinds.append(Rewind(self.end, valid_upto, gap))
        self.complete_after.pop(gap.partition, None)
        self.add([gap])
        self._drop(len(self._held))

    def forget(self, customers: set[str]) -> None:
        """Blank changes of erased customers, and rejects that name them, up to the erasure; later ones stay."""
        self._chunks.clear()
        gone, search = set[str](), RejectSearch(customers)
        for event in reversed(self._held):
            if event.kind == REJECT and gone and not gone.isdisjoint(search.named(event.data)):
                self._bytes -= len(event.framed)
                event.blank()
            if event.key not in customers or event.kind not in OF_CUSTOMERS:
                continue
            if event.is_erasure:
                gone.add(event.key)
            elif event.key in gone:
                self._bytes -= len(event.framed)
                event.blank()

    def moves_of(self, customer: str, most: int) -> list[bytes]:
        """Return the last moves of a customer that are held, as JSON, the newest first."""
        of_customer = (event.data for event in reversed(self._held) if event.key == customer and event.kind == MOVE)
        return list(islice(of_customer, most))

    def number_of(self, cursor: Cursor) -> int:
        """Return the number from which on to look for the changes after a cursor: none of them is before it.

        It is that of the last signpost before the cursor, so some changes from there on are before the cursor.
        """
        for number, signpost in reversed(self._signposts):
            if all(last <= cursor[partition] for partition, last in signpost.items()):
                return number
        return self.begin

    def event(self, number: int) -> FeedEvent:
        """Return a change that is held."""
        return self._held[number - self.begin]

    def chunk(self, number: int, matching: ChangeFilter) -> tuple[bytes, int, str]:
        """Return the matching events from a number on, the next number, and the cursor there.

        Subscriptions with the same filter share one chunk from the same number.
        """
        found = self._chunks.get((number, matching))
        if found is None:
            parts, size, next_ = list[bytes](), 0, number
            most = min(self.end, number + SCANNED)
            while next_ < most and size < CHUNK:
                event = self.event(next_)
                next_ += 1
                if matching.matches(event):
                    parts.append(event.framed)
                    size += len(event.framed)
            cursor = self.event(next_ - 1).cursor if next_ > number else self.cursor
            if len(self._chunks) >= _CHUNKS:
                self._chunks.clear()
            found = self._chunks[number, matching] = b"".join(parts), next_, cursor
        return found

    def _drop(self, count: int) -> None:
        for event in self._held[:count]:
            self.before_first[event.partition] = event.id
            self._bytes -= len(event.framed) + _OVERHEAD
        del self._held[:count]
        self.begin += count
        self._signposts = [signpost for signpost in self._signposts if signpost[0] >= self.begin]
        self._chunks.clear()
