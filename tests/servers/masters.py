"""A real Redis Cluster: masters on this machine, made by commands, with slots that move and servers that die."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import redis
from redis.crc import key_slot

from crm_online.store.binary import Binary
from tests.servers.embedded import command
from tests.servers.processes import free_port
from tests.servers.redis_server import RedisServer

SLOTS = 16_384
_OPTIONS = {
    "cluster-enabled": "yes",
    "cluster-node-timeout": "1000",
    # However long a replica has not heard from its master, it may take over.
    "cluster-replica-validity-factor": "0",
    "repl-diskless-sync-delay": "0",
}


class Master(RedisServer):
    """One redis-server of the cluster."""

    def __init__(self, folder: Path, binary: Binary) -> None:
        super().__init__(folder, binary, _OPTIONS)
        while not _has_two(self.port):
            self.port = free_port()

    @cached_property
    def id(self) -> str:
        """What the cluster calls it."""
        return bytes(self("CLUSTER", "MYID")).decode()

    def __call__(self, *args: str | bytes | int) -> Any:
        """Give the reply of a command."""
        return command(self.admin, *args)


class Masters:
    """Three masters with a third of the slots each."""

    def __init__(self, binary: Binary, folder: Path, stack: contextlib.ExitStack) -> None:
        self._binary, self._folder, self._stack = binary, folder, stack
        self.nodes: list[Master] = []
        for number in range(3):
            node = self._start()
            node("CLUSTER", "ADDSLOTS", *range(number * SLOTS // 3, (number + 1) * SLOTS // 3))
            node("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
        self._meet(self.nodes[1:])

    @property
    def url(self) -> str:
        return self.nodes[0].url

    def owner(self, partition: int) -> Master:
        """Give the master that has a partition, as the first node sees it."""
        for first, last, (_, port, *_), *_ in self.nodes[0]("CLUSTER", "SLOTS"):
            if first <= _slot(partition) <= last:
                return next(node for node in self.nodes if node.port == port)
        raise AssertionError(f"nobody has partition {partition}")

    def add(self) -> Master:
        """Start one more server, without slots."""
        node = self._start()
        self._meet([node])
        return node

    def add_replica(self, of: Master) -> Master:
        """Start one more server that copies a master, and wait until it has all and everybody knows."""
        node = self.add()
        node("CLUSTER", "REPLICATE", of.id)
        wait_for(lambda: node.admin.info("replication")["master_link_status"] == "up")
        known = b"slave " + of.id.encode()
        wait_for(lambda: all(known in bytes(other("CLUSTER", "NODES")) for other in self.nodes))
        return node

    def begin_move(self, partition: int, target: Master) -> list[bytes]:
        """Begin to move a partition's slot; give its keys, which are still to be moved."""
        slot, source = _slot(partition), self.owner(partition)
        target("CLUSTER", "SETSLOT", slot, "IMPORTING", source.id)
        source("CLUSTER", "SETSLOT", slot, "MIGRATING", target.id)
        return sorted(source("CLUSTER", "GETKEYSINSLOT", slot, 1000))

    def move_key(self, key: bytes, source: Master, target: Master) -> None:
        source("MIGRATE", "127.0.0.1", target.port, key, 0, 5000)

    def end_move(self, partition: int, target: Master, source: Master) -> None:
        for node in (target, source, *(node for node in self.nodes if node not in (target, source))):
            node("CLUSTER", "SETSLOT", _slot(partition), "NODE", target.id)
        self.wait()

    def wait(self) -> None:
        """Wait until every server says that all is well, and knows all the others."""
        wait_for(lambda: all(self._well(node) for node in self.nodes))

    def _start(self) -> Master:
        node = self._stack.enter_context(Master(self._folder / f"node-{len(self.nodes)}", self._binary))
        self.nodes.append(node)
        return node

    def _meet(self, others: list[Master]) -> None:
        for node in others:
            self.nodes[0]("CLUSTER", "MEET", "127.0.0.1", node.port)
        self.wait()

    def _well(self, node: Master) -> bool:
        with contextlib.suppress(redis.ConnectionError, redis.TimeoutError):
            told = bytes(node("CLUSTER", "INFO"))
            count = b"cluster_known_nodes:%d\r" % len(self.nodes)
            return b"cluster_state:ok" in told and count in told and b"cluster_slots_pfail:0" in told
        return False


def wait_for(condition: Callable[[], bool], seconds: float = 180) -> None:
    """Wait until something holds that cannot be waited for otherwise."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


@contextlib.contextmanager
def masters(binary: Binary, folder: Path) -> Iterator[Masters]:
    """Run a cluster."""
    with contextlib.ExitStack() as stack:
        yield Masters(binary, folder, stack)


def _has_two(port: int) -> bool:
    """Tell whether the port on which masters talk, 10,000 higher, is free too, and none for outgoing connections."""
    with contextlib.suppress(OSError), socket.socket() as probe:
        probe.bind(("127.0.0.1", port + 10_000))
        return port + 10_000 < 32_768
    return False


def _slot(partition: int) -> int:
    return key_slot(b"{crm:%d}" % partition)
