"""A connection that breaks after Redis has done the commit, before its answer arrives."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from crm_online.errors import StoreUnavailable
from crm_online.step import Append, Entry, Step, Topic
from crm_online.store import Outcome, open_store

StartServer = Callable[..., Any]


class Proxy:
    """Passes bytes between clients and a Redis; when armed, swallows the next answer and hangs up."""

    def __init__(self, listener: socket.socket, target: str) -> None:
        self.armed = False
        self.swallowed = 0
        self._listener, self._target = listener, target
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.socket(socket.AF_UNIX)
                server.connect(self._target)
                threading.Thread(target=self._pass, args=(client, server, False), daemon=True).start()
                threading.Thread(target=self._pass, args=(server, client, True), daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket, answers: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                if answers and self.armed:
                    self.swallowed += 1
                    break
                sink.sendall(data)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def proxy(start_server: StartServer, tmp_path: Path) -> Iterator[tuple[Proxy, str]]:
    server = start_server()
    path = server.socket + ".proxy"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        yield Proxy(listener, server.socket), f"unix://{path}"


def test_a_commit_whose_answer_is_lost_is_sent_once_and_its_outcome_known(proxy: tuple[Proxy, str]) -> None:
    between, url = proxy
    with open_store(url) as store:
        partition = store.partition(0)
        token = partition.claim("a").token
        partition.commit(Step(0, "log", 0, 1, 0, [Append("l", [b"0"])]), token)  # Redis knows the script now
        entry = Entry(Topic.RULES, "r", b"{}", 1)
        lost = Step(0, "log", 1, 2, 1, [Append("l", [b"1"])], [entry])
        between.armed = True
        with pytest.raises(StoreUnavailable):
            partition.commit(lost, token)
        assert between.swallowed == 1, "the commit was sent again"
        assert partition.outcome(lost) is Outcome.UNKNOWN
        between.armed = False
        assert partition.outcome(lost) is Outcome.COMMITTED
        partition.commit(Step(0, "log", 2, 3, 2, [Append("l", [b"2"])]), token)
        assert partition.list_range("l", 0, -1) == [b"0", b"1", b"2"]
        assert partition.outbox() == [entry]
