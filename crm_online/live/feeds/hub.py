"""The changes as they come, for many feeds at once: Redis is asked by one reader, whoever is connected."""

from __future__ import annotations

import asyncio
import json
import logging
import math
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

from crm_online.answers.segments import Flows
from crm_online.answers.service import Rejects
from crm_online.engine.state import NAME, PartitionState
from crm_online.errors import StateBeingRead, StateMissing, StoreError
from crm_online.live.feeds.behind import Behind, begin, behind
from crm_online.live.feeds.feed import Feed
from crm_online.live.feeds.places import Mark
from crm_online.live.feeds.ring import Ring
from crm_online.live.feeds.tally import Tally
from crm_online.live.feeds.told import Wanted, gap
from crm_online.live.troubles import NO_STATE, UNREADABLE
from crm_online.store import PartitionStore, Store, reads
from crm_online.store.keys import CHANGES, META, SEQUENCE, TOKEN

_log = logging.getLogger(__name__)
_READ: Final = 1000
_SLOWEST: Final = 1.0
_BEING_READ: Final = "the changes that are kept are being read"


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds.

    Attributes
    ----------
    poll
        Between two looks for new changes.
    keep_alive
        Of silence after which a feed gets a comment, so that nothing between takes it for dead.
    longest
        That a feed is open at most; its reader comes again.
    """

    poll: float = 0.05
    keep_alive: float = 15.0
    longest: float = math.inf


@dataclass(slots=True)
class _Partition:
    """What was read of a partition."""

    store: PartitionStore
    mark: Mark
    body: bytes = b""
    meta: list[bytes | None] | None = None
    more: bool = True

    def claimed(self, meta: list[bytes | None]) -> bool:
        """Tell whether somebody took the partition over since it was read: perhaps it is one of another state."""
        return self.meta is None or self.meta[0] != meta[0]

    def learn(self, found: Behind, meta: list[bytes | None]) -> None:
        """Take what was found for known."""
        if found.missed:
            self.mark, self.body = found.mark, b""
        if found.changes:
            self.mark, self.body = found.changes[-1].mark, found.changes[-1].body
        self.meta, self.more = meta, len(found.changes) == _READ


@dataclass(frozen=True, slots=True)
class _News:
    """What a look found.

    Attributes
    ----------
    start
        The place where it began, if it is the first look at this state.
    found, kept
        By partition, what stands behind what was known, and how many changes are kept.
    more
        Whether there may be more already.
    """

    start: Mapping[int, Mark] | None
    found: Mapping[int, Behind]
    kept: Mapping[int, int]
    more: bool


class ChangeHub:
    """The changes of a state, read once for all feeds.

    Parameters
    ----------
    store
        The state; it may be empty at first.
    times
        How often it looks, and so on.
    most_bytes
        How much memory the last changes may take that feeds share.

    Attributes
    ----------
    ring
        The last changes.
    version
        Rises whenever feeds can go on.
    empty, caught_up, ended
        Whether there is no state yet; whether all changes that are kept have been read; whether feeds are to end.
    """

    def __init__(self, store: Store, times: Times | None = None, most_bytes: int = 64_000_000) -> None:
        self.times = times or Times()
        self.ring = Ring(most_bytes)
        self.version = 0
        self.empty = self.caught_up = self.ended = False
        self._store, self._tally = store, Tally()
        self._partitions: list[_Partition] = []
        self._feeds: set[Feed] = set()
        self._trouble: str | None = "the changes have not been read yet"
        self._look_pool = ThreadPoolExecutor(1, "changes")
        self._read_pool = ThreadPoolExecutor(2, "changes-behind")
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begin to look for changes."""
        self._tasks = [asyncio.create_task(self._run()), asyncio.create_task(self._tick())]

    async def stop(self) -> None:
        """End all feeds, and look no more."""
        self.end_feeds()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for pool in (self._look_pool, self._read_pool):
            await asyncio.to_thread(pool.shutdown, cancel_futures=True)

    def trouble(self) -> str | None:
        """Say why changes are not told now; None if they are."""
        if any(task.done() for task in self._tasks):
            return "the feed of changes has failed; the service's log says why"
        return self._trouble or (None if self.caught_up else _BEING_READ)

    def end_feeds(self) -> None:
        """End all feeds, for good: the service is about to stop."""
        self.ended = True
        for feed in list(self._feeds):
            feed.close()

    def feed(self, wanted: Wanted, after: Mapping[int, Mark] | None = None) -> Feed:
        """Open a feed.

        Parameters
        ----------
        wanted
            Which changes.
        after
            The place behind which it begins; None: with what comes next.
        """
        feed = Feed(self, wanted, after)
        self._feeds.add(feed)
        return feed

    def let_go(self, feed: Feed) -> None:
        """Forget a feed whose reader is gone."""
        feed.close()
        self._feeds.discard(feed)

    @property
    def feeds(self) -> int:
        """How many feeds are open."""
        return len(self._feeds)

    async def read(self, partition: int, mark: Mark, most: int) -> Behind:
        """Read from Redis what stands behind a mark.

        Raises
        ------
        StoreError
            If the store cannot be read.
        """
        store = self._store.partition(partition)
        return await asyncio.get_running_loop().run_in_executor(self._read_pool, behind, store, mark, most)

    def flows(self) -> Flows:
        """Return who moved from where to where, in the changes that are kept.

        Raises
        ------
        StoreError
            If they have not been read yet.
        """
        self._must_have_read()
        return self._tally.flows()

    def moves_of(self, customer: str, most: int) -> list[Mapping[str, Any]]:
        """Return the changes that told a customer's last moves, as far as they are held, the newest first."""
        return [json.loads(data) for data in self.ring.moves_of(customer, most)]

    async def rejects(self, most: int) -> Rejects:
        """Return the last rejects, at most ``most``.

        Raises
        ------
        StoreError
            If they cannot be read, or have not been yet.
        """
        self._must_have_read()
        return self._tally.rejects(await asyncio.get_running_loop().run_in_executor(self._read_pool, self._all), most)

    def _all(self) -> int:
        """Read how many records were rejected in all."""
        values = self._store.read_many([reads.plain_value(number, NAME) for number in range(len(self.ring.last))])
        return sum(PartitionState.decode(value).rejected for value in values)

    def _must_have_read(self) -> None:
        if self.empty:
            raise StateMissing("there is no state yet")
        if not self.caught_up:
            raise StateBeingRead(_BEING_READ)

    async def _run(self) -> None:
        loop, pause = asyncio.get_running_loop(), self.times.poll
        while True:
            try:
                news = await loop.run_in_executor(self._look_pool, self._look)
            except StateMissing:
                self._trouble, pause = NO_STATE, self.times.poll
                if not self.empty:
                    self.empty = True
                    self._tell()
            except StoreError as error:
                if self._trouble != UNREADABLE:
                    _log.warning("changes cannot be read: %s", error)
                self._trouble, pause = UNREADABLE, min(2 * pause, max(_SLOWEST, self.times.poll))
            except Exception:
                _log.exception("the feed of changes has failed")
                raise
            else:
                self._publish(news)
                pause = 0.0 if news.more else self.times.poll
            await asyncio.sleep(pause)

    async def _tick(self) -> None:
        """Let feeds look at the clock now and then."""
        while True:
            await asyncio.sleep(min(self.times.keep_alive, self.times.longest) / 3)
            self._wake()

    def _look(self) -> _News:
        """Read what is new: in a thread of its own, one look after the other."""
        start = None
        if not self._partitions:
            stores = [self._store.partition(number) for number in range(self._store.meta().partitions)]
            self._partitions = [_Partition(store, begin(store)) for store in stores]
            start = {one.store.partition: one.mark for one in self._partitions}
        wanted = [reads.hash_fields(one.store.partition, META, [TOKEN, SEQUENCE]) for one in self._partitions]
        metas = self._store.read_many(wanted)
        known = list(zip(self._partitions, metas, strict=True))
        # Perhaps the state is gone, or is another one with other partitions.
        if any(one.claimed(meta) for one, meta in known) and self._store.meta().partitions != len(known):
            self._partitions = []
            return self._look()
        fresh = [(one, meta) for one, meta in known if one.more or one.meta != meta]
        found = {one.store.partition: behind(one.store, one.mark, _READ, one.body) for one, _ in fresh}
        kept = self._store.read_many([reads.list_length(number, CHANGES) for number in found])
        for one, meta in fresh:
            one.learn(found[one.store.partition], meta)
        more = any(one.more for one in self._partitions)
        return _News(start, found, dict(zip(found, kept, strict=True)), more)

    def _publish(self, news: _News) -> None:
        """Tell all feeds."""
        wake = self._trouble is not None
        if news.start is not None:
            for feed in list(self._feeds) if self.ring.last else ():
                feed.close()  # its place is in a state that had other partitions
            self._tally, self.caught_up = Tally(), False
            self.ring.start(news.start)
        for number, found in news.found.items():
            if found.missed:
                told = gap(number, self.ring.last[number], found.mark, found.missed)
                if found.missed == "rewound":
                    self.ring.rewind(told, found.sure)
                    self._tally.keep(number, 0)
                else:
                    self.ring.add([told])
            self.ring.add(found.changes)
            for change in found.changes:
                self._tally.add(change)
            self._tally.keep(number, news.kept[number])
            wake = wake or bool(found.changes or found.missed)
            gone = {change.key for change in found.changes if change.says_goodbye}
            if gone:
                self.ring.forget(gone)
        self.empty, self._trouble = False, None
        if not (self.caught_up or news.more):
            self.caught_up = wake = True
        if wake:
            self._tell()

    def _tell(self) -> None:
        """Let feeds look at what the hub knows now."""
        self.version += 1
        self._wake()

    def _wake(self) -> None:
        for feed in self._feeds:
            feed.wake()
