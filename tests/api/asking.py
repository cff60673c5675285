"""Requests as bytes: what clients do not send by themselves, and what every answer must be like."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse
from typing import Any
from urllib.parse import quote, urlsplit

from tests.servers.serving import Served

PATIENCE = 120.0
"""Seconds after which a test fails instead of waiting."""


@dataclass(frozen=True)
class Answer:
    """Status, headers (names in small letters; of several the last) and body of an answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, read."""
        return json.loads(self.body)

    def problem(self, status: int, kind: str | None = None) -> dict[str, Any]:
        """Return the problem document that it must be, and that tells nothing of what is within."""
        assert self.status == status, (self.status, self.body[:500])
        assert self.headers["content-type"] == "application/problem+json"
        found: dict[str, Any] = self.json
        assert found["status"] == status
        assert found["title"]
        assert found["detail"]
        assert kind is None or found["type"] == f"/problems/{kind}"
        assert len(self.body) < 10_000
        for inner in (b"Traceback", b"site-packages", b".py", b"redis://", b"Redis at"):
            assert inner not in self.body
        return found


def ask(
    url: str,
    path: str,
    body: bytes | str | object | None = None,
    method: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """Ask once; the path is sent as it is, and a body that is neither bytes nor text as JSON."""
    if body is not None and not isinstance(body, bytes | str):
        body = json.dumps(body)
    sent = {"Content-Type": "application/json"} if body is not None else {}
    connection = HTTPConnection(urlsplit(url).netloc, timeout=PATIENCE)
    try:
        connection.request(method or ("GET" if body is None else "POST"), path, body, sent | dict(headers or {}))
        return _answer(connection.getresponse())
    finally:
        connection.close()


def as_path(text: str) -> str:
    """Return a text as one part of a path."""
    return quote(text, safe="").replace(".", "%2E")


def connected(url: str) -> socket.socket:
    """Return a connection that has sent nothing."""
    parts = urlsplit(url)
    return socket.create_connection((parts.hostname, parts.port), timeout=PATIENCE)


def sent(url: str, data: bytes) -> Answer:
    """Send bytes as they are, and read one answer."""
    with connected(url) as connection:
        connection.sendall(data)
        return answered(connection)


def answered(connection: socket.socket) -> Answer:
    """Read an answer."""
    response = HTTPResponse(connection)
    response.begin()
    return _answer(response)


def to_end(connection: socket.socket) -> bytes:
    """Read until the service closes the connection."""
    found = bytearray()
    try:
        while data := connection.recv(1 << 16):
            found += data
    except ConnectionResetError:
        pass
    return bytes(found)


def until(asked: Callable[[], Answer], status: int) -> Answer:
    """Ask until an answer has a status, and return it."""
    deadline = time.monotonic() + PATIENCE
    while (answer := asked()).status != status:
        assert time.monotonic() < deadline, f"no {status} in time, but {answer}"
    return answer


def ready(url: str) -> None:
    """Wait until a service has read its state."""
    until(lambda: ask(url, "/readyz"), 200)


@contextmanager
def feed(url: str, headers: Mapping[str, str] | None = None, query: str = "") -> Iterator[HTTPResponse]:
    """Open a feed of changes; it has begun."""
    connection = HTTPConnection(urlsplit(url).netloc, timeout=PATIENCE)
    try:
        connection.request("GET", f"/v1/changes{query}", headers=dict(headers or {}))
        yield connection.getresponse()
    finally:
        connection.close()


def sent_changes(lines: HTTPResponse) -> Iterator[dict[str, Any]]:
    """Yield the changes of a feed as they come."""
    for line in lines:
        if line.startswith(b"data: "):
            yield json.loads(line.removeprefix(b"data: "))


def printed_well(served: Served) -> None:
    """Hold that a service printed neither a traceback nor a fault of its own."""
    output = "".join(served.output)
    assert "Traceback" not in output, output
    assert "a request failed" not in output, output


def _answer(response: HTTPResponse) -> Answer:
    headers = {name.lower(): value for name, value in response.getheaders()}
    endless = headers.get("content-type", "").startswith("text/event-stream")
    return Answer(response.status, headers, b"" if endless else response.read())
