"""A real Redis behind a connection that loses and delays commands, and that can be put back in time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final, TypeVar

import redis
import redis.exceptions as theirs

from crm_online.store import Store
from crm_online.store.client import RedisClient, Script
from crm_online.store.node import Arg, Command, Node
from tests.simulation.faults import Fate, Faults
from tests.simulation.loop import OUTSIDE, SimulatedLoop

T = TypeVar("T")

_NAMES: Final = ("claim", "commit", "outbox", "trim")
_SCRIPTS: Final[dict[Arg, str]] = {Script.named(f"{name}.lua").sha: f"redis {name}" for name in _NAMES}


class FaultyLink:
    """A ``Link`` to a Redis, for what runs in the threads of simulated processes.

    A request that is lost is never done, one that is late is done after its sender has given it up; and before and
    after each, others run.

    Parameters
    ----------
    node
        The real server.
    loop
        Where others run.
    faults
        What goes wrong.
    """

    def __init__(self, node: Node, loop: SimulatedLoop, faults: Faults) -> None:
        self._node, self._loop, self._faults, self.where = node, loop, faults, node.where

    def send(self, command: Command) -> object:
        """Send one command."""
        return self._ask(lambda: self._node.send(command), _SCRIPTS.get(command[1], "redis read"))

    def pipe(self, commands: Sequence[Command]) -> list[object]:
        """Send commands in one go."""
        return self._ask(lambda: self._node.pipe(commands))

    def together(self, commands: Sequence[Command]) -> list[object]:
        """Send commands between which nothing else is done."""
        return self._ask(lambda: self._node.together(commands))

    def masters(self) -> Sequence[Node]:
        """Give the server."""
        return [self._node]

    def close(self) -> None:
        """Keep the connection: it is all processes'."""

    def _ask(self, done: Callable[[], T], kind: str = "redis read") -> T:
        fate = self._faults.fate(kind)
        self._loop.pause(self._faults.delay())
        match fate:
            case Fate.LOST:
                raise theirs.ConnectionError("simulated: the request was lost")
            case Fate.LATE:
                self._loop.call_later(self._faults.late(), done, context=OUTSIDE.copy())
                raise theirs.TimeoutError("simulated: no answer yet")
        answer = done()
        self._loop.pause(self._faults.delay())
        if fate is Fate.UNANSWERED:
            raise theirs.ConnectionError("simulated: the answer was lost")
        return answer


class SimulatedRedis:
    """A Redis for simulated processes.

    Parameters
    ----------
    path
        The unix socket of a Redis that nobody else uses.
    loop, faults
        Where others run meanwhile, and what goes wrong.
    """

    def __init__(self, path: str, loop: SimulatedLoop, faults: Faults) -> None:
        self._node = Node.at_socket(path, "the simulated Redis", 60.0)
        self._loop, self._faults = loop, faults
        self.admin = redis.Redis(unix_socket_path=path)
        self.admin.flushall()
        for name in _NAMES:  # who finds them there sends one command less
            self.admin.script_load(Script.named(f"{name}.lua").text)

    def store(self, disturbed: bool = True) -> Store:
        """Open the state as a process does; if it is not disturbed, requests take time but do not go wrong."""
        faults = self._faults if disturbed else replace(self._faults, disturbed=False)
        return Store(RedisClient(FaultyLink(self._node, self._loop, faults)), durable=True, version=(7, 0))

    def reliable_store(self) -> Store:
        """Open the state by a connection that loses nothing."""
        return Store(RedisClient(self._node), durable=True, version=(7, 0))

    def mark(self, number: int) -> tuple[int, int]:
        """Return position and number of commits of a partition."""
        at, commits = (
            self.admin.hvals(f"{{crm:{number}}}:positions"),
            self.admin.hget(f"{{crm:{number}}}:meta", "commits"),
        )
        return sum(map(int, at)), int(commits or 0)

    def owner(self, number: int) -> object:
        """Return the token of who owns a partition."""
        return self.admin.hget(f"{{crm:{number}}}:meta", "token")

    def copy(self) -> dict[bytes, bytes]:
        """Return all that it holds."""
        keys = sorted(key for key in self.admin.scan_iter(count=1000) if isinstance(key, bytes))
        with self.admin.pipeline(transaction=False) as pipe:
            for key in keys:
                pipe.dump(key)
            return dict(zip(keys, pipe.execute(), strict=True))

    def put_back(self, copy: dict[bytes, bytes]) -> None:
        """Hold what it held then: a disk that lost writes it had acknowledged."""
        with self.admin.pipeline() as pipe:
            pipe.flushall()
            for key, held in copy.items():
                pipe.restore(key, 0, held)
            pipe.execute()

    def close(self) -> None:
        """Close the connections."""
        self._node.close()
        self.admin.close()
