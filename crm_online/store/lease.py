"""Leases: of several processes only the one that holds an expiring key may do a thing."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from typing import Final, NamedTuple

from crm_online.store import replies
from crm_online.store.client import RedisClient, Script
from crm_online.store.keys import key

_LEASE: Final = Script.named("lease.lua")


class HashWrite(NamedTuple):
    """A write to one field of a hash.

    Attributes
    ----------
    name
        Name of the hash within the partition.
    field, value
        The field and what it becomes; None: it is removed.
    """

    name: str
    field: str
    value: bytes | None


class Lease:
    """A lease on something in one partition; made by ``Store.lease``.

    Parameters
    ----------
    client
        Where the state is.
    partition, name
        The partition, and the name of the key within it.
    seconds
        How long it holds after each `hold`.
    """

    def __init__(self, client: RedisClient, partition: int, name: str, seconds: float) -> None:
        self._client, self._partition, self._key = client, partition, key(partition, name)
        self._seconds, self._token = seconds, secrets.token_hex(16)
        self._until = 0.0

    def lasts(self, seconds: float) -> bool:
        """Return whether the lease is held for some seconds more, by this process's own clock."""
        return time.monotonic() + seconds < self._until

    def hold(self) -> bool:
        """Take or renew the lease; False if another process holds it.

        Raises
        ------
        StoreError
            If Redis does not answer, or refuses.
        """
        return self._run(self._seconds, takes=True)

    def keep(self, writes: Sequence[HashWrite]) -> bool:
        """Renew the lease and do its holder's writes; False, without writes, if it has expired or is another's.

        What was computed under one that has expired is not written: another may have held it since, and given it up.

        Raises
        ------
        StoreError
            If Redis does not answer, or refuses.
        """
        return self._run(self._seconds, takes=False, writes=writes)

    def release(self) -> None:
        """Give the lease up, if it is still held, so that no other process needs to wait until it expires.

        Raises
        ------
        StoreError
            If Redis does not answer, or refuses.
        """
        if self.lasts(0):
            self._run(0.0, takes=False)

    def _run(self, seconds: float, *, takes: bool, writes: Sequence[HashWrite] = ()) -> bool:
        asked_at = time.monotonic()
        names = list(dict.fromkeys(write.name for write in writes))
        args: list[bytes | str | int] = [self._token, round(seconds * 1000), int(takes)]
        for write in writes:
            value = b"" if write.value is None else b"=" + write.value
            args += [names.index(write.name) + 1, write.field.encode(), value]
        keys = [self._key, *(key(self._partition, name) for name in names)]
        held = replies.as_int(self._client.run(_LEASE, keys, args)) == 1
        self._until = asked_at + seconds if held else 0.0
        return held
