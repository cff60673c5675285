"""One reader's feed: the changes that it wants, each once, from its place on."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from crm_online.errors import StoreError
from crm_online.live.feeds import places
from crm_online.live.feeds.places import Mark
from crm_online.live.feeds.ring import CHUNK, SCANNED
from crm_online.live.feeds.told import GAP, Told, Wanted, gap

if TYPE_CHECKING:
    from crm_online.live.feeds.hub import ChangeHub

_RETRY: Final = b"retry: 2000\n"
_READ: Final = 200


class Feed:
    """The feed of one reader, made by ``ChangeHub.feed``; iterate over its chunks of whole server-sent events.

    It is at a number in the ring that all share, or, while it is behind, at a place of its own that it reads from in
    Redis. So a slow reader costs no more than the chunk that it has not taken.
    """

    def __init__(self, hub: ChangeHub, wanted: Wanted, after: Mapping[int, Mark] | None) -> None:
        self._hub, self._wanted, self._after = hub, wanted, after
        self._begun = self._closed = False
        self._from_begin = hub.empty
        # The number of the next change in the ring; None while it is read from Redis. Up to ``_since`` the feed has
        # heard, or needs not hear, that the state was put back in time.
        self._number: int | None = None
        self._since = 0
        # Its own place; None where it is the ring's at that number. And the last place that the reader was told.
        self._place: dict[int, Mark] | None = None
        self._written = ""
        # Partitions whose place Redis has confirmed, though it is ahead of the ring.
        self._checked: set[int] = set()
        self._full = False
        self._opened = self._said = time.monotonic()
        self._waiter: asyncio.Future[None] | None = None

    def __aiter__(self) -> Feed:
        """Return itself."""
        return self

    async def __anext__(self) -> bytes:
        """Return the next chunk once there is one, or a comment if there is none for long."""
        times = self._hub.times
        if self._full:
            await asyncio.sleep(0)  # others have their turn, and it is heard if the reader is gone
        while not (self._closed or self._hub.ended or time.monotonic() - self._opened >= times.longest):
            version = self._hub.version
            chunk, idle = await self._more()
            now = time.monotonic()
            if not chunk and idle and now - self._said >= times.keep_alive:
                chunk = b": keep-alive\n" + (b"id: %s\n\n" % self._written.encode() if self._written else b"\n")
            if chunk:
                self._said, self._full = now, len(chunk) >= CHUNK
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
        if self._hub.version == version and not self._closed:
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter

    async def _more(self) -> tuple[bytes, bool]:
        """Return the next chunk, and whether nothing can come before the hub knows more."""
        ring = self._hub.ring
        if not self._begun:
            return self._begin()
        if self._number is not None and self._number < ring.begin:
            self._place = places.parse(self._written) if self._place is None else self._place
            self._number = None
            self._checked.clear()
        if self._number is None:
            return await self._catch_up(self._place or {})
        if self._place is not None:
            return self._join(self._number, self._place)
        number = self._number
        chunk, self._number, self._written = ring.chunk(number, self._wanted)
        return chunk, self._number == number

    def _begin(self) -> tuple[bytes, bool]:
        """Begin where the reader was, or with what comes next."""
        hub, said = self._hub, b""
        self._from_begin = self._from_begin or hub.empty
        if hub.empty or not hub.caught_up:
            return b"", True
        self._begun, self._since = True, hub.ring.end
        if self._after is not None and self._after.keys() == hub.ring.last.keys():
            self._place, self._written = dict(self._after), places.text(self._after)
        elif self._after is None and self._from_begin:
            self._place = dict.fromkeys(hub.ring.last, (0, 0))
            self._written = places.text(self._place)
        else:
            self._number, self._written = hub.ring.end, hub.ring.place
            if self._after is not None:  # a place in a state that had other partitions
                gaps = [gap(partition, (0, 0), mark, "rewound") for partition, mark in hub.ring.last.items()]
                said = b"".join(one.at(self._written) for one in gaps)
        return _RETRY + b"id: %s\n\n" % self._written.encode() + said, False

    async def _catch_up(self, place: dict[int, Mark]) -> tuple[bytes, bool]:
        """Read from Redis what the ring does not hold, and go over to the ring."""
        ring, parts, idle = self._hub.ring, list[bytes](), True
        for number, sure, told in ring.rewinds:
            if number >= self._since and (sure is None or place[told.partition] > sure):
                parts += self._told(told, place)
        self._since = ring.end
        for partition in place:
            # Ahead of the ring: the state was put back in time, or the ring has not heard of it yet. Redis knows.
            ahead = place[partition] > ring.last[partition] and partition not in self._checked
            if not ahead and place[partition] >= ring.first[partition]:
                continue
            try:
                found = await self._hub.read(partition, place[partition], _READ)
            except StoreError:
                return b"".join(parts), True
            if self._closed:
                break
            self._checked.add(partition)
            if found.missed == "rewound" and place[partition] <= ring.last[partition]:
                continue  # the hub will see it soon, and tell it to all
            idle = idle and not (found.changes or found.missed)
            if found.missed:
                parts += self._told(gap(partition, place[partition], found.mark, found.missed), place)
            for change in found.changes:
                parts += self._told(change, place)
            if sum(map(len, parts)) >= CHUNK:
                break
        if place.keys() == ring.first.keys() and all(place[at] >= mark for at, mark in ring.first.items()):
            self._number, idle = ring.number_of(place), False
        return b"".join(parts), idle

    def _join(self, number: int, place: dict[int, Mark]) -> tuple[bytes, bool]:
        """Take from the ring what was not read from Redis, until the place is the ring's."""
        ring, parts, size = self._hub.ring, list[bytes](), 0
        most = min(ring.end, number + SCANNED)
        while number < most and size < CHUNK:
            change = ring.change(number)
            number += 1
            if change.mark > place[change.partition]:
                more = self._told(change, place)
                parts += more
                size += sum(map(len, more))
        self._number = number
        at_end = number == ring.end
        if at_end and place == ring.last:
            self._place, self._written = None, ring.place
        return b"".join(parts), at_end and not parts

    def _told(self, change: Told, place: dict[int, Mark]) -> list[bytes]:
        """Take a change into the place, and return it as an event if it is wanted."""
        place[change.partition] = change.mark
        if change.kind == GAP or self._wanted.takes(change):
            self._written = places.text(place)
            return [change.at(self._written)]
        return []
