"""What a Redis must be before a state is opened on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from crm_online.errors import StoreRefused
from crm_online.store import meta, replies
from crm_online.store.client import Client
from crm_online.store.keys import STATE

OLDEST: Final = (6, 2)


@dataclass(frozen=True, slots=True)
class Checked:
    """A Redis that will do."""

    version: tuple[int, int]
    durable: bool


def checked(client: Client) -> Checked:
    """Look at a Redis, and refuse it if state could be lost on it.

    Raises
    ------
    StoreRefused
        Too old, a replica, part of a cluster, or set to evict keys.
    StateTooNew, StateCorrupt
        The state on it is not of this version.
    """
    # First, since it waits while Redis loads its data: INFO does not wait, and then says that there is no AOF.
    found = replies.as_value(client.call("GET", STATE))
    facts = replies.as_facts(client.call("INFO"))
    version = as_version(facts.get("redis_version", ""))
    if version < OLDEST:
        raise StoreRefused(f"{client.where} is version {facts.get('redis_version')}; 6.2 or later is needed")
    if facts.get("role") != "master":
        raise StoreRefused(f"{client.where} is a read-only replica: give the URL of its master")
    if facts.get("cluster_enabled") == "1":
        raise StoreRefused(f"{client.where} is part of a Redis Cluster, which this version does not support")
    policy = facts.get("maxmemory_policy", "unknown")
    if policy != "noeviction":
        raise StoreRefused(f"{client.where} may throw state away: set its maxmemory-policy to noeviction, not {policy}")
    if found is not None:
        meta.decode(found, client.where)
    return Checked(version, _durable(client, facts))


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


def _durable(client: Client, facts: Mapping[str, str]) -> bool:
    if facts.get("aof_enabled") != "1":
        return False
    try:
        answer = replies.as_byte_list(client.call("CONFIG", "GET", "appendfsync"))
    except StoreRefused:
        # Managed services keep CONFIG to themselves; what cannot be known is not promised.
        return False
    return answer == [b"appendfsync", b"always"]
