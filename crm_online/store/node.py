"""One Redis server as redis-py reaches it: raw replies, and nothing sent twice.

Replies are as Redis sends them under RESP2 (bytes, integers, arrays, nothing), whatever the version of redis-py.
redis-py's own retries are off, since a commit that was sent again after a broken connection would be refused by its
own first copy.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

import hiredis
import redis
import redis.exceptions as theirs
from redis.backoff import NoBackoff
from redis.retry import Retry

from crm_online.store.replies import as_list

Arg = bytes | str | int
Command = Sequence[Arg]
Address = tuple[str, int]

ANSWER_SECONDS: Final = 60.0
"""How long an answer may take, unless set otherwise: a commit of hundreds of MB is written and synced before it."""

_CONNECT_SECONDS: Final = 5.0


class _Packer:
    """Packs commands as they are: redis-py's own packer looks at each of thousands of arguments twice."""

    def pack(self, *args: Arg) -> list[bytes]:
        """Return the bytes of a command, whose name may be of several words."""
        first = args[0]
        words = first.split() if isinstance(first, str | bytes) else [first]
        return [hiredis.pack_command((*words, *args[1:]))]


class _Sender(Protocol):
    """What is used of redis-py's clients, which leave this method untyped."""

    def execute_command(self, *args: Arg) -> object: ...


class Node:
    """One Redis server; its errors are redis-py's.

    Parameters
    ----------
    pool
        Where connections come from.
    where
        The server as a person may read it: "Redis at db:6379".
    """

    def __init__(self, pool: redis.ConnectionPool, where: str) -> None:
        # What a URL's query string says must not change what replies look like.
        pool.connection_kwargs.update(
            decode_responses=False, protocol=2, retry=Retry(NoBackoff(), 0), command_packer=_Packer()
        )
        connected = redis.Redis(connection_pool=pool)
        connected.response_callbacks.clear()
        self._redis = connected
        self._sender: _Sender = connected
        self.where = where

    @classmethod
    def at_url(cls, url: str, where: str, answer_seconds: float, address: Address | None = None) -> Node:
        """Make the node of a URL that redis-py understands, or another one (``address``) reached in the same way.

        Raises
        ------
        ValueError, TypeError
            redis-py does not understand the URL.
        """
        pool = redis.ConnectionPool.from_url(
            url, socket_connect_timeout=_CONNECT_SECONDS, socket_timeout=answer_seconds, health_check_interval=0
        )
        if address is not None:
            host, port = address
            pool.connection_kwargs.update(host=host, port=port)
        return cls(pool, where)

    @classmethod
    def at_socket(cls, path: str, where: str, answer_seconds: float) -> Node:
        """Make the node on a unix socket."""
        pool = redis.ConnectionPool(
            connection_class=redis.UnixDomainSocketConnection, path=path, socket_timeout=answer_seconds
        )
        return cls(pool, where)

    @property
    def host(self) -> str:
        """Its host as it was given; empty for a unix socket."""
        return str(self._redis.connection_pool.connection_kwargs.get("host", ""))

    def send(self, command: Command) -> object:
        """Send one command and give its reply."""
        return self._sender.execute_command(*command)

    def pipe(self, commands: Sequence[Command]) -> list[object]:
        """Send commands in one go and give their replies."""
        replies = self.answers(commands)
        for reply in replies:
            if isinstance(reply, theirs.RedisError):
                raise reply
        return replies

    def together(self, commands: Sequence[Command]) -> list[object]:
        """Send commands between which Redis does nothing else (MULTI … EXEC), and give their replies."""
        try:
            *_, found = self.pipe([("MULTI",), *commands, ("EXEC",)])
        except theirs.RedisError:
            # A connection that may not say EXEC would stay within MULTI: none is used again.
            self._redis.connection_pool.disconnect(inuse_connections=False)
            raise
        answers = as_list(found)
        for answer in answers:
            if isinstance(answer, theirs.RedisError):
                raise answer
        return answers

    def answers(self, commands: Sequence[Command]) -> list[object]:
        """Send commands in one go and give what each was answered, which may be an error."""
        with self._redis.pipeline(transaction=False) as pipe:
            sender: _Sender = pipe
            for command in commands:
                sender.execute_command(*command)
            answers: list[object] = pipe.execute(raise_on_error=False)
        return answers

    def masters(self) -> Sequence[Node]:
        """Give the servers that hold the state: this one."""
        return [self]

    def close(self) -> None:
        """Close all connections."""
        self._redis.close()
        self._redis.connection_pool.disconnect()
