"""A commit whose answer is lost: whether it was done or not, the next claim says which, and it is done once at most."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from crm_online.errors import OwnerLost, StoreUnavailable
from crm_online.step import Append, ChangeId, Entry, Step, Topic
from crm_online.store import PartitionStore, open_store
from tests.servers.embedded import commits_and_sequence
from tests.servers.redis_server import RedisServer

StartServer = Callable[..., RedisServer]


class Proxy:
    """Passes bytes between clients and a Redis, until ``lose`` says to lose what comes next, and hang up.

    Attributes
    ----------
    lose
        "answer": Redis gets the request, and its answer is thrown away. "request": it is kept back, see ``deliver``.
    lost
        How many times it did so.
    """

    def __init__(self, listener: socket.socket, target: str) -> None:
        self.lose = ""
        self.lost = 0
        self._kept: list[bytes] = []
        self._open = contextlib.ExitStack()
        self._listener, self._target = listener, target
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Close all connections."""
        self._open.close()

    def deliver(self) -> bytes:
        """Give Redis the request that was kept back, and return its answer."""
        with self._connected() as server:
            server.sendall(b"".join(self._kept))
            return server.recv(1 << 16)

    def _connected(self) -> socket.socket:
        server = socket.socket(socket.AF_UNIX)
        server.connect(self._target)
        return server

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, server = self._open.enter_context(self._listener.accept()[0]), self._connected()
                self._open.enter_context(server)
                threading.Thread(target=self._pass, args=(client, server, "request"), daemon=True).start()
                threading.Thread(target=self._pass, args=(server, client, "answer"), daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket, what: str) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                if what == self.lose:
                    self._kept.append(data)
                    self.lost += 1
                    break
                sink.sendall(data)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def proxy(start_server: StartServer) -> Iterator[tuple[Proxy, str]]:
    server = start_server()
    path = server.socket + ".proxy"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        between = Proxy(listener, server.socket)
        yield between, f"unix://{path}"
        between.close()


def step(at: int) -> Step:
    return Step(
        0, "log", at, at + 1, at, [Append("l", [b"%d" % at])], [Entry(Topic.RULES, "r", b"{}", ChangeId(0, 0, at + 1))]
    )


def goes_on(partition: PartitionStore, at: int) -> None:
    """Commit from a position to the third step, and look at what came of all."""
    for number in range(at, 3):
        partition.commit(step(number))
    assert partition.list_range("l", 0, -1) == [b"0", b"1", b"2"]
    assert [entry.sequence for entry in partition.outbox()] == [1, 2, 3]


@pytest.mark.parametrize(("lose", "done"), [("answer", True), ("request", False)])
def test_the_next_claim_says_whether_the_commit_was_done(proxy: tuple[Proxy, str], lose: str, done: bool) -> None:
    between, url = proxy
    with open_store(url) as store:
        partition = store.partition(0)
        partition.claim("a")
        partition.commit(step(0))  # Redis knows the script now
        between.lose = lose
        with pytest.raises(StoreUnavailable):
            partition.commit(step(1))
        assert between.lost == 1, "the commit was sent again"
        between.lose = ""
        after = 2 if done else 1
        assert partition.claim("a") == {"log": after}
        assert commits_and_sequence(partition) == (after, after)
        goes_on(partition, after)


def test_a_commit_that_comes_after_the_next_claim_is_refused_by_the_new_token(proxy: tuple[Proxy, str]) -> None:
    between, url = proxy
    with open_store(url) as store:
        partition, after = store.partition(0), store.partition(0)
        partition.claim("a")
        partition.commit(step(0))
        between.lose = "request"
        with pytest.raises(StoreUnavailable):
            partition.commit(step(1))
        between.lose = ""
        assert after.claim("a") == {"log": 1}
        assert b"owner" in between.deliver()
        goes_on(after, 1)
        with pytest.raises(OwnerLost):
            partition.commit(step(3))


def test_a_redis_that_hangs_is_noticed_and_what_it_does_later_is_done_once(
    start_server: StartServer, tmp_path: Path
) -> None:
    server = start_server()
    with open_store(server.url, answer_seconds=0.3) as store:
        partition = store.partition(0)
        partition.claim("a")
        partition.commit(step(0))
        server.suspend()
        for call in (lambda: partition.commit(step(1)), partition.positions, lambda: partition.claim("b")):
            with pytest.raises(StoreUnavailable, match=f"Redis at localhost:{server.port} does not answer in time"):
                call()
        server.resume()
        assert partition.claim("c") == {"log": 2}
        goes_on(partition, 2)
