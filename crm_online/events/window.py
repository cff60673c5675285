"""The chunks of a log in order, with what follows them where that decides on them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator

import numpy as np

from crm_online.events.columns import EventColumns
from crm_online.events.reader import DecodedRows

ROWS = 10_000
"""Most rows that are looked through: those of a file read in a wrong way may hold no event at all."""


class Window:
    """The chunks of a log one by one, of which later ones can be looked at before it is their turn.

    Parameters
    ----------
    chunks
        The chunks.
    later
        The events that come after them.
    """

    def __init__(self, chunks: Iterator[DecodedRows], later: Iterable[EventColumns]) -> None:
        self._chunks, self._later = chunks, iter(later)
        self._seen: deque[DecodedRows] = deque()
        self._beyond: list[EventColumns] = []

    def __iter__(self) -> Iterator[DecodedRows]:
        while True:
            if self._seen:
                yield self._seen.popleft()
            elif (chunk := next(self._chunks, None)) is not None:
                yield chunk
            else:
                return

    def following(self, count: int) -> tuple[list[EventColumns], bool]:
        """Return the next ``count`` events after the current chunk, and whether the log ends within them.

        No more than ``ROWS`` rows are looked through for them.
        """
        parts: list[EventColumns] = []
        looked = 0
        for rows, events in self._ahead():
            missing = count - sum(map(len, parts))
            if missing <= 0 or looked >= ROWS:
                return parts, False
            parts.append(events if len(events) <= missing else events.select(np.arange(missing)))
            looked += rows
        return parts, sum(map(len, parts)) < count

    def rest(self) -> int:
        """Return how many events of the log come after the current chunk."""
        self._seen += self._chunks
        return sum(len(chunk.events) for chunk in self._seen)

    def _ahead(self) -> Iterator[tuple[int, EventColumns]]:
        """Yield the next chunks as numbers of rows and events; what is read ahead is kept and comes in order later."""
        yield from [(chunk.rows.end - chunk.rows.begin, chunk.events) for chunk in self._seen]
        for chunk in self._chunks:
            self._seen.append(chunk)
            yield chunk.rows.end - chunk.rows.begin, chunk.events
        yield from [(len(events), events) for events in self._beyond]
        for events in self._later:
            self._beyond.append(events)
            yield len(events), events
