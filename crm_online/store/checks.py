"""What a Redis must be before a state is opened on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from crm_online.errors import StoreRefused
from crm_online.store import meta, replies
from crm_online.store.client import RedisClient
from crm_online.store.keys import STATE

OLDEST: Final = (6, 2)


@dataclass(frozen=True, slots=True)
class Checked:
    """A Redis that will do; of a cluster, the oldest version and the weakest promise."""

    version: tuple[int, int]
    durable: bool


def clustered(client: RedisClient) -> bool:
    """Tell whether the one server of a client is part of a Redis Cluster."""
    return replies.as_facts(client.call("INFO", "cluster")).get("cluster_enabled") == "1"


def checked(client: RedisClient) -> Checked:
    """Look at a Redis, and refuse it if state could be lost on it.

    Raises
    ------
    StoreRefused
        Too old, a replica, or set to evict keys.
    StateTooNew, StateTooOld, StateCorrupt
        The state on it is not of this version.
    """
    versions = [_version(where, reply) for where, reply in client.everywhere("INFO")]
    found = replies.as_value(client.call("GET", STATE))
    if found is not None:
        meta.decode(found, client.where)
    return Checked(min(versions), _durable(client))


def as_version(text: str) -> tuple[int, int]:
    """Read major and minor of a version; (0, 0) if it is none.

    Examples
    --------
    >>> as_version("7.0.15")
    (7, 0)
    """
    parts = text.split(".")
    if len(parts) < 2 or not (parts[0].isdecimal() and parts[1].isdecimal()):
        return (0, 0)
    return (int(parts[0]), int(parts[1]))


def _version(where: str, reply: object) -> tuple[int, int]:
    facts = replies.as_facts(reply)
    version = as_version(facts.get("redis_version", ""))
    if version < OLDEST:
        raise StoreRefused(f"{where} is version {facts.get('redis_version')}; 6.2 or later is needed")
    if facts.get("role") != "master":
        raise StoreRefused(f"{where} is a read-only replica: give the URL of its master")
    policy = facts.get("maxmemory_policy", "unknown")
    if policy != "noeviction":
        raise StoreRefused(f"{where} may throw state away: set its maxmemory-policy to noeviction, not {policy}")
    return version


def _durable(client: RedisClient) -> bool:
    """Tell whether each server has a commit on disk before it answers.

    By its settings, not by INFO: a Redis that still loads its data says there that it has no AOF.
    """
    try:
        settings = [replies.as_pairs(reply) for _, reply in client.everywhere("CONFIG", "GET", "append*")]
    except StoreRefused:
        # Managed services keep CONFIG to themselves; what cannot be known is not promised.
        return False
    return all(found.get(b"appendonly") == b"yes" and found.get(b"appendfsync") == b"always" for found in settings)
