"""Redis goes and comes back: look-ups say so, the feed goes on where it was, and nothing needs a restart."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPResponse
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from tests.api.asking import Answer, ask, feed, printed_well, ready, sent_changes, until
from tests.command import crm_online
from tests.servers.redis_server import RedisServer
from tests.servers.serving import Served, serving

SETTINGS = ("serve.store_timeout=500ms", "serve.refresh=100ms", "serve.rate=none")


@pytest.fixture(scope="module")
def served(redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Return a service that waits half a second for Redis; it must have answered no fault of its own in the end."""
    settings = [part for one in SETTINGS for part in ("--set", one)]
    with serving(tmp_path_factory.mktemp("away"), "--state", redis_server.url, *settings) as it:
        ready(it.url)
        yield it
    printed_well(it)


def first_of(*customers: str) -> list[dict[str, Any]]:
    """Return events with which new customers get their first segment."""
    items = [{"item": "tea", "quantity": 1, "price": 2.5}]
    return [
        {"type": "purchase", "customer_id": name, "event_id": name, "time": "2026-04-02T08:00:00Z", "items": items}
        for name in customers
    ]


def reads(url: str, how: str = "") -> dict[str, Callable[[], Answer]]:
    """Return what reads Redis for each request."""
    return {
        "customer": lambda: ask(url, "/v1/customers/C17"),
        "nobody": lambda: ask(url, "/v1/customers/nobody"),
        "customers": lambda: ask(url, "/v1/customers:batch", {"customer_ids": ["C17", "C18"]}),
        "explain": lambda: ask(url, "/v1/explain/C17"),
        "members": lambda: ask(url, "/v1/segments/s1/customers"),
        "recommend": lambda: ask(url, "/v1/recommendations", {"customer_id": "C17"}),
        "rejects": lambda: ask(url, "/v1/rejects"),
        "send": lambda: ask(url, "/v1/events", first_of(f"sent while {how}")),
    }


def moved(changes: HTTPResponse, most: int) -> list[str]:
    """Return the customers of the next changes, but for those of the made shop: they lapse as time goes on."""
    names = (change["customer_id"] for change in sent_changes(changes))
    return list(islice((name for name in names if not re.fullmatch(r"C\d+", name)), most))


@contextmanager
def killed(server: RedisServer) -> Iterator[None]:
    """Be without Redis, by `kill -9`."""
    server.kill()
    yield
    server.start()


@contextmanager
def hung(server: RedisServer) -> Iterator[None]:
    """Be with a Redis that takes requests, and answers none."""
    server.suspend()
    try:
        yield
    finally:
        server.resume()


@pytest.mark.parametrize("away", [killed, hung], ids=["killed", "hung"])
def test_without_redis_it_is_not_ready_and_with_it_it_is_again(
    served: Served, redis_server: RedisServer, away: Callable[[RedisServer], Any]
) -> None:
    url, how = served.url, away.__name__
    before = {name: asked() for name, asked in reads(url, how).items() if name != "send"}
    with feed(url, query="?kind=segment-change") as changes:
        assert changes.readline() == b"retry: 2000\n"
        assert ask(url, "/v1/events", first_of(f"before {how}")).status == 202
        assert moved(changes, 1) == [f"before {how}"]
        with away(redis_server):
            for name, asked in reads(url, how).items():
                answer = asked()
                answer.problem(503, "store-away")
                assert int(answer.headers["retry-after"]) > 0, name
            # What was read whole stays.
            for path in ("/v1/segments", "/v1/rules", "/v1/picture", "/v1/status", "/healthz", "/metrics", "/"):
                assert ask(url, path).status == 200, path
            assert ask(url, "/v1/recommendations", {"basket": ["bread"]}).json["items"]
            reasons = until(lambda: ask(url, "/readyz"), 503).json["reasons"]
            assert "the store cannot be read; the service's log says why" in reasons
            # Anybody may ask: where Redis is, is for the log.
            assert not [reason for reason in reasons if "Redis" in reason or "localhost" in reason]
        ready(url)
        for name, asked in reads(url, how).items():
            until(asked, before[name].status if name in before else 202)
        # Sent again as it was, it counts once, whether it had come through or not.
        assert ask(url, f"/v1/customers/sent%20while%20{how}").json["events"] == 1
        assert ask(url, "/v1/events", first_of(f"after {how}")).status == 202
        assert moved(changes, 2) == [f"sent while {how}", f"after {how}"]


def test_a_redis_that_was_put_back_in_time_is_a_gap_in_feeds(
    served: Served, redis_server: RedisServer, tmp_path: Path
) -> None:
    url = served.url
    copy = redis_server.copy(tmp_path / "copy")
    with feed(url, query="?kind=segment-change") as changes:
        assert ask(url, "/v1/events", first_of("forgotten")).status == 202
        assert moved(changes, 1) == ["forgotten"]
        redis_server.put_back(copy)
        assert next(sent_changes(changes))["reason"] == "rewound"
        until(lambda: ask(url, "/v1/customers/forgotten"), 404)
        until(lambda: ask(url, "/v1/events", first_of("not forgotten")), 202)
        assert "not forgotten" in moved(changes, 1)


def test_without_a_state_the_answer_names_what_to_do_and_it_begins_with_the_first_event(tmp_path: Path) -> None:
    with serving(tmp_path, "--state", "empty", "--set", "serve.refresh=100ms") as served:
        until(lambda: ask(served.url, "/v1/status"), 503)
        reasons = ask(served.url, "/readyz").json["reasons"]
        assert "no state yet: replay a log (crm-online replay), send events, or start a worker" in reasons
        for name, asked in reads(served.url).items():
            if name != "send":
                answer = until(asked, 503)
                assert "replay a log" in answer.problem(503, "no-state")["detail"], name
        with feed(served.url, query="?kind=rule") as changes:
            assert changes.status == 200
            assert ask(served.url, "/v1/events", first_of("first")).status == 202
            assert changes.readline() == b"retry: 2000\n"
        ready(served.url)
        assert ask(served.url, "/v1/customers/first").json["segment"] is None
        printed_well(served)


def test_an_unavailable_redis_is_an_error_of_one_line(tmp_path: Path) -> None:
    done = crm_online(tmp_path, "serve", "--state", "redis://:s3cret@localhost:1", "--port", "0")
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "localhost:1" in done.stderr
    assert "s3cret" not in done.stderr
