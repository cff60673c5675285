"""Whatever is sent to the service is answered, and never by a fault of ours; run by `make fuzz` only.

In CI the service is held to its OpenAPI document by schemathesis (tests/api/test_contract.py).
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from shutil import copytree
from urllib.parse import quote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.api.asking import ready
from tests.fuzz.fuzzing import EDITS, JSON, edited, nearly, searching, to_json
from tests.fuzz.test_decoding import NATIVE
from tests.servers.serving import serving

PATHS = [
    "/v1/events",
    "/v1/customers",
    "/v1/customers/c1",
    "/v1/recommendations",
    "/v1/rules",
    "/v1/segments",
    "/v1/flows",
]
NAMES = ["as_of", "limit", "after", "since", "prefix", "item", "sort", "days", "kind"]
HEADERS = ["Content-Type", "Accept", "If-None-Match", "Authorization", "X-Forwarded-For", "Accept-Encoding", "Cookie"]


@pytest.fixture(scope="module")
def url(made_shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the URL of a service without a limit of requests."""
    folder = copytree(made_shop, tmp_path_factory.mktemp("fuzz") / "shop")
    with serving(folder, "--state", "shop", "--set", "serve.rate=none") as it:
        ready(it.url)
        yield it.url
        assert "Traceback" not in "".join(it.output)


def sent(url: str, request: bytes) -> bytes:
    """Return the first bytes of the answer to a request; none if the connection was closed."""
    host = urlsplit(url)
    with socket.create_connection((host.hostname, host.port), timeout=60) as connection:
        try:
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
            return connection.recv(64)
        except ConnectionError:
            return b""


def check(url: str, request: bytes) -> None:
    """Send a request, and look at the status."""
    answer = sent(url, request)
    status = int(answer.split()[1]) if answer.startswith(b"HTTP/1.") else 0
    assert status < 500 or status == 503, answer


def test_any_body_and_query_is_answered(url: str) -> None:
    bodies = JSON.map(to_json) | st.sampled_from(NATIVE).flatmap(nearly).map(to_json) | st.binary(max_size=300)

    @given(
        st.sampled_from(["GET", "POST", "PATCH", "DELETE", "PUT"]),
        st.sampled_from(PATHS)
        | st.text(max_size=30).map(lambda text: "/v1/customers/" + quote(text, errors="replace")),
        st.lists(st.tuples(st.sampled_from(NAMES), st.text(max_size=12)), max_size=3),
        bodies,
    )
    @searching(20)
    def test(method: str, path: str, query: list[tuple[str, str]], body: bytes) -> None:
        more = "&".join(f"{name}={quote(value, errors='replace')}" for name, value in query)
        head = f"{method} {path}?{more} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        check(url, head.encode() + b"Content-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body)

    test()


def test_any_bytes_on_the_wire_are_answered(url: str) -> None:
    lines = b"GET /v1/customers/c1?as_of=2026-01-01 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n%s: %s\r\n\r\n"

    @given(st.sampled_from(HEADERS), st.binary(max_size=60), EDITS, st.booleans())
    @searching(20)
    def test(name: str, value: bytes, edits: list[tuple[int, int, bytes]], keep: bool) -> None:
        request = lines % (name.encode(), value)
        check(url, request if keep else edited(request, edits))

    test()
