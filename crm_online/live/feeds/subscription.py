"""One reader's feed on the server: the changes that match its filter, each once, from its cursor on."""

from __future__ import annotations

import asyncio
import time
from typing import Final

from crm_online.errors import StoreError
from crm_online.live.feeds import cursors
from crm_online.live.feeds.cursors import Cursor
from crm_online.live.feeds.events import ChangeFilter, FeedEvent, gap_event
from crm_online.live.feeds.modes import JoiningRing, Mode, Opening, ReadingRedis, ReadingRing
from crm_online.live.feeds.ring import CHUNK, SCANNED
from crm_online.live.feeds.shared import SharedChanges
from crm_online.step import ChangeId

_RETRY: Final = b"retry: 2000\n"
_READ: Final = 200


class Subscription:
    """One reader's feed, made by ``ChangeHub.subscribe``; iterate over its chunks of complete server-sent events.

    It resumes from its reader's cursor: `_open` → `_read_redis`, until the ring holds what comes next → `_join_ring`,
    until its cursor is the ring's → `_read_ring`; and back to `_read_redis` when the ring has dropped what comes next.
    So a slow reader costs no more memory than the chunk that its socket has not sent.

    Parameters
    ----------
    shared
        The changes as far as the hub has read them.
    matching
        Which changes.
    after
        The cursor from which it resumes; None: it starts after the last change.
    """

    def __init__(self, shared: SharedChanges, matching: ChangeFilter, after: Cursor | None) -> None:
        self._shared, self._filter, self._after = shared, matching, after
        self._mode: Mode = Opening(from_first=shared.empty)
        self._sent_cursor = ""
        self._closed = self._chunk_was_full = False
        self._opened = self._sent_at = time.monotonic()
        self._waiter: asyncio.Future[None] | None = None

    def __aiter__(self) -> Subscription:
        """Return itself."""
        return self

    async def __anext__(self) -> bytes:
        """Wait for the next chunk and return it, or a comment after `FeedTimes.keep_alive` without one."""
        shared = self._shared
        if self._chunk_was_full:
            await asyncio.sleep(0)  # others have their turn, and it is noticed if the reader is gone
        while not (self._closed or shared.ended or time.monotonic() - self._opened >= shared.times.longest):
            version = shared.version
            chunk, idle = await self._next_chunk()
            now = time.monotonic()
            if not chunk and idle and now - self._sent_at >= shared.times.keep_alive:
                position = b"id: %s\n\n" % self._sent_cursor.encode() if self._sent_cursor else b"\n"
                chunk = b": keep-alive\n" + position
            if chunk:
                self._sent_at, self._chunk_was_full = now, len(chunk) >= CHUNK
                return chunk
            if idle:
                await self._wait_for_change(version)
            else:
                await asyncio.sleep(0)
        raise StopAsyncIteration

    def close(self) -> None:
        """End it."""
        self._closed = True
        self.wake()

    def wake(self) -> None:
        """End its wait for changes."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def _wait_for_change(self, version: int) -> None:
        """Wait until the hub's version is another one, or it wakes all subscriptions to look at the clock."""
        if self._shared.version == version and not self._closed:
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter

    async def _next_chunk(self) -> tuple[bytes, bool]:
        """Return the next chunk, and whether there is nothing to read before the hub's version is another one."""
        mode, begin = self._mode, self._shared.ring.begin
        if isinstance(mode, JoiningRing | ReadingRing) and mode.number < begin:
            cursor = mode.cursor if isinstance(mode, JoiningRing) else cursors.parse(self._sent_cursor)
            self._mode = mode = ReadingRedis(cursor, rewinds_from=mode.number)
        match mode:
            case Opening():
                return self._open(mode)
            case ReadingRedis():
                return await self._read_redis(mode)
            case JoiningRing():
                return self._join_ring(mode)
            case ReadingRing():
                return self._read_ring(mode)

    def _open(self, mode: Opening) -> tuple[bytes, bool]:
        """Decide where it resumes, once the hub has read all kept changes."""
        shared, ring, gaps = self._shared, self._shared.ring, b""
        mode.from_first = mode.from_first or shared.empty
        if shared.empty or not shared.caught_up:
            return b"", True
        if self._after is not None and self._after.keys() == ring.last.keys():
            self._mode = ReadingRedis(dict(self._after), rewinds_from=ring.end)
            self._sent_cursor = cursors.text(self._after)
        elif self._after is None and mode.from_first:
            first = {partition: ChangeId(partition, 0, 0) for partition in ring.last}
            self._mode, self._sent_cursor = ReadingRedis(first, rewinds_from=ring.end), cursors.text(first)
        else:
            self._mode, self._sent_cursor = ReadingRing(ring.end), ring.cursor
            if self._after is not None:  # a cursor in a state that had other partitions
                events = [gap_event(ChangeId(at, 0, 0), last, "rewound") for at, last in ring.last.items()]
                gaps = b"".join(event.at(self._sent_cursor) for event in events)
        return _RETRY + b"id: %s\n\n" % self._sent_cursor.encode() + gaps, False

    async def _read_redis(self, mode: ReadingRedis) -> tuple[bytes, bool]:
        """Send from Redis what the ring does not hold, and join the ring once it holds what comes next."""
        ring, cursor, idle = self._shared.ring, mode.cursor, True
        parts = self._rewound(mode)
        for partition in cursor:
            # Ahead of the ring: the state was put back in time, or the hub has not read so far yet. Redis has it.
            ahead = cursor[partition] > ring.last[partition] and partition not in mode.confirmed
            if not ahead and ring.has_all_after(cursor[partition]):
                continue
            try:
                found = await self._shared.read(cursor[partition], _READ, mode.known.get(partition, {}))
            except StoreError:
                return b"".join(parts), True
            if self._closed:
                break
            mode.confirmed.add(partition)
            mode.known[partition] = found.trimmed
            if found.gap == "rewound" and cursor[partition] <= ring.last[partition]:
                continue  # the hub finds it with its next poll, for all subscriptions
            idle = idle and not (found.events or found.gap)
            if found.gap:
                parts += self._advance(found.gap_event(cursor[partition]), cursor)
            for event in found.events:
                parts += self._advance(event, cursor)
            if sum(map(len, parts)) >= CHUNK:
                break
        if cursor.keys() == ring.last.keys() and all(map(ring.has_all_after, cursor.values())):
            self._mode, idle = JoiningRing(cursor, ring.number_of(cursor)), False
        return b"".join(parts), idle

    def _rewound(self, mode: ReadingRedis) -> list[bytes]:
        """Return the gaps of the rewinds that undid changes up to its cursor, and move the cursor there."""
        ring, cursor, parts = self._shared.ring, mode.cursor, list[bytes]()
        for rewind in ring.rewinds:
            undone = rewind.valid_upto is None or cursor[rewind.gap.partition] > rewind.valid_upto
            if rewind.number >= mode.rewinds_from and undone:
                parts += self._advance(rewind.gap, cursor)
        mode.rewinds_from = ring.end
        return parts

    def _join_ring(self, mode: JoiningRing) -> tuple[bytes, bool]:
        """Send from the ring what was not read from Redis, until the cursor is the ring's."""
        ring, cursor, parts, size = self._shared.ring, mode.cursor, list[bytes](), 0
        stop = min(ring.end, mode.number + SCANNED)
        while mode.number < stop and size < CHUNK:
            event = ring.event(mode.number)
            mode.number += 1
            if event.id > cursor[event.partition]:
                sent = self._advance(event, cursor)
                parts += sent
                size += sum(map(len, sent))
        at_end = mode.number == ring.end
        if at_end and cursor == ring.last:
            self._mode, self._sent_cursor = ReadingRing(mode.number), ring.cursor
        return b"".join(parts), at_end and not parts

    def _read_ring(self, mode: ReadingRing) -> tuple[bytes, bool]:
        """Send the ring's next chunk."""
        begin = mode.number
        chunk, mode.number, self._sent_cursor = self._shared.ring.chunk(begin, self._filter)
        return chunk, mode.number == begin

    def _advance(self, event: FeedEvent, cursor: dict[int, ChangeId]) -> list[bytes]:
        """Move the cursor to an event, and return its bytes if it matches."""
        cursor[event.partition] = event.id
        if self._filter.matches(event):
            self._sent_cursor = cursors.text(cursor)
            return [event.at(self._sent_cursor)]
        return []
