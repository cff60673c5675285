"""Changes made by hand in a real Redis, and readers of their feed."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from crm_online.live.feeds import cursors
from crm_online.live.feeds.events import ChangeFilter
from crm_online.live.feeds.hub import ChangeHub
from crm_online.live.feeds.shared import FeedTimes
from crm_online.live.feeds.subscription import Subscription
from crm_online.step import Assign, ChangeId, Entry, Step, Topic
from crm_online.store import Store
from crm_online.store.entries import blank, decode, encode
from crm_online.store.keys import CHANGES
from crm_online.store.replies import as_bytes
from tests.servers.embedded import admin, commits_and_sequence, emptied, keys

TIMES = FeedTimes(poll=0.001, keep_alive=1000)
PATIENCE = 120.0
"""Seconds after which a test fails instead of waiting."""

Change = tuple[Topic, str, Mapping[str, Any]]
"""Topic, key and value of a change, without its id."""
At = tuple[int, int]
"""Epoch and number of a change of a partition."""


def move(customer: str, to: str | None = "b", left: str | None = "a", reason: str = "events") -> Change:
    time = "2026-01-01T00:00:00Z"
    return Topic.SEGMENT_CHANGES, customer, {"from": left, "to": to, "reason": reason, "time": time}


def segment(name: str) -> Change:
    return Topic.SEGMENTS, name, {"id": name}


def rule(left: Sequence[str], right: Sequence[str]) -> Change:
    return (
        Topic.RULES,
        f"{left}{right}",
        {"antecedent": left, "consequent": right, "change": "changed"},
    )


def reject(reason: str) -> Change:
    return Topic.REJECTS, reason, {"reason": reason}


class Log:
    """A state whose changes a test commits; the store is emptied first, unless it is new as it is."""

    def __init__(self, store: Store, partitions: int = 1, keep: int = 1_000_000, *, new: bool = True) -> None:
        self.store, self.keep = store, keep
        if new:
            emptied(store)
        store.initialise(partitions, "{}")
        self.epoch = 0
        self.claim()

    def claim(self) -> None:
        """Take all partitions over; after the state was put back, too."""
        partitions = self.store.meta().partitions
        self.parts = [self.store.partition(number) for number in range(partitions)]
        self._steps = [part.claim("test").get("log", 0) for part in self.parts]
        self._sequences = [commits_and_sequence(part)[1] for part in self.parts]

    def commit(self, *changes: Change, partition: int = 0, erased: str | None = None) -> list[At]:
        """Commit changes in one step, and return where they are; blank those of the customer erased."""
        begin, found = self._steps[partition], list[At]()
        entries = []
        for topic, key, value in changes:
            self._sequences[partition] += 1
            at = (self.epoch, self._sequences[partition])
            found.append(at)
            value = {"change_id": name(partition, at), "customer_id": key, **value}
            entries.append(
                Entry(topic, key, json.dumps(value, separators=(",", ":")).encode(), ChangeId(partition, *at))
            )
        writes = [
            Assign(name, index, encode(blank(entry)))
            for name in (CHANGES.values() if erased is not None else ())
            for index, data in enumerate(self.parts[partition].list_all(name))
            for entry in [decode(data, partition)]
            if entry.key == erased
        ]
        step = Step(partition, "log", begin, begin + 1, begin, writes, entries, keep=self.keep)
        self.parts[partition].commit(step)
        self._steps[partition] += 1
        return found

    def many(self, count: int, partition: int = 0) -> list[At]:
        """Commit so many moves."""
        return self.commit(*(move(f"c{number}") for number in range(count)), partition=partition)

    def copy(self) -> Callable[[], None]:
        """Return what puts the state back to as it is now, with nothing in between."""
        with admin(self.store) as client:
            kept = {key: as_bytes(client.dump(key)) for key in keys(client)}

        def put_back() -> None:
            with admin(self.store) as client, client.pipeline(transaction=True) as at_once:
                at_once.flushall()
                for key, dumped in kept.items():
                    at_once.restore(key, 0, dumped)
                at_once.execute()

        return put_back

    def ids(self) -> list[list[str]]:
        """Return the ids of the changes that are kept, by partition."""
        return [[json.loads(entry.value)["change_id"] for entry in part.changes()] for part in self.parts]


@dataclass
class Reader:
    """Reads a feed as a browser does.

    Attributes
    ----------
    events
        Event and data of each event so far.
    cursors
        The id of each.
    last
        The last id; from it a reader that comes again resumes.
    largest
        Bytes of the largest chunk.
    """

    feed: Subscription
    events: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    cursors: list[str] = field(default_factory=list)
    last: str = ""
    largest: int = 0

    @property
    def ids(self) -> list[str]:
        """The ids of the changes so far, and the words of gaps."""
        return [str(data.get("change_id") or data["reason"]) for _, data in self.events]

    def of(self, partition: int) -> list[str]:
        """Return the ids of one partition's changes so far, and the words of its gaps."""
        found = zip(self.ids, self.events, strict=True)
        return [
            one for one, (_, data) in found if data.get("partition", -1) == partition or one.startswith(f"{partition}-")
        ]

    async def chunk(self) -> bool:
        """Read one chunk; False at the feed's end."""
        try:
            async with asyncio.timeout(PATIENCE):
                chunk = await anext(self.feed)
        except StopAsyncIteration:
            return False
        self.largest = max(self.largest, len(chunk))
        assert chunk.endswith(b"\n\n")
        for block in chunk.decode().removesuffix("\n\n").split("\n\n"):
            fields = dict(line.split(": ", 1) for line in block.split("\n"))
            self.last = fields.get("id", self.last)
            if "data" in fields:
                self.events.append((fields["event"], json.loads(fields["data"])))
                self.cursors.append(self.last)
        return True

    async def until(self, partition: int, at: At) -> list[str]:
        """Read up to a change, and return the ids so far."""
        end = name(partition, at)
        while end not in self.ids[-100:] and end not in self.ids:
            assert await self.chunk(), f"the feed ended before {end}"
        return self.ids

    async def to_end(self) -> list[str]:
        """Read up to the feed's end, and return the ids so far."""
        while await self.chunk():
            pass
        return self.ids


class Hub(ChangeHub):
    """A hub whose readers a test opens."""

    def reader(self, after: str | None = None, matching: ChangeFilter | None = None) -> Reader:
        """Open a feed."""
        return Reader(self.subscribe(matching or ChangeFilter(), cursors.parse(after) if after else None))

    async def begun(self, after: str | None = None, matching: ChangeFilter | None = None) -> Reader:
        """Open a feed, and wait until it has begun: whatever is committed from now on comes after its cursor."""
        reader = self.reader(after, matching)
        assert await reader.chunk()
        return reader

    @property
    def feeds(self) -> int:
        """How many feeds are open."""
        return len(self._subscriptions)

    async def hold(self, polls: threading.Event) -> asyncio.Task[bool]:
        """Let it not poll until an event is set."""
        held = asyncio.create_task(self._poll_threads.run(polls.wait))
        await asyncio.sleep(0)  # from here on it waits in the one thread that polls
        return held

    async def knows(self, partition: int, at: At) -> None:
        """Wait until the hub has read up to a change."""
        async with asyncio.timeout(PATIENCE):
            while self.shared.ring.last.get(partition) != ChangeId(partition, *at):
                await asyncio.sleep(0.001)


@asynccontextmanager
async def hub(store: Store, times: FeedTimes = TIMES, most_bytes: int = 64_000_000) -> AsyncIterator[Hub]:
    """Run a hub."""
    made = Hub(store, times, most_bytes)
    await made.start()
    try:
        yield made
    finally:
        await made.stop()


def name(partition: int, at: At) -> str:
    """Return a change's id."""
    return str(ChangeId(partition, *at))
