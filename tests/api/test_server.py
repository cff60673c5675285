"""Connections and the process: who is too slow is dropped while others are answered, and at a signal it stops."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from shutil import copytree
from urllib.parse import urlsplit

import pytest

from tests.api.asking import PATIENCE, answered, ask, connected, feed, printed_well, ready, to_end
from tests.command import crm_online, environment
from tests.servers.serving import Served, serving


@pytest.fixture(scope="module")
def folder(made_shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a state."""
    return copytree(made_shop, tmp_path_factory.mktemp("server") / "shop")


@pytest.fixture(scope="module")
def hasty(folder: Path) -> Iterator[Served]:
    """Return a service that waits half a second for its clients."""
    with serving(folder, "--state", "shop", "--set", "serve.request_timeout=500ms") as it:
        ready(it.url)
        yield it
    printed_well(it)


def drip(connection: socket.socket, piece: bytes) -> bytes:
    """Send a piece now and then, each well in time, until the service has had enough; return what it said."""
    connection.settimeout(0.05)
    for _ in range(int(PATIENCE / 0.05)):
        try:
            connection.sendall(piece)
            if (said := connection.recv(1 << 16)) or not said:
                return said
        except TimeoutError:
            continue
        except (BrokenPipeError, ConnectionResetError):
            return b""
    raise AssertionError("the service took it for ever")


def test_who_drips_a_request_is_dropped_while_others_are_answered(hasty: Served) -> None:
    begin = b"POST /v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    chunked = begin + b"Transfer-Encoding: chunked\r\n\r\n"
    drips = {
        "head": (begin, b"X: x\r\n"),
        "head without an end": (b"", b"x"),
        "body": (begin + b"Content-Length: 100000\r\n\r\n", b" "),
        "chunks": (chunked, b"1\r\n \r\n"),
        "a chunk": (chunked + b"FFFF\r\n", b" "),
        "empty lines": (b"", b"\r\n"),
        "a second request": (b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\nGET /", b"x"),
    }
    with ExitStack() as stack, ThreadPoolExecutor(len(drips)) as pool:
        answers = {}
        for name, (first, piece) in drips.items():
            connection = stack.enter_context(connected(hasty.url))
            connection.sendall(first)
            if name == "a second request":
                assert answered(connection).json == {"alive": True}
            answers[name] = pool.submit(drip, connection, piece)
        while not all(one.done() for one in answers.values()):
            assert ask(hasty.url, "/v1/customers/C17").status == 200
    for name, one in answers.items():
        answer = one.result()
        if name not in ("head without an end", "empty lines"):
            assert answer.startswith(b"HTTP/1.1 408 "), (name, answer)
            assert b"application/problem+json" in answer


def test_who_sends_nothing_or_no_more_is_dropped(hasty: Served) -> None:
    with connected(hasty.url) as silent, connected(hasty.url) as kept:
        kept.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert answered(kept).json == {"alive": True}
        for one in (silent, kept):
            assert to_end(one) == b""


def slow_reader(url: str) -> socket.socket:
    """Return a connection that has little room for what it does not take."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.settimeout(PATIENCE)
    connection.connect((urlsplit(url).hostname, urlsplit(url).port))
    return connection


def test_who_reads_nothing_of_an_answer_is_dropped(hasty: Served) -> None:
    with slow_reader(hasty.url) as connection:
        # Some megabytes.
        connection.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n" * 40)
        for _ in range(3):
            # As long as the service waits.
            with connected(hasty.url) as silent:
                assert to_end(silent) == b""
        head, _, body = to_end(connection).partition(b"\r\n\r\n")
    (length,) = [int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.startswith(b"content-length:")]
    assert len(body) < 40 * length


def test_who_sends_requests_on_and_on_and_reads_nothing_is_dropped(hasty: Served) -> None:
    with slow_reader(hasty.url) as connection:
        # Far more than the buffers between hold, were it sent.
        once = b"GET /v1/rules?limit=1000 HTTP/1.1\r\nHost: localhost\r\n\r\n"
        try:
            for _ in range(20_000):
                connection.sendall(once)
        except (BrokenPipeError, ConnectionResetError):
            return
        # All requests were read: then the answers to them must end all the same.
        to_end(connection)


def test_a_request_in_pieces_and_pipelined_requests_are_answered(hasty: Served) -> None:
    with connected(hasty.url) as connection:
        for piece in (b"GET /v1/custo", b"mers/C17 HTTP/1.1\r\nHo", b"st: localhost\r\n\r", b"\n"):
            connection.sendall(piece)
        assert answered(connection).json["customer_id"] == "C17"
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n" * 20 + b"GET / HTTP/1.0\r\n\r\n")
        answers = to_end(connection)
    assert answers.count(b'{"alive":true}') == 20
    assert answers.count(b"HTTP/1.1 200 OK") == 21


def test_a_feed_is_longer_open_than_a_request_may_take(hasty: Served) -> None:
    with feed(hasty.url) as changes, connected(hasty.url) as silent:
        assert changes.readline() == b"retry: 2000\n"
        assert to_end(silent) == b""
        event = {"type": "purchase", "customer_id": "late", "time": "2026-04-02T08:00:00Z", "items": [{"item": "tea"}]}
        assert ask(hasty.url, "/v1/events", event).status == 202
        assert any(b"late" in line for line in changes)


def test_an_address_that_cannot_be_listened_on_is_an_error_of_one_line(
    hasty: Served, folder: Path, tmp_path: Path
) -> None:
    port = str(urlsplit(hasty.url).port)
    done = crm_online(tmp_path, "serve", "--state", "other", "--port", port)
    line = f"crm-online: serve.listen: 127.0.0.1:{port} cannot be listened on: Address already in use"
    assert (done.returncode, done.stderr.splitlines()) == (2, [line])
    for listen in ("no.such.host.invalid:80", "203.0.113.1:8080"):
        done = crm_online(tmp_path, "serve", "--state", "other", "--set", f"serve.listen={listen}")
        assert done.returncode == 2
        assert len(done.stderr.splitlines()) == 1
        assert listen.partition(":")[0] in done.stderr


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGINT])
def test_at_a_signal_it_ends_feeds_releases_the_port_and_exits_with_its_code(
    by: signal.Signals, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "crm_online", "serve", "--state", "new", "--port", "0"]
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            assert process.stdout is not None
            url = next(part for line in process.stdout for part in line.split() if part.startswith("http://"))
            event = {"type": "view", "customer_id": "C1", "time": "2026-04-02T08:00:00Z"}
            assert ask(url, "/v1/events", event).status == 202
            ready(url)
            with feed(url) as first, feed(url) as second, connected(url) as silent:
                assert {one.readline() for one in (first, second)} == {b"retry: 2000\n"}
                process.send_signal(by)
                for one in (first, second):
                    one.read()  # to an end that is one: not cut off
                assert to_end(silent) == b""
            assert process.wait(PATIENCE) == 0
            assert "Traceback" not in process.stdout.read()
        finally:
            process.kill()
    with socket.create_server(("127.0.0.1", urlsplit(url).port or 0)):
        pass
