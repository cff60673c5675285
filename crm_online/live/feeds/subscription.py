"""One reader's feed, and where it resumes: the changes that match its filter, each once, from its cursor on."""

from __future__ import annotations

import asyncio
import time
from typing import Final

from crm_online.errors import StoreError
from crm_online.live.feeds import cursors
from crm_online.live.feeds.cursors import Cursor
from crm_online.live.feeds.events import GAP, ChangeFilter, FeedEvent, gap_event
from crm_online.live.feeds.ring import CHUNK, SCANNED
from crm_online.live.feeds.shared import SharedChanges
from crm_online.step import ChangeId

_RETRY: Final = b"retry: 2000\n"
_READ: Final = 200


class Subscription:
    """The feed of one reader, made by ``ChangeHub.subscribe``; iterate over its chunks of whole server-sent events.

    It resumes from its reader's cursor (`_begin`). What the ring no longer holds it reads from Redis (`_catch_up`),
    until it can go over to the ring (`_join`), where it is at a number that all share. So a slow reader costs no more
    than the chunk that its socket has not sent.

    Parameters
    ----------
    shared
        The changes as far as the hub knows them.
    matching
        Which changes.
    after
        The cursor from which it resumes; None: it begins with what comes next.
    """

    def __init__(self, shared: SharedChanges, matching: ChangeFilter, after: Cursor | None) -> None:
        self._shared, self._filter, self._after = shared, matching, after
        self._begun = self._closed = False
        self._from_begin = shared.empty
        # The number of the next change in the ring; None while it is read from Redis. Of the times that the state was
        # put back, those before ``_since`` were sent, or need not be.
        self._number: int | None = None
        self._since = 0
        # Its own cursor; None where it is the ring's at that number. And the last cursor that was sent.
        self._cursor: dict[int, ChangeId] | None = None
        self._sent_cursor = ""
        # Partitions whose cursor Redis has confirmed, though it is ahead of the ring.
        self._checked: set[int] = set()
        self._full = False
        self._opened = self._sent_at = time.monotonic()
        self._waiter: asyncio.Future[None] | None = None

    def __aiter__(self) -> Subscription:
        """Return itself."""
        return self

    async def __anext__(self) -> bytes:
        """Return the next chunk once there is one, or a comment if there is none for long."""
        shared = self._shared
        if self._full:
            await asyncio.sleep(0)  # others have their turn, and it is noticed if the reader is gone
        while not (self._closed or shared.ended or time.monotonic() - self._opened >= shared.times.longest):
            version = shared.version
            chunk, idle = await self._more()
            now = time.monotonic()
            if not chunk and idle and now - self._sent_at >= shared.times.keep_alive:
                position = b"id: %s\n\n" % self._sent_cursor.encode() if self._sent_cursor else b"\n"
                chunk = b": keep-alive\n" + position
            if chunk:
                self._sent_at, self._full = now, len(chunk) >= CHUNK
                return chunk
            if idle:
                await self._news(version)
            else:
                await asyncio.sleep(0)
        raise StopAsyncIteration

    def close(self) -> None:
        """End it."""
        self._closed = True
        self.wake()

    def wake(self) -> None:
        """Let it look for more."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def _news(self, version: int) -> None:
        """Wait until the hub knows more than at a version, or is to look at the clock."""
        if self._shared.version == version and not self._closed:
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter

    async def _more(self) -> tuple[bytes, bool]:
        """Return the next chunk, and whether nothing can come before the hub knows more."""
        ring = self._shared.ring
        if not self._begun:
            return self._begin()
        if self._number is not None and self._number < ring.begin:
            self._cursor = cursors.parse(self._sent_cursor) if self._cursor is None else self._cursor
            self._number = None
            self._checked.clear()
        if self._number is None:
            return await self._catch_up(self._cursor or {})
        if self._cursor is not None:
            return self._join(self._number, self._cursor)
        number = self._number
        chunk, self._number, self._sent_cursor = ring.chunk(number, self._filter)
        return chunk, self._number == number

    def _begin(self) -> tuple[bytes, bool]:
        """Resume from the reader's cursor, or begin with what comes next."""
        shared, gaps = self._shared, b""
        ring = shared.ring
        self._from_begin = self._from_begin or shared.empty
        if shared.empty or not shared.caught_up:
            return b"", True
        self._begun, self._since = True, ring.end
        if self._after is not None and self._after.keys() == ring.last.keys():
            self._cursor, self._sent_cursor = dict(self._after), cursors.text(self._after)
        elif self._after is None and self._from_begin:
            self._cursor = {partition: ChangeId(partition, 0, 0) for partition in ring.last}
            self._sent_cursor = cursors.text(self._cursor)
        else:
            self._number, self._sent_cursor = ring.end, ring.cursor
            if self._after is not None:  # a cursor in a state that had other partitions
                events = [gap_event(ChangeId(at, 0, 0), last, "rewound") for at, last in ring.last.items()]
                gaps = b"".join(event.at(self._sent_cursor) for event in events)
        return _RETRY + b"id: %s\n\n" % self._sent_cursor.encode() + gaps, False

    async def _catch_up(self, cursor: dict[int, ChangeId]) -> tuple[bytes, bool]:
        """Read from Redis what the ring does not hold, and go over to the ring."""
        ring, parts, idle = self._shared.ring, list[bytes](), True
        for rewind in ring.rewinds:
            partition = rewind.gap.partition
            lost = rewind.valid_upto is None or cursor[partition] > rewind.valid_upto
            if rewind.number >= self._since and lost:
                parts += self._advance(rewind.gap, cursor)
        self._since = ring.end
        for partition in cursor:
            # Ahead of the ring: the state was put back in time, or the ring does not know it yet. Redis does.
            ahead = cursor[partition] > ring.last[partition] and partition not in self._checked
            if not ahead and cursor[partition] >= ring.first[partition]:
                continue
            try:
                found = await self._shared.read(cursor[partition], _READ)
            except StoreError:
                return b"".join(parts), True
            if self._closed:
                break
            self._checked.add(partition)
            if found.gap == "rewound" and cursor[partition] <= ring.last[partition]:
                continue  # the hub will see it soon, for all subscriptions
            idle = idle and not (found.events or found.gap)
            if found.gap:
                parts += self._advance(gap_event(cursor[partition], found.after, found.gap), cursor)
            for event in found.events:
                parts += self._advance(event, cursor)
            if sum(map(len, parts)) >= CHUNK:
                break
        if cursor.keys() == ring.first.keys() and all(cursor[at] >= first for at, first in ring.first.items()):
            self._number, idle = ring.number_of(cursor), False
        return b"".join(parts), idle

    def _join(self, number: int, cursor: dict[int, ChangeId]) -> tuple[bytes, bool]:
        """Send from the ring what was not read from Redis, until the cursor is the ring's."""
        ring, parts, size = self._shared.ring, list[bytes](), 0
        most = min(ring.end, number + SCANNED)
        while number < most and size < CHUNK:
            event = ring.event(number)
            number += 1
            if event.id > cursor[event.partition]:
                more = self._advance(event, cursor)
                parts += more
                size += sum(map(len, more))
        self._number = number
        at_end = number == ring.end
        if at_end and cursor == ring.last:
            self._cursor, self._sent_cursor = None, ring.cursor
        return b"".join(parts), at_end and not parts

    def _advance(self, event: FeedEvent, cursor: dict[int, ChangeId]) -> list[bytes]:
        """Move the cursor to an event, and return its bytes if it matches."""
        cursor[event.partition] = event.id
        if event.kind == GAP or self._filter.matches(event):
            self._sent_cursor = cursors.text(cursor)
            return [event.at(self._sent_cursor)]
        return []
