"""The whole state: its description, its partitions, and reads over several of them."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator, Sequence

from crm_online.errors import SettingsConflict, StateMissing, StoreRefused
from crm_online.store import meta, replies
from crm_online.store.client import RedisClient
from crm_online.store.keys import ERASED, STATE
from crm_online.store.lease import Lease
from crm_online.store.meta import StateMeta
from crm_online.store.partition import PartitionStore
from crm_online.store.program import Fences
from crm_online.store.reads import Read, T

_PIPED = 1000
_LOOK_EVERY = 0.01
"""Seconds between two looks at whether the AOF is written anew."""


class Store:
    """An open state; made by ``open_store``.

    Attributes
    ----------
    where
        The Redis as a person may read it: no password in it.
    durable
        True when a commit is on disk before it is answered (``appendfsync always``).
    version
        Redis's version.
    url
        Of an embedded Redis, the URL by which other processes of this machine reach it for as long as it runs.
    """

    def __init__(self, client: RedisClient, durable: bool, version: tuple[int, int]) -> None:
        self._client = client
        self.where = client.where
        self.durable = durable
        self.version = version
        self.url = client.url

    def partition(self, partition: int, fences: Fences | None = None) -> PartitionStore:
        """Give a partition; ``fences`` is for tests only."""
        return PartitionStore(self._client, partition, fences or Fences())

    def lease(self, name: str, seconds: float) -> Lease:
        """Give a lease on something in partition 0, which nobody holds yet."""
        return Lease(self._client, 0, name, seconds)

    def initialise(
        self, partitions: int, settings_json: str, feed: str = meta.LOGS, *, repeatable: bool = False
    ) -> StateMeta:
        """Describe a state that is new; give the description that is there.

        Parameters
        ----------
        partitions, settings_json, feed
            See :class:`StateMeta`.
        repeatable
            Whether another state with the same log must sample the same customers: then by no secret.

        Raises
        ------
        SettingsConflict
            If the state that is there is fed by something else.
        """
        key = "" if repeatable else secrets.token_hex(16)
        new = StateMeta(partitions, settings_json, feed, id=secrets.token_hex(8), sampling_key=key)
        self._client.call("SET", STATE, meta.encode(new), "NX")
        found = self.meta()
        if found.feed != feed:
            raise SettingsConflict(
                f"{self.where} holds a state that is fed by {found.feed}, not by {feed}: give another --state"
            )
        return found

    def meta(self) -> StateMeta:
        """Read the state's description.

        Raises
        ------
        StateMissing
            Nothing was replayed into this state yet.
        StateTooNew, StateTooOld, StateCorrupt
            The description is not of this version.
        """
        found = meta.read(self._client)
        if found is None:
            raise StateMissing(f"{self.where} holds no state yet: replay a log first")
        return found

    def compact(self) -> None:
        """Have an embedded Redis rewrite its AOF, and wait for it: then no file of the state holds what was removed.

        Raises
        ------
        StoreError
            If Redis does not answer, or cannot write.
        """
        while not self.begin_compaction():
            time.sleep(_LOOK_EVERY)
        while not self.end_compaction():
            time.sleep(_LOOK_EVERY)

    def needs_compaction(self) -> bool:
        """Return whether customers were erased whose bytes files of an embedded Redis may have still."""
        return self.url is not None and any(partition.value(ERASED) for partition in self._partitions())

    def begin_compaction(self) -> bool:
        """Have an embedded Redis rewrite its AOF meanwhile; return whether it begins: not while it does so already.

        Raises
        ------
        StoreError
            If Redis does not answer.
        """
        if self.url is not None:
            if _is_rewriting(self._persistence()):
                return False
            self._client.call("BGREWRITEAOF")
        return True

    def end_compaction(self) -> bool:
        """Return whether the rewrite that was begun is over; whoever calls it has erased nobody since it began.

        Raises
        ------
        StoreError
            If Redis does not answer, or could not write.
        """
        if self.url is None:
            return True
        if _is_rewriting(found := self._persistence()):
            return False
        if b"aof_last_bgrewrite_status:ok" not in found:
            raise StoreRefused(f"{self.where} could not write its AOF anew: what was removed is still in the old one")
        for partition in self._partitions():
            partition.drop(ERASED)
        return True

    def _partitions(self) -> Iterator[PartitionStore]:
        return map(self.partition, range(self.meta().partitions))

    def _persistence(self) -> bytes:
        return replies.as_value(self._client.call("INFO", "persistence")) or b""

    def read_many(self, reads: Sequence[Read[T]]) -> list[T]:
        """Do many reads (see module ``reads``), of any partitions, a thousand a round trip."""
        found: list[T] = []
        for at in range(0, len(reads), _PIPED):
            part = reads[at : at + _PIPED]
            answers = self._client.pipeline([read.command for read in part])
            found += [read.decode(answer) for read, answer in zip(part, answers, strict=True)]
        return found


def _is_rewriting(persistence: bytes) -> bool:
    return b"aof_rewrite_in_progress:1" in persistence or b"aof_rewrite_scheduled:1" in persistence
