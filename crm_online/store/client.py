"""The one place that talks to redis-py: raw replies in, typed replies out, its errors made ours.

Replies are as Redis sends them under RESP2 (bytes, integers, arrays, nothing), whatever the version of redis-py.
Nothing is sent twice: redis-py's own retries are off, since a commit that was sent again after a broken connection
would be refused by its own first copy. Only an answer that says "not done, later" (LOADING) is waited for.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Final, Protocol, TypeVar

import redis
import redis.exceptions as theirs
from redis.backoff import NoBackoff
from redis.retry import Retry

from crm_online.errors import StoreError, StoreUnavailable
from crm_online.store.refusals import translated

_T = TypeVar("_T")
Arg = bytes | str | int
Command = Sequence[Arg]

_CONNECT_SECONDS: Final = 5.0
# A commit of hundreds of MB is written and synced before it is answered.
_ANSWER_SECONDS: Final = 60.0
_LOADING_SECONDS: Final = 60.0
_FIRST_PAUSE: Final = 0.02
_LONGEST_PAUSE: Final = 1.0


class _Sender(Protocol):
    """What is used of redis-py's clients, which leave this method untyped."""

    def execute_command(self, *args: Arg) -> object: ...


@dataclass(frozen=True, slots=True)
class Script:
    """A static Lua script of this package."""

    text: str
    sha: str

    @classmethod
    def named(cls, name: str) -> Script:
        """Read the script from its file beside this module."""
        text = resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
        return cls(text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())


class Client:
    """Commands to one Redis.

    Parameters
    ----------
    pool
        Where connections come from.
    where
        The Redis as a person may read it: "Redis at db:6379".
    ended
        Says more about a broken connection if more is known, else None: an embedded server may have ended.
    """

    def __init__(self, pool: redis.ConnectionPool, where: str, ended: Callable[[], str | None] | None = None) -> None:
        # What a URL's query string says must not change what replies look like.
        pool.connection_kwargs.update(decode_responses=False, protocol=2, retry=Retry(NoBackoff(), 0))
        connected = redis.Redis(connection_pool=pool)
        connected.response_callbacks.clear()
        self._redis = connected
        self._sender: _Sender = connected
        self._ended = ended
        self.where = where

    @classmethod
    def at_url(cls, url: str, where: str) -> Client:
        """Make a client from a URL that redis-py understands; raises ValueError if it does not."""
        pool = redis.ConnectionPool.from_url(
            url, socket_connect_timeout=_CONNECT_SECONDS, socket_timeout=_ANSWER_SECONDS, health_check_interval=0
        )
        return cls(pool, where)

    @classmethod
    def at_socket(cls, path: str, where: str, ended: Callable[[], str | None] | None = None) -> Client:
        """Make a client of the server on a unix socket."""
        pool = redis.ConnectionPool(
            connection_class=redis.UnixDomainSocketConnection, path=path, socket_timeout=_ANSWER_SECONDS
        )
        return cls(pool, where, ended)

    def call(self, *command: Arg) -> object:
        """Send one command and give its reply.

        Raises
        ------
        StoreUnavailable
            No answer, or the connection broke: a write may have been done or not.
        StoreRefused
            An answer, but no: nothing was done.
        """
        return self._answered(lambda: self._sent(command))

    def pipeline(self, commands: Sequence[Command], atomic: bool = False) -> list[object]:
        """Send commands in one go and give their replies; ``atomic`` lets nothing come between them."""
        if not commands:
            return []
        return self._answered(lambda: self._piped(commands, atomic))

    def run(self, script: Script, keys: Sequence[bytes], args: Sequence[Arg]) -> object:
        """Run a script; Redis is given its text if it does not know it yet."""
        command: list[Arg] = ["EVALSHA", script.sha, len(keys), *keys, *args]

        def evaluated() -> object:
            try:
                return self._sent(command)
            except theirs.NoScriptError:
                self._sent(["SCRIPT", "LOAD", script.text])
                return self._sent(command)

        return self._answered(evaluated)

    def ping(self) -> bool:
        """Ask once; False if nothing listens yet or data is still being loaded."""
        try:
            self._sent(["PING"])
        except (theirs.ConnectionError, theirs.TimeoutError):
            return False
        except theirs.RedisError as error:
            raise self._ours(error) from error
        return True

    def close(self) -> None:
        """Close all connections."""
        self._redis.close()
        self._redis.connection_pool.disconnect()

    def _sent(self, command: Command) -> object:
        return self._sender.execute_command(*command)

    def _piped(self, commands: Sequence[Command], atomic: bool) -> list[object]:
        with self._redis.pipeline(transaction=atomic) as pipe:
            sender: _Sender = pipe
            for command in commands:
                sender.execute_command(*command)
            replies: list[object] = pipe.execute()
        return replies

    def _answered(self, send: Callable[[], _T]) -> _T:
        pause, deadline = _FIRST_PAUSE, time.monotonic() + _LOADING_SECONDS
        while True:
            try:
                return send()
            except theirs.BusyLoadingError as error:
                if time.monotonic() + pause > deadline:
                    raise self._ours(error) from error
            except theirs.RedisError as error:
                raise self._ours(error) from error
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    def _ours(self, error: theirs.RedisError) -> StoreError:
        ours = translated(error, self.where)
        more = self._ended() if self._ended is not None and isinstance(ours, StoreUnavailable) else None
        return ours if more is None else StoreUnavailable(more)
