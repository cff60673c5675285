"""The flow through one partition: fetch what a step needs, compute it, commit it.

Replay and the Kafka workers both run it: the same engine, the same store.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from secrets import token_hex

from crm_online.baskets import counted as counted_baskets
from crm_online.baskets import open as open_baskets
from crm_online.baskets import sampled
from crm_online.customers.due import bucket_name
from crm_online.engine import counting, engine, mining, owner, peers, rules, sampling, segmenting, state
from crm_online.engine.engine import Engine
from crm_online.engine.loaded import Loaded
from crm_online.engine.needs import Fetched, Needs
from crm_online.engine.retelling import Heard
from crm_online.events.batch import Batch
from crm_online.events.columns import EventColumns
from crm_online.itemsets import names as item_names
from crm_online.segments import sample
from crm_online.settings import Settings
from crm_online.step import Assign, Entry, Step, Topic, Write
from crm_online.store import PartitionStore, Store
from crm_online.store.entries import blank, decode, encode
from crm_online.store.keys import CHANGES, META, TOKEN
from crm_online.store.reads import Read, plain_value

_ROSTER_CHUNK = 10_000
_CHANGES_CHUNK = 5000


class PartitionFlow:
    """One claimed partition.

    Parameters
    ----------
    store
        The store.
    settings
        The settings in force.
    partition, partitions
        Which partition this is, of how many.

    Attributes
    ----------
    positions
        The next position of each source.
    commit_seconds
        How long the last commit took.

    Raises
    ------
    StoreError
        If the store cannot be read.
    """

    def __init__(self, store: Store, settings: Settings, partition: int, partitions: int) -> None:
        self.partition, self.partitions = partition, partitions
        self._store = store
        self.store = store.partition(partition)
        self._everyone = [store.partition(number) for number in range(partitions)]
        claim = self.store.claim(token_hex(4))
        self._token = claim.token
        self.positions = dict(claim.positions)
        self.engine = Engine(settings, partition, partitions, load(self.store))
        self.commit_seconds = 0.0
        self._published = 0
        self._outbox = self.store.outbox()
        self._size, self._keep = settings.segments.sample, settings.changes.keep

    def position(self, source: str) -> int:
        """Return the next position of a source."""
        return self.positions.get(source, 0)

    def step(self, batch: Batch, writes: Sequence[Write] = ()) -> Step:
        """Run a batch of this partition, and commit it together with ``writes``.

        Raises
        ------
        FenceError
            If the partition is not ours any more, or the store is not where we left it. The flow
            must be thrown away, and the partition claimed again.
        StoreError
            If the store cannot be read or written; the same holds.
        """
        needs = self.engine.needs(batch)
        step = self.engine.step(batch, needs, self._fetch(needs, batch.events))
        step = replace(
            step,
            begin=self.position(batch.source),
            writes=[*step.writes, *self._blanks(needs.erased), *writes],
            published=self._published,
        )
        self._commit(step)
        return step

    def retell(self, source: str, heard: Heard) -> Step:
        """Begin a new epoch: consumers heard of changes that this state, put back in time, knows nothing of.

        Where they were told otherwise, they are told how things stand now. The outbox goes: whatever is in it was
        published already, or is told by this step.

        Raises
        ------
        FenceError, StoreError
            As for :meth:`step`.
        """
        # In the same epoch they heard more than the state holds, so all of the outbox too.
        told = heard.beside(self._outbox) if heard.epoch > self.engine.state.epoch else heard
        found = self.store.hash_get(engine.CUSTOMERS, [name.encode() for name in told.customers])
        records = dict(zip(told.customers, found, strict=True))
        before = self.engine.state.sequence
        step = self.engine.retell(source, self.position(source), told, records)
        self._outbox, self._published = [], before
        step = replace(step, published=before)
        self._commit(step)
        return step

    def publish(self, write: Callable[[int, Sequence[Entry]], None]) -> None:
        """Hand the outbox to ``write``, and take what it was given for published."""
        entries = self.take()
        if entries:
            write(self.partition, entries)
            self.published(entries[-1].sequence)

    def take(self) -> list[Entry]:
        """Return the entries of the outbox that were not taken yet, in order."""
        taken, self._outbox = self._outbox, []
        return taken

    def published(self, sequence: int) -> None:
        """Note that all entries up to ``sequence`` were published: the next commit drops them from the outbox."""
        self._published = max(self._published, sequence)

    def owned(self) -> bool:
        """Ask the store whether the partition is still ours.

        Raises
        ------
        StoreError
            If it cannot be asked.
        """
        return self.store.hash_get(META, [TOKEN]) == [self._token.encode()]

    def close(self) -> None:
        """Trim what was published since the last commit."""
        if self._published:
            self.store.trim(self._published)

    def _commit(self, step: Step) -> None:
        began = time.perf_counter()
        self.store.commit(replace(step, keep=self._keep), self._token)
        self.commit_seconds = time.perf_counter() - began
        self.positions[step.source] = step.end
        self._outbox += step.entries

    def _fetch(self, needs: Needs, events: EventColumns) -> Fetched:
        store, fetched = self.store, Fetched()
        fetched.due = [_texts(store.list_range(bucket_name(bucket), 0, count - 1)) for bucket, count in needs.due]
        if needs.roster:
            fetched.roster = _texts(store.list_range(engine.ROSTER, *needs.roster))
        if needs.erased:
            lists = [engine.ROSTER, *(bucket_name(bucket) for bucket in self.engine.state.waiting)]
            fetched.places = [
                (name, index)
                for name in lists
                for customer in needs.erased
                for index in store.list_places(name, customer.encode())
            ]
        if needs.spare:
            roster = (name.decode() for name in store.list_all(engine.ROSTER, _ROSTER_CHUNK))
            fetched.spare = sample.smallest(roster, needs.spare)
        if needs.peers:
            *sums, fetched.model = self._values(peers.NAME, plain_value(engine.OWNER, segmenting.MODEL))
            fetched.peers = dict(enumerate(sums))
        if needs.sample:
            fetched.sample = self._sampled()
        if needs.summaries:
            every = enumerate(self._values(mining.SUMMARY))
            fetched.summaries = [raw for number, raw in every if number != self.partition and raw is not None]
            others = [peer for number, peer in enumerate(self._everyone) if number != self.partition]
            fetched.orders = [
                (peer.list_range(item_names.NAME, 0, -1), [raw for _, raw in sorted(peer.hash_all(sampled.NAME))])
                for peer in others
            ]
        customers = self.engine.customers(events, fetched)
        records = store.hash_get(engine.CUSTOMERS, [name.encode() for name in customers])
        fetched.customers = dict(zip(customers, records, strict=True))
        return fetched

    def _blanks(self, erased: Sequence[str]) -> list[Assign]:
        """Blank the kept changes of customers who are erased, but for those that say that they are gone."""
        if not erased:
            return []
        names = set(erased)
        kept = (decode(data, self.partition) for data in self.store.list_all(CHANGES, _CHANGES_CHUNK))
        return [
            Assign(CHANGES, index, encode(blank(change)))
            for index, change in enumerate(kept)
            if change.topic is Topic.SEGMENT_CHANGES and change.key in names and not change.tombstone
        ]

    def _values(self, name: str, *more: Read[bytes | None]) -> list[bytes | None]:
        """Read a plain value of every partition, and more, in one round trip."""
        return self._store.read_many([*(plain_value(number, name) for number in range(self.partitions)), *more])

    def _sampled(self) -> list[bytes | None]:
        chosen = sample.merged((peer.hash_all(sample.NAME) for peer in self._everyone), self._size)
        records: dict[tuple[int, str], bytes | None] = {}
        for number, peer in enumerate(self._everyone):
            ids = [customer for partition, customer in chosen if partition == number]
            found = peer.hash_get(engine.CUSTOMERS, [customer.encode() for customer in ids])
            records |= {(number, customer): raw for customer, raw in zip(ids, found, strict=True)}
        return [records[one] for one in chosen]


def load(store: PartitionStore, *, traits: bool = True) -> Loaded:
    """Read a partition's state, all but the customers, with or without the traits of those in the sample."""
    return Loaded(
        engine=store.value(state.NAME),
        model=store.value(segmenting.MODEL),
        sums=store.value(peers.NAME),
        open_baskets=list(store.hash_all(open_baskets.NAME)),
        counted_baskets=list(store.hash_all(counted_baskets.NAME)),
        sampled_orders=list(store.hash_all(sampled.NAME)),
        sample=list(store.hash_all(sample.NAME)),
        said=list(store.hash_all(sampling.SAID)) if traits else (),
        bought=list(store.hash_all(sampling.BOUGHT)) if traits else (),
        rules=list(store.hash_all(rules.NAME)),
        segments=list(store.hash_all(owner.SEGMENTS)),
        items=store.list_range(item_names.NAME, 0, -1),
        counters=store.list_range(counting.COUNTERS, 0, -1),
        journal=store.list_range(counting.JOURNAL, 0, -1),
    )


def _texts(values: Sequence[bytes]) -> list[str]:
    return [value.decode() for value in values]
