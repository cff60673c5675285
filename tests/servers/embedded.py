"""The Redis behind a store: for tests that look at what is the store's own, or write what no engine would."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import redis

from crm_online.store import PartitionStore, Store
from crm_online.store.keys import COMMITS, META, SEQUENCE


class _Sender(Protocol):
    """What is used of redis-py, which leaves this method untyped."""

    def execute_command(self, *args: str | bytes | int) -> Any: ...


def command(client: _Sender, *args: str | bytes | int) -> Any:
    """Give the reply of any command."""
    return client.execute_command(*args)


def keys(client: redis.Redis, pattern: str = "*") -> list[str]:
    """Return the names of all keys, in order."""
    return sorted(bytes(key).decode() for key in command(client, "KEYS", pattern))


@contextmanager
def admin(store: Store) -> Iterator[redis.Redis]:
    """Give a client of the Redis that a store runs."""
    assert store.url is not None, "a store on a server of the tests: its RedisServer has a client"
    with redis.Redis.from_url(store.url) as client:
        yield client


def emptied(store: Store) -> Store:
    """Delete all that is in the Redis that a store runs, and return the store."""
    with admin(store) as client:
        client.flushall()
    return store


def contents(store: Store) -> dict[bytes, bytes]:
    """Return every key in the Redis that a store runs, with all that is in it."""
    with admin(store) as client:
        reads: dict[bytes, Callable[[str], Any]] = {
            b"string": client.get,
            b"hash": client.hgetall,
            b"list": lambda key: client.lrange(key, 0, -1),
        }
        kinds = {key: bytes(command(client, "TYPE", key)) for key in keys(client)}
        return {key.encode(): b"\n".join(_flat(reads[kind](key))) for key, kind in kinds.items()}


def _flat(reply: object) -> Iterator[bytes]:
    if isinstance(reply, bytes):
        yield reply
    elif isinstance(reply, dict):
        for pair in reply.items():
            yield from _flat(list(pair))
    else:
        assert isinstance(reply, list | tuple), type(reply)
        for part in reply:
            yield from _flat(part)


def commits_and_sequence(partition: PartitionStore) -> tuple[int, int]:
    """Return how many steps were committed to a partition, and the number of its last change."""
    commits, sequence = partition.hash_get(META, [COMMITS, SEQUENCE])
    return int(commits or b"0"), int(sequence or b"0")
