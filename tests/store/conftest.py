"""Real Redis servers for the tests of the store."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from crm_online.store.binary import Binary, binaries

_KNOWN: list[Binary | None] = [*binaries()]


@dataclass
class Server:
    """A plain redis-server, not started by the code under test."""

    process: subprocess.Popen[bytes]
    port: int
    socket: str
    folder: Path

    @property
    def url(self) -> str:
        return f"redis://localhost:{self.port}"

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


StartServer = Callable[..., Server]


@pytest.fixture(params=_KNOWN or [None], ids=lambda b: "redis-" + ".".join(map(str, b.version)) if b else "none")
def binary(request: pytest.FixtureRequest) -> Binary:
    """Each redis-server of this machine in turn."""
    found = request.param
    assert isinstance(found, Binary), "these tests need a redis-server: see `make test`"
    return found


@pytest.fixture
def only_binary(binary: Binary, monkeypatch: pytest.MonkeyPatch) -> Binary:
    """Make embedded stores use this redis-server."""
    monkeypatch.setattr("crm_online.store.embedded.chosen", lambda at_least, folder: binary)
    return binary


@pytest.fixture
def start_server(binary: Binary, tmp_path: Path) -> Iterator[StartServer]:
    """Start plain servers, with options; a server started again in the same folder reads its AOF."""
    with contextlib.ExitStack() as stack:

        def start(name: str = "plain", **options: str) -> Server:
            folder = tmp_path / name
            folder.mkdir(exist_ok=True)
            base = {"save": "", "appendonly": "yes", "appendfsync": "always", "dir": str(folder)}
            merged = base | {option.replace("_", "-"): value for option, value in options.items()}
            flat = [part for option, value in merged.items() for part in (f"--{option}", value)]
            for _ in range(3):  # another process may take the port between our look and Redis's bind
                port = _free_port()
                path = _short_socket(stack)
                ports = ["--port", str(port), "--unixsocket", path]
                process = subprocess.Popen([binary.path, *flat, *ports], stdout=subprocess.DEVNULL)
                stack.callback(_end, process)
                if _answers(path, process):
                    return Server(process, port, path, folder)
            raise AssertionError("redis-server does not start")

        yield start


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        return int(probe.getsockname()[1])


def _short_socket(stack: contextlib.ExitStack) -> str:
    return stack.enter_context(tempfile.TemporaryDirectory(prefix="crm-test-")) + "/s"


def _answers(path: str, process: subprocess.Popen[bytes]) -> bool:
    deadline = time.monotonic() + 20
    with redis.Redis(unix_socket_path=path, retry=Retry(NoBackoff(), 0)) as client:
        while time.monotonic() < deadline and process.poll() is None:
            try:
                client.ping()
            except (redis.AuthenticationError, redis.BusyLoadingError):
                return True
            except (redis.ConnectionError, redis.TimeoutError):
                time.sleep(0.002)
            else:
                return True
    return False
