"""An embedded Redis as the product starts it, seen by a plain client too."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import redis

from crm_online.settings import Settings
from crm_online.store import Store, open_store
from crm_online.store.embedded import embedded
from crm_online.store.keys import key
from crm_online.store.node import ANSWER_SECONDS


@dataclass(frozen=True, slots=True)
class Server:
    """A running server: its socket, and a plain client."""

    socket: str
    client: redis.Redis

    @property
    def used(self) -> int:
        """Bytes that its data take."""
        return int(self.client.info("memory")["used_memory"])

    @property
    def cpu(self) -> float:
        """Seconds of processors that the server itself took so far."""
        told = self.client.info("cpu")
        return float(told["used_cpu_user"]) + float(told["used_cpu_sys"])

    @property
    def cpu_of_rewrites(self) -> float:
        """Seconds of processors that went into rewriting its AOF, once none is being rewritten."""
        while self.client.info("persistence")["aof_rewrite_in_progress"]:
            time.sleep(0.01)
        told = self.client.info("cpu")
        return float(told["used_cpu_user_children"]) + float(told["used_cpu_sys_children"])

    def names(self) -> list[str]:
        """Return the names of the first partition's keys."""
        start = key(0, "")
        return [found.removeprefix(start).decode() for found in self.client.scan_iter(start + b"*")]

    def size(self, name: str) -> int:
        """Return the bytes that a key of the first partition takes, with all in it."""
        return int(self.client.memory_usage(key(0, name), samples=0) or 0)


@contextmanager
def started(folder: Path) -> Iterator[Server]:
    """Run a redis-server in a folder; each write is on disk before it is answered."""
    with embedded(folder, create=True, writes=True, answer_seconds=ANSWER_SECONDS) as ours:
        answer = ours.call("CONFIG", "GET", "unixsocket")
        if not isinstance(answer, list) or not isinstance(answer[1], bytes):
            raise TypeError(f"CONFIG GET answered {answer!r}")
        socket = answer[1].decode()
        with closing(redis.Redis(unix_socket_path=socket)) as client:
            yield Server(socket, client)


@contextmanager
def new_state(server: Server, settings: Settings) -> Iterator[Store]:
    """Open a new state of one partition on a server."""
    with open_store(f"unix://{server.socket}") as store:
        store.initialise(1, json.dumps(settings.shaping(), sort_keys=True), repeatable=True)
        yield store
