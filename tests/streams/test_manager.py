"""The partitions of a worker do not wait for each other: one that cannot publish its changes holds back itself only."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import ClassVar

import pytest

from crm_online.errors import OwnerLost, StoreUnavailable
from crm_online.settings import Settings
from crm_online.step import ChangeId, Step
from crm_online.store import Store, open_store
from streams import assigned, manager
from streams.assigned import AssignedPartition
from streams.context import QueuedPartition, RetryPolicy, StepTurn, WorkerContext
from streams.health import Health
from streams.manager import PartitionManager
from streams.metrics import WorkerMetrics
from streams.partition import PartitionProcessor, RecordBatch
from streams.published import PublishedPosition
from streams.publisher import Publisher
from tests.streams.driver import Sent

OUTBOX = 3
SETTINGS = Settings.from_keys({"replay.partitions": 2, "worker.outbox": OUTBOX})
SECONDS = 60.0
"""For how long a test waits for what must not wait: it fails then, and passes at once."""


class Leaderless(Publisher):
    """A publisher without a broker: each partition's topics have no leader until `led` says so."""

    led: ClassVar[dict[int, asyncio.Event]]
    published: ClassVar[list[tuple[int, bytes]]]
    aborts: ClassVar[bool]

    async def open(self, last_change: ChangeId) -> PublishedPosition:
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
        self._acknowledge(len(entries))


@pytest.fixture
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with open_store(tmp_path_factory.mktemp("redis") / "state") as store:
        store.initialise(2, json.dumps(SETTINGS.shaping()), "kafka:crm.events", repeatable=True)
        yield store


@pytest.fixture(autouse=True)
def without_a_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    Leaderless.published, Leaderless.aborts = [], True
    monkeypatch.setattr(assigned, "Publisher", Leaderless)


class Worker:
    """Partitions 0 and 1; partition 1 has no leader."""

    def __init__(self, store: Store) -> None:
        self.metrics = metrics = WorkerMetrics()
        health = Health()
        context = WorkerContext(
            SETTINGS, store, metrics, health, RetryPolicy(health, metrics), StepTurn(self.put), self.fail
        )
        self.manager = PartitionManager(context, self)
        self.queued: list[QueuedPartition] = []
        self.released: list[tuple[int, Exception]] = []
        self.throttled: list[tuple[int, bool]] = []
        self.resumed, self.released_one = asyncio.Event(), asyncio.Event()
        self.sent = {0: 0, 1: 0}

    async def put(self, partition: QueuedPartition) -> None:
        self.queued.append(partition)

    async def fail(self, error: Exception) -> None:
        raise error

    def on_partition_released(self, number: int, error: Exception) -> None:
        self.released.append((number, error))
        self.released_one.set()

    def on_partition_throttled(self, number: int, throttled: bool) -> None:
        self.throttled.append((number, throttled))
        if not throttled:
            self.resumed.set()

    def __getitem__(self, number: int) -> AssignedPartition:
        return self.manager.assigned[number]

    async def step(self, number: int, size: int) -> None:
        """Do the next records of a partition, each a reject: one change. It waits no longer than a test may."""
        begin = self.sent[number]
        end = self.sent[number] = begin + size
        records = [Sent(offset, None, b"no event", 1_704_067_200_000) for offset in range(begin, end)]
        await self[number].enqueue(RecordBatch(begin, end, records, 0))
        await self.process()

    async def process(self) -> None:
        """Do what is queued."""
        while self.queued:
            await asyncio.wait_for(self.queued.pop(0).process(), SECONDS)

    async def fill(self) -> None:
        """Let more changes of partition 1 wait than may."""
        await self.step(1, OUTBOX + 1)


@asynccontextmanager
async def working(store: Store) -> AsyncIterator[Worker]:
    Leaderless.led = {0: asyncio.Event(), 1: asyncio.Event()}
    Leaderless.led[0].set()
    worker = Worker(store)
    for number in (0, 1):
        await worker.manager.claim(number)
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
            await asyncio.wait_for(worker.manager.wait_for_step(), SECONDS)
            assert worker.manager.positions == {0: 5, 1: OUTBOX + 1}
            assert worker[1].is_throttled
            assert not worker[1].waits_for_others
            assert set(worker.throttled) == {(1, True)}, "nothing more is fetched of it"
            Leaderless.led[1].set()
            await asyncio.wait_for(worker.resumed.wait(), SECONDS)
            assert worker.manager.positions == {0: 5, 1: OUTBOX + 7}
            assert worker[1].has_processed_all
            assert worker.throttled[-1] == (1, False)
            await worker.step(1, 1)
            await asyncio.wait_for(worker[1].publisher.wait_for_backlog(0), SECONDS)
            assert worker.released == []
        published = [change for partition, change in Leaderless.published if partition == 1]
        assert published == [b"1-0-%d" % number for number in range(1, OUTBOX + 9)]

    asyncio.run(run())


def test_events_rejects_and_duplicates_of_each_step_are_counted(store: Store) -> None:
    view = {"type": "view", "event_id": "1", "customer_id": "ann", "time": "2024-01-01", "item": "tea"}
    again = [Sent(offset, b"ann", json.dumps(view).encode(), 1_704_067_200_000) for offset in range(3)]

    async def run() -> None:
        async with working(store) as worker:
            await worker[0].enqueue(RecordBatch(0, 3, again, 0))
            await worker.process()
            worker.sent[0] = 3
            await worker.step(0, 4)
            counted = worker.metrics.text().decode()
        for name, count in {"events": 1, "duplicates": 2, "rejects": 4}.items():
            assert f'crm_online_{name}_total{{partition="0"}} {count}.0\n' in counted

    asyncio.run(run())


def test_no_tick_adds_to_an_outbox_that_is_full(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PartitionProcessor, "tick_is_due", True)

    async def run() -> None:
        async with working(store) as worker:
            await worker.fill()
            progressed = worker[1].progressed
            await worker[1].enqueue_tick()
            assert not worker[1].has_processed_all
            await worker.process()
            assert worker[1].has_processed_all, "it is due again"
            assert worker[1].progressed == progressed, "nothing was committed"

    asyncio.run(run())


@pytest.mark.parametrize("aborts", [True, False])
def test_a_partition_that_cannot_publish_is_released_at_once_with_what_waits(
    store: Store, monkeypatch: pytest.MonkeyPatch, aborts: bool
) -> None:
    monkeypatch.setattr(manager, "_CLOSE_SECONDS", 0.01)
    Leaderless.aborts = aborts

    async def run() -> None:
        async with working(store) as worker:
            await worker.fill()
            await worker.step(1, 2)
            before = worker[1]
            await asyncio.wait_for(worker.manager.release(1), SECONDS)
            await worker.step(0, 1)
            assert not before.is_throttled
            assert worker.manager.positions == {0: 1}
            await worker.manager.claim(1)
            await asyncio.wait_for(before.process(), SECONDS)
            assert worker.manager.positions == {0: 1, 1: OUTBOX + 1}, "what had waited was not done"
            assert worker[1].publisher.backlog == OUTBOX + 1

    asyncio.run(run())


@pytest.mark.parametrize("error", [OwnerLost("another worker"), StoreUnavailable("no answer")])
def test_after_a_commit_that_failed_a_partition_does_nothing_more_and_is_lost_once(
    store: Store, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    steps: list[int] = []

    def fails(processor: PartitionProcessor, batch: RecordBatch) -> Step:
        steps.append(batch.begin)
        raise error

    monkeypatch.setattr(PartitionProcessor, "step", fails)

    async def run() -> None:
        async with working(store) as worker:
            before = worker[0]
            await worker.step(0, 1)
            assert 0 not in worker.manager.assigned
            await before.enqueue(RecordBatch(1, 2, [Sent(1, None, b"no event", 0)], 0))
            await worker.process()
            assert steps == [0], "the state in memory is not what the store holds"
            await asyncio.wait_for(worker.released_one.wait(), SECONDS)
            assert worker.released == [(0, error)]

    asyncio.run(run())


def test_a_partition_whose_step_hangs_is_not_idle_so_that_the_end_of_its_log_is_no_progress(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def hangs(processor: PartitionProcessor, batch: RecordBatch) -> Step:
        begun.set()
        assert go_on.wait(SECONDS)
        raise StoreUnavailable("no answer")

    monkeypatch.setattr(PartitionProcessor, "step", hangs)

    async def run() -> None:
        async with working(store) as worker:
            stepping = asyncio.create_task(worker.step(0, 1))
            assert await asyncio.to_thread(begun.wait, SECONDS)
            assert not worker[0].has_processed_all
            assert worker[1].has_processed_all
            go_on.set()
            await stepping

    asyncio.run(run())


def test_a_worker_that_stops_leaves_what_waits_to_the_next(store: Store) -> None:
    async def run() -> None:
        async with working(store) as worker:
            await worker.fill()
            await worker.step(1, 2)
            Leaderless.led[1].set()
        assert worker.released == []
        assert worker.manager.positions == {}

    asyncio.run(run())
