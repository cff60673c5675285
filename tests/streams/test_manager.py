"""The partitions of a worker do not wait for each other: one that cannot publish its changes holds back itself only."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import ClassVar

import pytest

from crm_online.settings import Settings
from crm_online.step import ChangeId
from crm_online.store import Store, open_store
from streams import manager
from streams.health import Health
from streams.manager import AssignedPartition, PartitionManager
from streams.metrics import WorkerMetrics
from streams.partition import Batch, Quiet
from streams.published import PublishedPosition
from streams.publisher import Publisher
from streams.retry import RetryPolicy
from tests.streams.driver import Sent

OUTBOX = 3
SETTINGS = Settings.from_keys({"replay.partitions": 2, "worker.outbox": OUTBOX})
SECONDS = 20.0
"""For how long a test waits for what must not wait: it fails then, and passes at once."""


class Leaderless(Publisher):
    """A publisher without a broker: each partition's topics have no leader until `led` says so."""

    led: ClassVar[dict[int, asyncio.Event]]
    published: ClassVar[list[tuple[int, bytes]]]
    aborts: ClassVar[bool]

    async def open(self, known: ChangeId) -> PublishedPosition:
        return PublishedPosition(None, None)

    async def close(self) -> None:
        pass

    async def _publish(self) -> None:
        try:
            await self.led[self.partition].wait()
        except asyncio.CancelledError:
            if not self.aborts:
                await self.led[self.partition].wait()  # the transaction ends when its records expire, in 40 s
            raise
        entries = list(self._waiting)
        self.published.extend((self.partition, str(entry.id).encode()) for entry in entries)
        self._done(len(entries))


@pytest.fixture
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with open_store(tmp_path_factory.mktemp("redis") / "state") as store:
        store.initialise(2, json.dumps(SETTINGS.shaping()), "kafka:crm.events")
        yield store


@pytest.fixture(autouse=True)
def without_a_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    Leaderless.published, Leaderless.aborts = [], True
    monkeypatch.setattr(manager, "Publisher", Leaderless)


class Worker:
    """Partitions 0 and 1; partition 1 has no leader."""

    def __init__(self, store: Store) -> None:
        metrics = WorkerMetrics()
        self.lost: list[tuple[int, Exception]] = []
        self.paused: list[tuple[int, bool]] = []
        self.manager = PartitionManager(
            store,
            SETTINGS,
            metrics,
            RetryPolicy(Health(), metrics),
            lambda number, error: self.lost.append((number, error)),
            lambda number, wait: self.paused.append((number, wait)),
        )
        self.held: dict[int, AssignedPartition] = {}
        self.sent = {0: 0, 1: 0}

    def batch(self, number: int, size: int) -> Batch:
        """Return the next records of a partition, each of which is a reject: one change."""
        held, begin = self.held[number], self.sent[number]
        end = self.sent[number] = begin + size
        held.queued += 1
        records = [Sent(offset, None, b"no event", 1_704_067_200_000) for offset in range(begin, end)]
        return Batch(number, held.claim, begin, end, records, 0)

    async def step(self, number: int, size: int) -> None:
        """Do the next records of a partition; waits no longer than a test may."""
        await asyncio.wait_for(self.manager.step(self.batch(number, size)), SECONDS)

    async def fill(self) -> None:
        """Let more changes of partition 1 wait than may."""
        await self.step(1, OUTBOX + 1)

    def positions(self) -> dict[int, int]:
        return self.manager.positions()


@asynccontextmanager
async def working(store: Store) -> AsyncIterator[Worker]:
    Leaderless.led = {0: asyncio.Event(), 1: asyncio.Event()}
    Leaderless.led[0].set()
    worker = Worker(store)
    for number in (0, 1):
        worker.held[number] = await worker.manager.claim(number)
    try:
        yield worker
        await asyncio.wait_for(worker.manager.finish(0.0), SECONDS)
        assert not [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    finally:
        Leaderless.led[1].set()


def test_a_partition_whose_outbox_is_full_waits_alone_and_then_does_its_batches_in_order(store: Store) -> None:
    async def run() -> None:
        async with working(store) as worker:
            await worker.fill()
            for size in (2, 3, 1):
                await worker.step(1, size)
            await worker.step(0, 5)
            await asyncio.wait_for(worker.manager.at_rest(), SECONDS)
            assert worker.positions() == {0: 5, 1: OUTBOX + 1}
            assert worker.paused
            assert set(worker.paused) == {(1, True)}, "nothing more is fetched of it"
            Leaderless.led[1].set()
            resuming = worker.held[1].resuming
            assert resuming is not None
            await asyncio.wait_for(resuming, SECONDS)
            assert worker.positions() == {0: 5, 1: OUTBOX + 7}
            assert worker.held[1].queued == 0
            assert worker.paused[-1] == (1, False)
            await worker.step(1, 1)
            await asyncio.wait_for(worker.held[1].publisher.shrink(0), SECONDS)
            assert worker.lost == []
        published = [change for partition, change in Leaderless.published if partition == 1]
        assert published == [b"1-0-%d" % number for number in range(1, OUTBOX + 9)]

    asyncio.run(run())


def test_no_tick_adds_to_an_outbox_that_is_full(store: Store) -> None:
    async def run() -> None:
        async with working(store) as worker:
            await worker.fill()
            commits = worker.held[1].partition.flow.engine.state.accepted, worker.held[1].progressed
            worker.held[1].queued += 1
            await asyncio.wait_for(worker.manager.step(Quiet(1, worker.held[1].claim)), SECONDS)
            assert worker.held[1].queued == 0, "it is due again"
            assert commits == (worker.held[1].partition.flow.engine.state.accepted, worker.held[1].progressed)

    asyncio.run(run())


@pytest.mark.parametrize("aborts", [True, False])
def test_a_partition_that_cannot_publish_is_given_up_at_once_with_what_it_deferred(
    store: Store, monkeypatch: pytest.MonkeyPatch, aborts: bool
) -> None:
    monkeypatch.setattr(manager, "_END_SECONDS", 0.01)
    Leaderless.aborts = aborts

    async def run() -> None:
        async with working(store) as worker:
            await worker.fill()
            await worker.step(1, 2)
            resuming = worker.held[1].resuming
            assert resuming is not None
            await asyncio.wait_for(worker.manager.give_up(1), SECONDS)
            await asyncio.wait_for(resuming, SECONDS)
            await worker.step(0, 1)
            assert worker.positions() == {0: 1}
            worker.held[1] = await worker.manager.claim(1)
            assert worker.positions() == {0: 1, 1: OUTBOX + 1}, "what was deferred was not done"
            assert worker.held[1].publisher.backlog == OUTBOX + 1

    asyncio.run(run())


def test_a_worker_that_stops_leaves_what_is_deferred_to_the_next(store: Store) -> None:
    async def run() -> None:
        async with working(store) as worker:
            await worker.fill()
            await worker.step(1, 2)
            Leaderless.led[1].set()
        assert worker.lost == []
        assert worker.positions() == {}

    asyncio.run(run())
