"""The journeys of docs/architecture.md: each function that they name is there, and is called in the order given."""

from __future__ import annotations

import asyncio
import importlib
import json
import re
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from inspect import unwrap
from itertools import count
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, cast

import pytest

from crm_online.api.app import create_app
from crm_online.api.opening import open_service
from crm_online.cli.main import run
from crm_online.live.feeds.hub import ChangeHub
from crm_online.live.ingestion.sinks import EventSink
from crm_online.settings import Settings
from crm_online.store import Store, open_store
from streams import consumer, fetching, publisher
from streams.consumer import EventConsumer
from streams.context import QueuedPartition, RetryPolicy, StepTurn, WorkerContext
from streams.health import Health
from streams.metrics import WorkerMetrics
from streams.published import PublishedPosition
from tests.kafka.small_log import iso
from tests.servers.redis_server import RedisServer
from tests.streams.driver import BROKER_TIME, Sent, TopologyDriver
from tests.streams.fake_kafka import FakeConsumer, FakeProducer

MOST_FILES = 15
START = 1_700_000_000
SETTINGS = Settings.from_keys(
    {"replay.partitions": 1, "segments.k": 2, "segments.min_customers": 20, "rules.every": 20}
)
FETCHED = 30
"""Records of a fetch."""

_JOURNEY = re.compile(r"^### (.+?)\n(.*?)(?=^##)", re.MULTILINE | re.DOTALL)
_STEP = re.compile(r"^\d+\. `([\w.]+)`: ", re.MULTILINE)


@pytest.fixture(scope="module")
def journeys(root: Path) -> dict[str, list[str]]:
    """Return the names of the functions of each journey, in order."""
    page = (root / "docs" / "architecture.md").read_text(encoding="utf-8")
    section = page[page.index("## Five journeys\n") :]
    section = section[: section.index("\n## ", 1) + 3]
    return {title: _STEP.findall(steps) for title, steps in _JOURNEY.findall(section)}


def file_of(name: str) -> str:
    """Return the module of a name: the longest part of it that is one."""
    parts = name.split(".")
    package = "" if parts[0] == "streams" else "crm_online."
    for end in range(len(parts), 0, -1):
        module = package + ".".join(parts[:end])
        try:
            importlib.import_module(module)
        except ModuleNotFoundError:
            continue
        return module
    raise AssertionError(f"no module has {name}")


def function(name: str) -> Callable[..., Any]:
    """Return what a name of the page stands for."""
    module = file_of(name)
    found: Any = importlib.import_module(module)
    for part in name[len(module.removeprefix("crm_online.")) + 1 :].split("."):
        found = getattr(found, part)
    assert callable(found), name
    plain: Callable[..., Any] = unwrap(found)
    return plain


@contextmanager
def calls(names: Sequence[str]) -> Iterator[list[str]]:
    """Record which of some functions are called, in order."""
    codes: dict[CodeType, str] = {function(name).__code__: name for name in names}
    called: list[str] = []

    def profile(frame: FrameType, event: str, _: object) -> None:
        name = codes.get(frame.f_code) if event == "call" else None
        if name is not None:
            called.append(name)

    threading.setprofile(profile)  # a worker's steps are in threads
    sys.setprofile(profile)
    try:
        yield called
    finally:
        sys.setprofile(None)
        threading.setprofile(None)


def first_missing(names: Sequence[str], called: Sequence[str]) -> str | None:
    """Return the first name that was not called after the one before it; ``None`` if all were."""
    following = iter(called)
    return next((name for name in names if name not in following), None)


def in_steps(names: Sequence[str], called: Sequence[str], steps: int = 1) -> bool:
    """Tell whether all were called in order within so many steps: each ends with the last name."""
    begins = [place for place, name in enumerate(called) if name == names[0]]
    ends = [place for place, name in enumerate(called) if name == names[-1]]
    within = [(begin, [end for end in ends if end > begin][steps - 1 : steps]) for begin in begins]
    return any(first_missing(names, called[begin : end[0] + 1]) is None for begin, end in within if end)


def bought(customer: str, time: int, *items: str) -> dict[str, object]:
    lines = [{"item": item, "quantity": 1, "price": 5} for item in items]
    return {"type": "purchase", "customer_id": customer, "time": iso(START + time), "items": lines}


def shop(count: int) -> list[dict[str, object]]:
    """Return orders of 30 customers, a third of whom buy seldom, and then little."""
    return [
        bought(f"c{number % 30}", 900 * number, *(["bread", "butter", "jam"] if number % 3 else ["tea"]))
        for number in range(count)
    ]


def test_there_are_five_and_all_that_they_name_is_there(journeys: dict[str, list[str]]) -> None:
    assert len(journeys) == 5
    for names in journeys.values():
        assert len(names) >= 5
        for name in names:
            function(name)


def test_a_purchase_passes_few_files_and_none_of_them_twice(journeys: dict[str, list[str]]) -> None:
    files = [file_of(name) for name in next(iter(journeys.values()))]
    runs = [one for one, before in zip(files, ["", *files[:-1]], strict=True) if one != before]
    assert len(runs) <= MOST_FILES
    assert len(set(runs)) == len(runs)


async def work(store: Store, fetches: Sequence[Sequence[Sent]]) -> None:
    """Have a worker of one partition step through fetches, one after the other, and publish what changed."""
    queue: asyncio.Queue[QueuedPartition] = asyncio.Queue()
    metrics, health = WorkerMetrics(), Health()

    async def fail(error: Exception) -> None:
        raise error

    retry, turn = RetryPolicy(health, metrics), StepTurn(queue.put)
    worker = EventConsumer(WorkerContext(SETTINGS, store, metrics, health, retry, turn, fail))
    await worker.on_start()
    kafka = cast(FakeConsumer, worker._consumer)
    await worker.on_partitions_assigned(kafka.assignment())
    await asyncio.gather(*worker._claiming.values())
    for records in fetches:
        kafka.append(records)
        await (await queue.get()).process()
        await worker.manager.assigned[0].publisher.wait_for_backlog(0)
    await worker.on_stop()


def test_a_purchase_passes_a_worker_in_this_order(
    journeys: dict[str, list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(*_: object) -> PublishedPosition:
        return PublishedPosition(None, None)

    monkeypatch.setattr(consumer, "AIOKafkaConsumer", FakeConsumer)
    monkeypatch.setattr(fetching, "AIOKafkaConsumer", FakeConsumer)
    monkeypatch.setattr(publisher, "AIOKafkaProducer", FakeProducer)
    monkeypatch.setattr(publisher, "read_published_position", nothing)
    names = next(iter(journeys.values()))
    log = [
        Sent(offset, str(event["customer_id"]).encode(), json.dumps(event).encode(), BROKER_TIME)
        for offset, event in enumerate(shop(4 * FETCHED))
    ]
    with open_store(tmp_path / "state") as store, calls(names) as called:
        store.initialise(1, json.dumps(SETTINGS.shaping(), sort_keys=True), "kafka:crm.events")
        asyncio.run(work(store, [log[begin : begin + FETCHED] for begin in range(0, len(log), FETCHED)]))
    assert in_steps(names, called)


def test_a_basket_is_passed_on_in_this_order(journeys: dict[str, list[str]], tmp_path: Path) -> None:
    names = list(journeys.values())[1]
    passed = False
    with open_store(tmp_path / "state") as store:
        store.initialise(1, json.dumps(SETTINGS.shaping(), sort_keys=True), "kafka:driver", repeatable=True)
        driver = TopologyDriver(store, SETTINGS)
        for event in shop(120):
            driver.send(event, str(event["customer_id"]))
            if not passed and len(driver.log[0]) % FETCHED == 0:
                with calls(names) as called:
                    driver.run(step=FETCHED)
                passed = in_steps(names, called, steps=2)
    assert passed


class Asked:
    """A request to an application, as a server hands it over: it goes on until some text was sent, or all."""

    def __init__(self, path: str, *headers: tuple[bytes, bytes]) -> None:
        self._scope: dict[str, Any] = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "GET",
        }
        self._scope |= {"scheme": "http", "path": path, "raw_path": path.encode(), "query_string": b"", "root_path": ""}
        self._scope |= {"headers": [(b"host", b"localhost"), *headers], "client": ("127.0.0.1", 1), "server": ("", 80)}
        self._asked = iter([{"type": "http.request", "body": b"", "more_body": False}])
        self._gone = asyncio.Event()
        self._sent = asyncio.Condition()
        self.body = b""

    async def run(self, app: Any) -> None:
        await app(self._scope, self._receive, self._send)

    async def until(self, text: bytes) -> None:
        async with self._sent:
            await self._sent.wait_for(lambda: text in self.body)

    def leave(self) -> None:
        self._gone.set()

    async def _receive(self) -> dict[str, Any]:
        if (first := next(self._asked, None)) is not None:
            return first
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: dict[str, Any]) -> None:
        async with self._sent:
            self.body += message.get("body", b"")
            self._sent.notify_all()


def test_a_customer_is_looked_up_and_the_feed_followed_in_this_order(
    journeys: dict[str, list[str]], tmp_path: Path
) -> None:
    look_up, follow = list(journeys.values())[2:4]

    def no_sink(_: str) -> EventSink:
        raise AssertionError("nothing is sent")

    async def ask(store: Store, driver: TopologyDriver, called: list[str]) -> None:
        kept = store.partition(0).changes()
        last, half = kept[-1].id, sum(len(entry.value) for entry in kept) // 2
        with open_service(SETTINGS, server.url, no_sink) as service:
            app = create_app(replace(service, changes=ChangeHub(store, most_bytes=half)))
            async with app.router.lifespan_context(app):
                customer = Asked("/v1/customers/c1")
                await customer.run(app)
                assert json.loads(customer.body)["customer_id"] == "c1"
                feed = Asked("/v1/changes", (b"last-event-id", b"0-0-0"))
                reading = asyncio.create_task(feed.run(app))
                newcomers = count()
                # Once it has caught up with what is kept, and joined the others, the ring has what it reads.
                while follow[-1] not in called:
                    await feed.until(f'"change_id":"{last}"'.encode())
                    name = f"new{next(newcomers)}"
                    driver.send(bought(name, 900 * 200, "bread"), name)
                    driver.run(step=FETCHED)
                    last = store.partition(0).changes()[-1].id
                feed.leave()
                await reading

    with RedisServer(tmp_path / "redis", options={"appendfsync": "no"}) as server, open_store(server.url) as store:
        store.initialise(1, json.dumps(SETTINGS.shaping(), sort_keys=True), "kafka:driver", repeatable=True)
        driver = TopologyDriver(store, SETTINGS)
        for event in shop(120):
            driver.send(event, str(event["customer_id"]))
        driver.run(step=FETCHED)
        with calls([*look_up, *follow]) as called:
            asyncio.run(ask(store, driver, called))
    assert first_missing(look_up, called) is None
    assert first_missing(follow, called[called.index(follow[0]) :]) is None


def test_a_csv_file_is_replayed_in_this_order(journeys: dict[str, list[str]], tmp_path: Path) -> None:
    names = list(journeys.values())[-1]
    rows = [
        f"{event['customer_id']},{event['time']},{line['item']},1,5"
        for event in shop(60)
        for line in event["items"]  # type: ignore[attr-defined]
    ]
    log = tmp_path / "orders.csv"
    log.write_text("\n".join(["customer_id,time,item,quantity,price", *rows]) + "\n", encoding="utf-8")
    out = ["--state", str(tmp_path / "state"), "--out", str(tmp_path / "out")]
    fields = [f"--map={name}={name}" for name in ("customer_id", "time", "item", "quantity", "price")]
    chosen = ["--set", "segments.min_customers=20", "--set", "rules.every=20", "--set", "replay.step=30"]
    with calls(names) as called:
        assert run(["replay", str(log), *fields, *out, *chosen]) == 0
    assert first_missing(names, called) is None
    chunk = names[names.index("replay.partitions.ReplayPartitions.replay") :]
    assert in_steps(chunk[: chunk.index("pipeline.group.PartitionGroup.drain") + 1], called)
