"""Commands to the store's Redis, a server or a cluster: raw replies in, redis-py's errors as ours.

Nothing is sent twice that may have been done. Only an answer that says "not done, later" (LOADING, or a slot that is
on its way to another node) is waited for.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import resources
from typing import Final, Protocol, TypeVar

import redis.exceptions as theirs

from crm_online.errors import StoreError, StoreUnavailable
from crm_online.store.errors import from_redis
from crm_online.store.node import ANSWER_SECONDS, Arg, Command, Node

_T = TypeVar("_T")

_LATER: Final = (theirs.BusyLoadingError, theirs.AskError, theirs.TryAgainError)
_FIRST_PAUSE: Final = 0.02
_LONGEST_PAUSE: Final = 1.0


class Link(Protocol):
    """Where commands go: a ``Node`` or a ``Cluster``."""

    @property
    def where(self) -> str:
        """What it is, as a person may read it: "Redis at db:6379"."""

    def send(self, command: Command) -> object:
        """Send one command and give its reply."""

    def pipe(self, commands: Sequence[Command]) -> list[object]:
        """Send commands in one go and give their replies."""

    def together(self, commands: Sequence[Command]) -> list[object]:
        """Send commands of one partition between which nothing else is done, and give their replies."""

    def masters(self) -> Sequence[Node]:
        """Give the servers that hold the state."""

    def close(self) -> None:
        """Close all connections."""


@dataclass(frozen=True, slots=True)
class Script:
    """A static Lua script of this package."""

    text: str
    sha: str

    @classmethod
    def named(cls, name: str) -> Script:
        """Read the script from its file in this package."""
        text = resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
        return cls(text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())


class RedisClient:
    """Commands to the store's Redis.

    Parameters
    ----------
    link
        Where they go.
    later_seconds
        How long an answer that says "later" is waited for.
    ended
        Says more about a broken connection if more is known, else None: an embedded server may have ended.
    url
        The URL by which other processes reach it; None if whoever made this has it.
    """

    def __init__(
        self,
        link: Link,
        later_seconds: float = ANSWER_SECONDS,
        ended: Callable[[], str | None] | None = None,
        url: str | None = None,
    ) -> None:
        self._link = link
        self._later_seconds = later_seconds
        self._ended = ended
        self.where, self.url = link.where, url

    def call(self, *command: Arg) -> object:
        """Send one command and give its reply.

        Raises
        ------
        StoreUnavailable
            No answer, or the connection broke: a write may have been done or not.
        StoreRefused
            An answer, but no: nothing was done.
        """
        return self._answered(lambda: self._link.send(command))

    def pipeline(self, commands: Sequence[Command]) -> list[object]:
        """Send commands that only read in one go, and give their replies."""
        return self._answered(lambda: self._link.pipe(commands)) if commands else []

    def together(self, commands: Sequence[Command]) -> list[object]:
        """Send commands of one partition that only read, between which nothing is written, and give their replies."""
        return self._answered(lambda: self._link.together(commands))

    def run(self, script: Script, keys: Sequence[bytes], args: Sequence[Arg]) -> object:
        """Run a script; Redis is given its text if it does not know it yet."""
        rest: list[Arg] = [len(keys), *keys, *args]

        def evaluated() -> object:
            try:
                return self._link.send(["EVALSHA", script.sha, *rest])
            except theirs.NoScriptError:
                return self._link.send(["EVAL", script.text, *rest])

        return self._answered(evaluated)

    def everywhere(self, *command: Arg) -> list[tuple[str, object]]:
        """Send a command to each server that holds a part of the state; give its name and its reply."""
        nodes = self._answered(self._link.masters)
        return [(node.where, self._answered(partial(node.send, command), node.where)) for node in nodes]

    def ping(self) -> bool:
        """Ask once; False if nothing listens yet or data is still being loaded."""
        try:
            for node in self._link.masters():
                node.send(["PING"])
        except (theirs.ConnectionError, theirs.TimeoutError):
            return False
        except theirs.RedisError as error:
            raise self._ours(error, self.where) from error
        return True

    def close(self) -> None:
        """Close all connections."""
        self._link.close()

    def _answered(self, send: Callable[[], _T], where: str | None = None) -> _T:
        pause, deadline = _FIRST_PAUSE, time.monotonic() + self._later_seconds
        while True:
            try:
                return send()
            except _LATER as error:
                if time.monotonic() + pause > deadline:
                    raise self._ours(error, where) from error
            except theirs.RedisError as error:
                raise self._ours(error, where) from error
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    def _ours(self, error: theirs.RedisError, where: str | None) -> StoreError:
        ours = from_redis(error, where or self.where)
        more = self._ended() if self._ended is not None and isinstance(ours, StoreUnavailable) else None
        return ours if more is None else StoreUnavailable(more)
