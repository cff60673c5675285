"""The last changes in memory, for all feeds together."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Final

from crm_online.live.feeds import places
from crm_online.live.feeds.places import Mark
from crm_online.live.feeds.told import MOVE, Told, Wanted

CHUNK: Final = 32_768
"""Bytes of events from which on a chunk gets no more."""
_OVERHEAD: Final = 1000
"""Bytes that a change takes in memory beside its event, about."""
_SIGNPOST: Final = 256
SCANNED: Final = 2000
"""Changes that are looked at for one chunk: where few are wanted, others get their turn in between."""
_CHUNKS: Final = 256
_REWINDS: Final = 100


class Ring:
    """The last changes, numbered as they came; the numbers are this process's own.

    Parameters
    ----------
    most_bytes
        How many bytes the changes may take, about.

    Attributes
    ----------
    begin, end
        Number of the first change that is held, and of the next one to come.
    first, last
        The places before the first and behind the last change, by partition.
    rewinds
        The last gaps that told of a state put back in time, which are not held: number, the mark up to which all is as
        it was told (None: nothing is), and the gap.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most, self._bytes = most_bytes, 0
        self._held: list[Told] = []
        self._chunks: dict[tuple[int, Wanted], tuple[bytes, int, str]] = {}
        self._signposts: list[tuple[int, dict[int, Mark]]] = []
        self._written: dict[int, str] = {}
        self.begin = self.end = 0
        self.first: dict[int, Mark] = {}
        self.last: dict[int, Mark] = {}
        self.rewinds: deque[tuple[int, Mark | None, Told]] = deque(maxlen=_REWINDS)

    def start(self, place: Mapping[int, Mark]) -> None:
        """Hold nothing, at a place."""
        self._drop(len(self._held))
        self.rewinds.clear()
        self.first, self.last = dict(sorted(place.items())), dict(sorted(place.items()))
        self._written = {partition: places.text({partition: mark}) for partition, mark in self.first.items()}

    @property
    def place(self) -> str:
        """The place behind the last change, as it is written."""
        return ",".join(self._written.values())

    def add(self, changes: Iterable[Told]) -> None:
        """Add changes at the end."""
        self._chunks.clear()
        for change in changes:
            if not self.end % _SIGNPOST:
                self._signposts.append((self.end, dict(self.last)))
            self.last[change.partition] = change.mark
            self._written[change.partition] = places.text({change.partition: change.mark})
            change.place = self.place
            if change.body:
                change.whole = change.at(change.place)
            self._held.append(change)
            self._bytes += len(change.whole) + _OVERHEAD
            self.end += 1
        gone, kept = 0, self._bytes
        if kept > self._most:
            while kept > self._most * 3 // 4:
                kept -= len(self._held[gone].whole) + _OVERHEAD
                gone += 1
            self._drop(gone)

    def rewind(self, gap: Told, sure: Mark | None) -> None:
        """Drop all that is held, since the state was put back in time: so every feed loses its number, and looks."""
        self.rewinds.append((self.end, sure, gap))
        self.add([gap])
        self._drop(len(self._held))

    def forget(self, customers: set[str]) -> None:
        """Blank the changes of customers up to those that say that they were erased; they may have come again since."""
        self._chunks.clear()
        gone = set[str]()
        for change in reversed(self._held):
            if change.key not in customers or change.kind != "segment-change":
                continue
            if change.says_goodbye:
                gone.add(change.key)
            elif change.key in gone:
                self._bytes -= len(change.whole)
                change.blank()

    def moves_of(self, customer: str, most: int) -> list[bytes]:
        """Return the last moves of a customer that are held, as JSON, the newest first."""
        of_customer = (told.data for told in reversed(self._held) if told.key == customer and told.kind == MOVE)
        return list(islice(of_customer, most))

    def number_of(self, place: Mapping[int, Mark]) -> int:
        """Return a number from which on nothing is missing for who is at a place; what comes may be known to them."""
        for number, signpost in reversed(self._signposts):
            if all(mark <= place[partition] for partition, mark in signpost.items()):
                return number
        return self.begin

    def change(self, number: int) -> Told:
        """Return a change that is held."""
        return self._held[number - self.begin]

    def chunk(self, number: int, wanted: Wanted) -> tuple[bytes, int, str]:
        """Return wanted events from a number on, the next number, and the place there.

        All who want the same from the same number share one chunk.
        """
        found = self._chunks.get((number, wanted))
        if found is None:
            parts, size, next_ = list[bytes](), 0, number
            most = min(self.end, number + SCANNED)
            while next_ < most and size < CHUNK:
                change = self.change(next_)
                next_ += 1
                if wanted.takes(change):
                    parts.append(change.whole)
                    size += len(change.whole)
            place = self.change(next_ - 1).place if next_ > number else self.place
            if len(self._chunks) >= _CHUNKS:
                self._chunks.clear()
            found = self._chunks[number, wanted] = b"".join(parts), next_, place
        return found

    def _drop(self, count: int) -> None:
        for change in self._held[:count]:
            self.first[change.partition] = change.mark
            self._bytes -= len(change.whole) + _OVERHEAD
        del self._held[:count]
        self.begin += count
        self._signposts = [signpost for signpost in self._signposts if signpost[0] >= self.begin]
        self._chunks.clear()
