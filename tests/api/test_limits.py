"""What a caller may use, and the headers for browsers in every answer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from shutil import copytree
from urllib.parse import urlsplit

import pytest

from tests.api.asking import Answer, answered, ask, connected, feed, printed_well, ready, sent, to_end, until
from tests.servers.serving import Served, serving

FEEDS, CONNECTIONS = 3, 12
FRIEND, FOE = "https://shop.example", "https://foe.example"
SMALL = (
    *(f"serve.feeds={FEEDS}", f"serve.connections={CONNECTIONS}", "serve.body=1MB"),
    f"serve.cors={FRIEND},http://till.example:8443",
)


@pytest.fixture(scope="module")
def served(made_shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Return a service with small limits, without keys."""
    folder = copytree(made_shop, tmp_path_factory.mktemp("limits") / "shop")
    settings = [part for one in SMALL for part in ("--set", one)]
    with serving(folder, "--state", "shop", *settings) as it:
        ready(it.url)
        yield it
    printed_well(it)


@pytest.fixture(scope="module")
def slow(made_shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Return a service that may be asked once in 50 seconds, by proxies for others."""
    folder = copytree(made_shop, tmp_path_factory.mktemp("slow") / "shop")
    with serving(folder, "--state", "shop", "--set", "serve.rate=0.02", "--set", "serve.proxies=127.0.0.1") as it:
        ready(it.url)
        yield it
    printed_well(it)


def asked_for(url: str, address: str) -> Answer:
    return ask(url, "/v1/segments", headers={"X-Forwarded-For": address})


def test_who_asks_too_often_gets_a_retry_after_and_others_are_answered(slow: Served) -> None:
    assert asked_for(slow.url, "192.0.2.1").status == 200
    refused = asked_for(slow.url, "192.0.2.1")
    refused.problem(429, "rate")
    assert 1 <= int(refused.headers["retry-after"]) <= 50
    assert asked_for(slow.url, "192.0.2.2").status == 200
    # Of IPv6 a line has as many addresses as it likes.
    assert asked_for(slow.url, "2001:db8::1").status == 200
    asked_for(slow.url, "2001:db8::2").problem(429, "rate")
    assert asked_for(slow.url, "2001:db8:0:1::1").status == 200
    # Whoever looks after the service may always ask how it is.
    assert {ask(slow.url, path).status for path in ("/healthz", "/readyz") for _ in range(3)} == {200}


def test_forwarded_addresses_count_from_proxies_only(served: Served) -> None:
    with feed(served.url, {"X-Forwarded-For": "192.0.2.9", "X-Forwarded-Proto": "https"}):
        assert ask(served.url, "/v1/segments", headers={"X-Forwarded-For": "192.0.2.9"}).status == 200


@pytest.mark.parametrize("path", ["/v1/events", "/v1/customers:batch", "/v1/recommendations"])
def test_a_body_has_a_largest_size_with_a_length_or_chunked(served: Served, path: str) -> None:
    ask(served.url, path, b" " * 1_000_001).problem(413)
    ask(served.url, path, b" " * 1_000_000).problem(422)
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n".encode()
    chunk = b"30d40\r\n" + b" " * 200_000 + b"\r\n"
    sent(served.url, head + b"Transfer-Encoding: chunked\r\n\r\n" + 6 * chunk).problem(413)
    sent(served.url, head + b"Transfer-Encoding: chunked\r\n\r\n" + 5 * chunk + b"0\r\n\r\n").problem(422)
    # Who asks whether it may send is answered before it does.
    sent(served.url, head + b"Expect: 100-continue\r\nContent-Length: 1000001\r\n\r\n").problem(413)


def test_only_so_many_feeds_are_open_and_a_place_is_free_when_one_ends(served: Served) -> None:
    with ExitStack() as stack:
        until(lambda: ask(served.url, "/v1/changes"), 200)
        for _ in range(FEEDS):
            opened = stack.enter_context(feed(served.url))
            while opened.status == 503:  # those of tests before may be ending
                opened = stack.enter_context(feed(served.url))
            assert opened.status == 200
        refused = ask(served.url, "/v1/changes")
        refused.problem(503, "feeds")
        assert int(refused.headers["retry-after"]) > 0
        assert ask(served.url, "/v1/segments").status == 200
        assert b"\ncrm_online_feeds 3.0\n" in ask(served.url, "/metrics").body
    until(lambda: ask(served.url, "/v1/changes"), 200)


def test_connections_that_ask_nothing_shut_nobody_out(served: Served) -> None:
    whole = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
    for begun in (b"", whole, whole[:20]):  # nothing, kept alive after an answer, and a request that never ends
        with ExitStack() as stack:
            held = [stack.enter_context(connected(served.url)) for _ in range(CONNECTIONS)]
            for one in held:
                one.sendall(begun)
            if begun == whole:
                assert {answered(one).status for one in held} == {200}
            for _ in range(CONNECTIONS // 2):
                assert ask(served.url, "/healthz").status == 200
            assert to_end(held[0]) == b""  # the one that was silent the longest is gone


def test_connections_that_are_being_answered_stay_open_whoever_connects(served: Served) -> None:
    with ExitStack() as stack:
        until(lambda: ask(served.url, "/v1/changes"), 200)
        feeds = [stack.enter_context(feed(served.url)) for _ in range(FEEDS)]
        silent = [stack.enter_context(connected(served.url)) for _ in range(2 * CONNECTIONS)]
        assert {one.status for one in feeds} == {200}
        ask(served.url, "/v1/changes").problem(503, "feeds")  # so all of them are open
        for one in silent:
            one.close()
    until(lambda: ask(served.url, "/healthz"), 200)


def test_pages_of_other_origins_may_not_read_answers_but_for_those_that_are_named(
    served: Served, local: Served
) -> None:
    preflight = {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type",
    }
    for origin in (FRIEND, "http://till.example:8443"):
        answer = ask(served.url, "/v1/segments", headers={"Origin": origin})
        assert (answer.status, answer.headers["access-control-allow-origin"]) == (200, origin)
        assert "ETag" in answer.headers["access-control-expose-headers"]
        assert "origin" in answer.headers["vary"].lower()
        allowed = ask(served.url, "/v1/events", method="OPTIONS", headers={"Origin": origin} | preflight)
        assert (allowed.status, allowed.headers["access-control-allow-origin"]) == (200, origin)
        # A browser's cookie is for the service's own pages.
        assert "access-control-allow-credentials" not in answer.headers.keys() | allowed.headers.keys()
    for origin in (FOE, "null", f"{FRIEND}.foe.example", FRIEND.replace("https", "http"), f"{FRIEND}:8443", "*"):
        for headers, method in (({"Origin": origin}, "GET"), ({"Origin": origin} | preflight, "OPTIONS")):
            answer = ask(served.url, "/v1/segments", method=method, headers=headers)
            assert answer.status in (400, 403)
            assert "access-control-allow-origin" not in answer.headers
    for origin in (FRIEND, FOE, local.url):
        for headers, method in (({"Origin": origin}, "GET"), ({"Origin": origin} | preflight, "OPTIONS")):
            answer = ask(local.url, "/v1/segments", method=method, headers=headers)
            assert not [name for name in answer.headers if name.startswith("access-control")]


def test_every_answer_forbids_browsers_scripts_of_others_and_guessed_types(local: Served) -> None:
    host = urlsplit(local.url).netloc
    answers = {
        "page": ask(local.url, "/"),
        "look-up": ask(local.url, "/v1/customers/C17"),
        "same": ask(local.url, "/v1/segments", headers={"If-None-Match": "*"}),
        "feed": ask(local.url, "/v1/changes"),
        "metrics": ask(local.url, "/metrics"),
        "document": ask(local.url, "/openapi.json"),
        "no such path": ask(local.url, "/none"),
        "no such method": ask(local.url, "/v1/segments", method="DELETE"),
        "not let in": ask(local.url, "/v1/segments", headers={"Origin": FOE}),
        "too large": ask(local.url, "/v1/events", b" " * 1_000_001),
        "too long": ask(local.url, f"/{'x' * 9000}"),
        "no http": sent(local.url, b"nonsense\r\n\r\n"),
        "head too large": sent(local.url, f"GET / HTTP/1.1\r\nHost: {host}\r\nX: {'x' * 70_000}".encode()),
    }
    for name, answer in answers.items():
        policy = {
            one.split(" ")[0]: one.split(" ")[1:] for one in answer.headers["content-security-policy"].split("; ")
        }
        assert policy["default-src"] == ["'none'"], name
        assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == ["'self'"], name
        assert policy["frame-ancestors"] == policy["form-action"] == policy["base-uri"] == ["'none'"], name
        assert not {"'unsafe-inline'", "'unsafe-eval'", "*"} & {source for all_ in policy.values() for source in all_}
        assert answer.headers["x-content-type-options"] == "nosniff", name
        assert answer.headers["referrer-policy"] == "no-referrer", name
        assert answer.headers["cross-origin-resource-policy"] == "same-origin", name
        assert "server" not in answer.headers, name


def test_answers_about_people_are_kept_by_nobody_between(local: Served) -> None:
    for path in ("/v1/customers/C17", "/v1/status", "/metrics", "/v1/customers/nobody"):
        assert ask(local.url, path).headers["cache-control"] == "no-store", path
    assert ask(local.url, "/v1/picture").headers["cache-control"] == "private, no-cache"
