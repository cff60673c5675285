"""Real Redis servers for the tests of the store."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from crm_online.store.binary import Binary, binaries
from tests.servers.redis_server import RedisServer

_KNOWN: list[Binary | None] = [*{binary.version: binary for binary in binaries()}.values()]


StartServer = Callable[..., RedisServer]


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

        def start(name: str = "plain", **options: str) -> RedisServer:
            given = {option.replace("_", "-"): value for option, value in options.items()}
            return stack.enter_context(RedisServer(tmp_path / name, binary, given))

        yield start
