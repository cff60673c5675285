"""Reads the new changes of all partitions from Redis, poll by poll, for the hub."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from crm_online.live.feeds.changes_since import ChangesSince, Trimmed, beginning, changes_since
from crm_online.live.feeds.cursors import Cursor
from crm_online.step import ChangeId
from crm_online.store import PartitionStore, Store, reads
from crm_online.store.keys import META, SEQUENCE, TOKEN

_READ: Final = 1000


@dataclass(slots=True)
class _Polled:
    """How far a partition was read.

    Attributes
    ----------
    store
        The partition.
    last, body
        The last change that was read, and its content; empty where that was not read.
    known
        By topic, the last change that is known to be kept no more.
    meta
        Token and sequence before it was read: changes raise the sequence, a claim changes the token; None: never.
    more
        Whether there may be more changes already.
    """

    store: PartitionStore
    last: ChangeId
    body: bytes = b""
    known: Trimmed = field(default_factory=dict)
    meta: list[bytes | None] | None = None
    more: bool = True

    def claimed(self, meta: list[bytes | None]) -> bool:
        """Return whether the partition was claimed since it was read: perhaps it is one of another state."""
        return self.meta is None or self.meta[0] != meta[0]

    def update(self, found: ChangesSince, meta: list[bytes | None]) -> None:
        """Move on to the last change found."""
        if found.gap:
            self.last, self.body = found.after, b""
        if found.events:
            self.last, self.body = found.events[-1].id, found.events[-1].body
        self.known = found.trimmed
        self.meta, self.more = meta, len(found.events) == _READ


@dataclass(frozen=True, slots=True)
class NewChanges:
    """What a poll found.

    Attributes
    ----------
    start
        The cursor before the first kept change, if it is the first poll of this state.
    complete
        The cursor after which changes of all kinds are kept, then.
    found
        By partition, the changes since the last poll.
    more
        Whether there may be more already.
    """

    start: Cursor | None
    complete: Cursor
    found: Mapping[int, ChangesSince]
    more: bool


class ChangePoller:
    """Reads what is new, one poll after the other; for one thread.

    Parameters
    ----------
    store
        The state; it may be empty at first, and become another one.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._polled: list[_Polled] = []

    def poll(self) -> NewChanges:
        """Read what is new.

        Raises
        ------
        StoreError
            If there is no state (``StateMissing``), or it cannot be read.
        """
        start, complete = None, dict[int, ChangeId]()
        if not self._polled:
            stores = [self._store.partition(number) for number in range(self._store.meta().partitions)]
            begins = [beginning(store) for store in stores]
            self._polled = [
                _Polled(store, begin.before_oldest, known=begin.trimmed)
                for store, begin in zip(stores, begins, strict=True)
            ]
            start = {one.store.partition: one.last for one in self._polled}
            complete = {number: begin.complete_after for number, begin in enumerate(begins)}
        fields = [reads.hash_fields(one.store.partition, META, [TOKEN, SEQUENCE]) for one in self._polled]
        polled = list(zip(self._polled, self._store.read_many(fields), strict=True))
        # Perhaps the state is gone, or is another one with other partitions.
        if any(one.claimed(meta) for one, meta in polled) and self._store.meta().partitions != len(polled):
            self._polled = []
            return self.poll()
        fresh = [(one, meta) for one, meta in polled if one.more or one.meta != meta]
        found = {
            one.store.partition: changes_since(one.store, one.last, _READ, one.body, one.known) for one, _ in fresh
        }
        for one, meta in fresh:
            one.update(found[one.store.partition], meta)
        more = any(one.more for one in self._polled)
        return NewChanges(start, complete, found, more)
