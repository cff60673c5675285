"""What a claim and a step read of the store: the state of a partition, and what the engine's plan asks for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from crm_online.baskets import catalogue, sampled, transitions
from crm_online.baskets import counted as counted_baskets
from crm_online.baskets import open as open_baskets
from crm_online.customers import suppression
from crm_online.customers.due import bucket_name
from crm_online.engine import (
    basket_journal,
    daily,
    drifting,
    example_store,
    observed,
    owner,
    peers,
    rules,
    sampling,
    segmenting,
    size_history,
    state,
)
from crm_online.engine.engine import CUSTOMERS, ROSTER
from crm_online.engine.loaded import Loaded
from crm_online.engine.peers import MODEL_PARTITION
from crm_online.engine.read_plan import ReadPlan, ReadResult
from crm_online.engine.replica import JournalCursor, StoredCounters
from crm_online.events.columns import EventColumns
from crm_online.itemsets import names as item_names
from crm_online.predictions import keys
from crm_online.segments import sample
from crm_online.store import PartitionStore, Store
from crm_online.store.reads import Read, hash_whole, list_part, plain_value

_ROSTER_CHUNK = 10_000
_LOOKED_UP = 8
"""Erased customers of a step up to which Redis looks each of them up."""


class StepReader:
    """Reads what the steps of one partition need.

    Parameters
    ----------
    store
        The store.
    partition, partitions
        Which partition this is, of how many.
    sample_size, sampling_key
        Of how many customers the sample over all partitions is, at most; and what their hashes depend on.
    """

    def __init__(self, store: Store, partition: int, partitions: int, sample_size: int, sampling_key: str) -> None:
        self._store, self._partition = store, partition
        self._sample_size, self._sampling_key = sample_size, sampling_key
        self._all = [store.partition(number) for number in range(partitions)]

    def read(self, plan: ReadPlan, events: EventColumns) -> ReadResult:
        """Read what is planned for a step over some events, and the records of its customers.

        Raises
        ------
        StoreError
            If the store cannot be read.
        """
        store, result = self._all[self._partition], ReadResult()
        blocks = [list_part(self._partition, ROSTER, *block) for block in (plan.roster, plan.swept) if block]
        due = [list_part(self._partition, bucket_name(bucket), 0, count - 1) for bucket, count in plan.due]
        texts = [_texts(values) for values in self._store.read_many([*due, *blocks])]
        result.due, blocks_read = texts[: len(due)], iter(texts[len(due) :])
        result.roster = next(blocks_read) if plan.roster else []
        result.swept = next(blocks_read) if plan.swept else []
        if plan.erased:
            result.occurrences = list(_occurrences(store, plan))
        if plan.spare:
            roster = (name.decode() for name in store.list_all(ROSTER, _ROSTER_CHUNK))
            result.spare = sample.smallest(roster, plan.spare, self._sampling_key)
        if plan.peers:
            model = plain_value(MODEL_PARTITION, segmenting.MODEL)
            numbers = range(len(self._all))
            version = plain_value(MODEL_PARTITION, keys.VERSION_NAME)
            observing = [number for number in numbers if number != self._partition] if plan.observed else []
            found = self._store.read_many(
                [
                    *(plain_value(number, peers.NAME) for number in numbers),
                    *(plain_value(number, observed.NAME) for number in observing),
                    model,
                    version,
                ]
            )
            result.peers = dict(zip(numbers, found, strict=False))
            result.observed = dict(zip(observing, found[len(numbers) : -2], strict=True))
            result.model = found[-2]
            if plan.predictor is not None and keys.version_of(found[-1]) > plan.predictor:
                result.predictor = self._all[MODEL_PARTITION].value(keys.NAME)
        if plan.sample:
            result.sample = self._sample()
        result.counters = {number: self._counters(number, cursor) for number, cursor in plan.counters.items()}
        result.labelled = {
            number: self._all[number].list_range(example_store.LABELLED, 0, -1) for number in plan.labelled
        }
        customers = result.customer_ids(events.customers, plan.example_customers, plan.erased)
        records = store.hash_get(CUSTOMERS, [name.encode() for name in customers])
        result.customers = dict(zip(customers, records, strict=True))
        return result

    def _counters(self, partition: int, cursor: JournalCursor) -> StoredCounters:
        """Read the baskets of another partition that came after a cursor, all if there are others, and its orders."""
        before, checkpoint = cursor, list[bytes]()
        small, journal, (items,) = self._all[partition].together(*_journal(partition, cursor))
        stored = state.PartitionState.decode(small)
        if not cursor.is_followed_by(stored, journal):
            before = JournalCursor(items=cursor.items)
            reads = _journal(partition, before), list_part(partition, basket_journal.COUNTERS, 0, -1)
            small, journal, (items, checkpoint) = self._all[partition].together(*reads[0], reads[1])
            stored = state.PartitionState.decode(small)
        orders, transitions_ = self._store.read_many(
            [hash_whole(partition, name) for name in (sampled.NAME, transitions.NAME)]
        )
        return StoredCounters(
            JournalCursor(
                stored.checkpoints, before.entries + len(journal), stored.journal_bytes, cursor.items + len(items)
            ),
            before is not cursor,
            checkpoint,
            journal,
            items,
            *([raw for _, raw in sorted(found.items())] for found in (orders, transitions_)),
        )

    def _sample(self) -> list[bytes | None]:
        """Read the records of the sample over all partitions."""
        chosen = sample.merged((peer.hash_all(sample.NAME) for peer in self._all), self._sample_size)
        records: dict[tuple[int, str], bytes | None] = {}
        for number, peer in enumerate(self._all):
            ids = [customer for partition, customer in chosen if partition == number]
            found = peer.hash_get(CUSTOMERS, [customer.encode() for customer in ids])
            records |= {(number, customer): raw for customer, raw in zip(ids, found, strict=True)}
        return [records[one] for one in chosen]


def _occurrences(store: PartitionStore, plan: ReadPlan) -> Iterator[tuple[str, int]]:
    """Yield in which lists erased customers are, and at which indexes: of many at once, by reading the lists whole."""
    if len(plan.erased) <= _LOOKED_UP:
        for name in plan.lists:
            for customer in plan.erased:
                yield from ((name, index) for index in store.list_places(name, customer.encode()))
        return
    erased = {customer.encode() for customer in plan.erased}
    for name in plan.lists:
        values = enumerate(store.list_all(name, _ROSTER_CHUNK))
        yield from ((name, index) for index, value in values if value in erased)


def _journal(partition: int, cursor: JournalCursor) -> tuple[Read[bytes | None], Read[list[bytes]], Read[list[bytes]]]:
    """Return the reads of the small state, and of the journal and the items after a cursor."""
    return (
        plain_value(partition, state.NAME),
        list_part(partition, basket_journal.JOURNAL, cursor.entries, -1),
        list_part(partition, item_names.NAME, cursor.items, -1),
    )


def load(store: PartitionStore, *, with_traits: bool = True) -> Loaded:
    """Read a partition's state, all but the customers, with or without the traits of those in the sample."""
    described = store.state_meta()
    return Loaded(
        partition_state=store.value(state.NAME),
        model=store.value(segmenting.MODEL),
        sums=store.value(peers.NAME),
        rule_learning=store.value(rules.LEARNING),
        predictor=store.value(keys.NAME),
        observed=store.value(observed.NAME),
        open_baskets=list(store.hash_all(open_baskets.NAME)),
        counted_baskets=list(store.hash_all(counted_baskets.NAME)),
        sampled_orders=list(store.hash_all(sampled.NAME)),
        transitions=list(store.hash_all(transitions.NAME)),
        last_orders=list(store.hash_all(transitions.LAST_ORDERS)),
        catalogue=list(store.hash_all(catalogue.NAME)),
        sample=list(store.hash_all(sample.NAME)),
        traits=list(store.hash_all(sampling.TRAITS)) if with_traits else (),
        bought=list(store.hash_all(sampling.BOUGHT)) if with_traits else (),
        rules=list(store.hash_all(rules.NAME)),
        segments=list(store.hash_all(owner.SEGMENTS)),
        sizes=store.list_range(size_history.NAME, 0, -1),
        names=store.list_range(owner.NAMES, 0, -1),
        pending=list(store.hash_all(example_store.PENDING)),
        daily=list(store.hash_all(daily.NAME)),
        drift=list(store.hash_all(drifting.SERIES)),
        items=store.list_range(item_names.NAME, 0, -1),
        counters=store.list_range(basket_journal.COUNTERS, 0, -1),
        journal=store.list_range(basket_journal.JOURNAL, 0, -1),
        suppressed=list(store.hash_all(suppression.NAME)),
        sampling_key=described.sampling_key if described else "",
        salt=described.id if described else "",
        drifts=store.list_range(drifting.DRIFTS, 0, -1),
    )


def _texts(values: Sequence[bytes]) -> list[str]:
    return [value.decode() for value in values]
