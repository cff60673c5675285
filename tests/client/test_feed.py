"""A feed resumes where it was: the service is killed and started again, and each change comes once."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any

import anyio
import pytest
from httpx_sse import ServerSentEvent

from crm_online.answers.changes import Gap
from crm_online.api.keyfile import revoke_key
from crm_online.client import AsyncClient, Change, Client
from crm_online.client.feed_state import FeedState
from crm_online.errors import ServiceFault, ServiceRefused
from crm_online.values import Segment, SegmentChange, SegmentGone
from tests.command import printed
from tests.servers.serving import Served


def purchases(*customers: str) -> list[dict[str, Any]]:
    """Return events with which new customers get their first segment."""
    return [
        {
            "type": "purchase",
            "customer_id": customer,
            "event_id": f"first of {customer}",
            "time": "2026-04-02T08:00:00Z",
            "items": [{"item": "tea", "quantity": 1, "price": 2.5}],
        }
        for customer in customers
    ]


FOLLOWED = ["f1", "f2", "f3", "f4", "f5"]


class Received:
    """Whom the moves are of that a feed has sent, for a thread that waits for them.

    Customers of the made shop are left out: they lapse as time goes on.
    """

    def __init__(self) -> None:
        self._customers: list[str] | None = None
        self._news = threading.Condition()

    def begin(self) -> None:
        with self._news:
            self._customers = []
            self._news.notify_all()

    def __call__(self, change: Change) -> bool:
        """Take a change; return whether that was the last one, so that its feed ends with the test."""
        with self._news:
            if isinstance(change, SegmentChange) and not re.fullmatch(r"C\d+", change.customer_id):
                self._customers = [*(self._customers or ()), change.customer_id]
            self._news.notify_all()
            return len(self._customers or ()) == len(FOLLOWED)

    def wait(self, most: int) -> list[str]:
        """Return them, once it has begun and there are so many."""
        with self._news:
            assert self._news.wait_for(
                lambda: self._customers is not None and len(self._customers) >= most, timeout=120
            )
            return [*(self._customers or ())]


def follow(url: str, key: str, received: Received) -> None:
    with Client(url, key=key) as client, client.changes(kind=["segment-change"]) as feed:
        received.begin()
        for change in feed:
            if received(change):
                break


def follow_async(backend: str) -> Callable[[str, str, Received], None]:
    async def following(url: str, key: str, received: Received) -> None:
        async with AsyncClient(url, key=key) as client, client.changes(kind=["segment-change"]) as feed:
            received.begin()
            async for change in feed:
                if received(change):
                    break

    return lambda *args: anyio.run(following, *args, backend=backend)


def test_feeds_resume_at_the_last_change_after_the_service_was_killed(
    served: Served, keys: dict[str, str], folder: Path
) -> None:
    followers = [follow, follow_async("asyncio"), follow_async("trio")]
    all_received = [Received() for _ in followers]
    with (
        ThreadPoolExecutor() as pool,
        Client(served.url, key=keys["admin"], patience=60) as client,
        Client(served.url, key=keys["guest"]) as guest,
    ):
        threads = [
            threading.Thread(target=one, args=(served.url, keys["read"], to), daemon=True)
            for one, to in zip(followers, all_received, strict=True)
        ]
        for thread in threads:
            thread.start()
        refused = pool.submit(next, guest.changes(kind=["rule"]).__enter__())
        for received in all_received:
            received.wait(0)
        client.send(purchases("f1", "f2"))
        for received in all_received:
            assert received.wait(2) == ["f1", "f2"]

        revoke_key(folder / "keys.toml", "guest")
        served.kill()
        asked = pool.submit(client.status)
        missed = "".join(json.dumps(event) + "\n" for event in purchases("f3", "f4"))
        (folder / "missed.jsonl").write_text(missed, encoding="utf-8")
        printed(folder, "replay", "missed.jsonl", "--state", "shop")
        served.start()
        assert asked.result().customers > 0, "a look-up waits for the service"
        client.send(purchases("f5"))
        for received in all_received:
            assert received.wait(5) == FOLLOWED
        for thread in threads:
            thread.join(120)
            assert not thread.is_alive()
        with pytest.raises(ServiceRefused, match="not known"):
            refused.result(timeout=120)


def test_a_later_feed_goes_on_from_the_cursor_of_an_earlier_one(served: Served, keys: dict[str, str]) -> None:
    with Client(served.url, key=keys["admin"]) as client:
        with client.changes() as feed:
            begin = feed.cursor
            client.send(purchases("p1", "p2", "p3"))
            first = next(feed)
        client.send(purchases("p4"))
        with client.changes(after=feed.cursor) as feed:
            rest = [*islice(feed, 3)]
        with client.changes(after=begin) as feed:
            assert [*islice(feed, 4)] == [first, *rest]


def test_closing_ends_a_feed_that_waits_in_another_thread(served: Served, keys: dict[str, str]) -> None:
    for by_client in (True, False):
        with ThreadPoolExecutor() as pool, Client(served.url, key=keys["read"]) as client:
            feed = client.changes(kind=["rule"]).__enter__()
            rest = pool.submit(list, feed)
            (client if by_client else feed).close()
            assert rest.result(timeout=120) == []
            assert next(feed, None) is None


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_closing_ends_a_feed_that_another_task_waits_for(served: Served, keys: dict[str, str], backend: str) -> None:
    async def closed() -> list[Change]:
        rest: list[Change] = [Gap(partition=0, after="0-0-0", upto="0-0-0", reason="trimmed", kinds=["rule"])]
        async with AsyncClient(served.url, key=keys["read"]) as client, anyio.create_task_group() as tasks:
            feed = client.changes(kind=["rule"])

            async def read() -> None:
                rest[:] = [change async for change in feed]

            async with feed:
                tasks.start_soon(read)
                await anyio.wait_all_tasks_blocked()
        return rest

    assert anyio.run(closed, backend=backend) == []


def test_a_gap_is_sent_where_the_cursor_is_that_of_another_state(served: Served, keys: dict[str, str]) -> None:
    with Client(served.url, key=keys["admin"]) as client, client.changes(after="0-0-7,1-0-3") as feed:
        gap = next(feed)
        assert isinstance(gap, Gap)
        assert gap.reason == "rewound"
        client.send(purchases("after the gap"))
        change = next(feed)
        assert isinstance(change, SegmentChange)
        assert change.customer_id == "after the gap"
        partition, epoch, number = map(int, change.change_id.split("-"))
        assert gap.upto == f"{partition}-{epoch}-{number - 1}"


def test_what_a_newer_service_sends_besides_is_left_out() -> None:
    state = FeedState({}, None)
    segment = (
        '{"change_id":"0-0-1","id":"s1","name":"n","size":1,"centroid":{},"colour":"red","J_share":1,"model_version":1,'
        '"description":{"text":"t","facts":[],"mood":1}}'
    )
    assert isinstance(state.read(ServerSentEvent("segment", segment, "0-0-1")), Segment)
    gone = state.read(ServerSentEvent("segment", '{"change_id":"0-0-2","id":"s1","model_version":2}', "0-0-2"))
    assert gone == SegmentGone(change_id="0-0-2", id="s1", model_version=2)
    assert state.read(ServerSentEvent("weather", '{"rain":true}', "0-0-3")) is None
    assert state.read(ServerSentEvent("", "", "0-0-4")) is None
    assert state.cursor == "0-0-4"
    with pytest.raises(ServiceFault, match="after 0-0-4"):
        state.read(ServerSentEvent("segment", '{"name":"n"}', "0-0-5"))
    assert state.cursor == "0-0-4"
