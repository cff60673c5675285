"""A Redis Cluster: each command goes to the master that holds its key.

The keys of a partition share a slot, so each command and each script has one master. Why this is not redis-py's own
``RedisCluster`` is in ADR 40. Only what a node says that it has not done is sent again, to the node that it names
(MOVED, ASK).
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import redis.exceptions as theirs
from redis.crc import key_slot

from crm_online.errors import StoreUnavailable
from crm_online.store import replies
from crm_online.store.errors import from_redis
from crm_online.store.node import Address, Command, Node

# From the old owner of a slot to the new one, and on if it moved again meanwhile.
_REDIRECTS: Final = 5
_NOT_DONE: Final = (theirs.AskError, theirs.TryAgainError, theirs.BusyLoadingError, theirs.NoScriptError)
_GONE: Final = (theirs.ConnectionError, theirs.TimeoutError, theirs.ClusterDownError)


class Cluster:
    """The masters of a Redis Cluster.

    A node that refuses or is gone is raised as ``StoreError``, with its address. What it says that it has not done, and
    the caller can do later or otherwise (LOADING, TRYAGAIN, NOSCRIPT, MOVED too often), comes as redis-py's error.

    Parameters
    ----------
    first
        The node whose address was given; it is asked where the others are.
    connect
        Makes the node at an address.
    """

    def __init__(self, first: Node, connect: Callable[[Address], Node]) -> None:
        self._connect = connect
        self._first = first
        self.where = f"the cluster of {first.where}"
        self._nodes: dict[Address, Node] = {}
        self._gone: Node | None = None
        # The master of each slot; empty when it is not known, or not any more. Threads may share it.
        self._owners: dict[int, Address] = {}

    def send(self, command: Command, redirects: int = _REDIRECTS) -> object:
        """Send a command that has a key, and give its reply."""
        slot = _slot(command)
        node = self._owner(slot)
        try:
            with self._errors_of(node):
                return node.send(command)
        except theirs.MovedError as moved:
            self._learn(slot, node, moved, redirects)
        except theirs.AskError as ask:
            other = self._node((ask.host or node.host, ask.port))
            with self._errors_of(other):
                return other.pipe([("ASKING",), command])[-1]
        return self.send(command, redirects - 1)

    def pipe(self, commands: Sequence[Command]) -> list[object]:
        """Send commands that have keys, all of a master's in one go, and give their replies."""
        shares: dict[Node, list[int]] = {}
        for place, command in enumerate(commands):
            shares.setdefault(self._owner(_slot(command)), []).append(place)
        found: dict[int, object] = {}
        for node, places in shares.items():
            with self._errors_of(node):
                found |= zip(places, node.answers([commands[place] for place in places]), strict=True)
        return [self._settled(found[place], command) for place, command in enumerate(commands)]

    def together(self, commands: Sequence[Command], redirects: int = _REDIRECTS) -> list[object]:
        """Send commands whose keys share a slot, with nothing between them, and give their replies."""
        slot = _slot(commands[0])
        node = self._owner(slot)
        try:
            with self._errors_of(node):
                return node.together(commands)
        except theirs.MovedError as moved:
            self._learn(slot, node, moved, redirects)
        return self.together(commands, redirects - 1)

    def masters(self) -> Sequence[Node]:
        """Give the masters that hold slots now."""
        return [self._node(address) for address in dict.fromkeys(self._looked_up().values())]

    def close(self) -> None:
        """Close all connections."""
        for node in (self._first, *self._nodes.values()):
            node.close()

    def _learn(self, slot: int, node: Node, moved: theirs.MovedError, redirects: int) -> None:
        """Note where a slot is now; raise the error if it was looked for often enough."""
        if redirects == 0:
            raise moved
        if owners := self._owners:
            owners[slot] = (moved.host or node.host, moved.port)

    def _settled(self, answer: object, command: Command) -> object:
        """Give a command's answer; one that was refused for now, or here, is sent by itself."""
        return self.send(command) if isinstance(answer, theirs.RedisError) else answer

    def _owner(self, slot: int) -> Node:
        owners = self._owners or self._looked_up()
        if slot not in owners:
            self._owners = {}
            raise StoreUnavailable(f"no node of {self.where} serves slot {slot}")
        return self._node(owners[slot])

    def _node(self, address: Address) -> Node:
        node = self._nodes.get(address)
        # Another thread may have made it meanwhile.
        return node or self._nodes.setdefault(address, self._connect(address))

    def _looked_up(self) -> dict[int, Address]:
        """Ask one node after the other, the one that failed last, which master holds which slot."""
        failure: theirs.RedisError = theirs.ConnectionError("no node is known")
        for node in sorted((*self._nodes.values(), self._first), key=lambda node: node is self._gone):
            try:
                ranges = replies.as_list(node.send(("CLUSTER", "SLOTS")))
            except _GONE as error:
                failure = error
                continue
            self._owners = {slot: address for part in ranges for slot, address in _slots(part, node)}
            return self._owners
        raise failure

    @contextlib.contextmanager
    def _errors_of(self, node: Node) -> Iterator[None]:
        try:
            yield
        except _NOT_DONE:
            raise
        except theirs.RedisError as error:
            if isinstance(error, _GONE):
                # Another may own its slots by now.
                self._owners, self._gone = {}, node
            raise from_redis(error, node.where) from error


def _slot(command: Command) -> int:
    """Give the slot of a command's key, the first of a script's."""
    key = command[3] if command[0] in ("EVAL", "EVALSHA") else command[1]
    return key_slot(key if isinstance(key, bytes) else str(key).encode())


def _slots(part: object, source: Node) -> Iterator[tuple[int, Address]]:
    """Give the slots and their master of a part of the reply of CLUSTER SLOTS; no host is that of ``source``."""
    first, last, master, *_ = replies.as_list(part)
    host, port, *_ = replies.as_list(master)
    address = (replies.as_bytes(host).decode() if host else source.host, replies.as_int(port))
    for slot in range(replies.as_int(first), replies.as_int(last) + 1):
        yield slot, address
