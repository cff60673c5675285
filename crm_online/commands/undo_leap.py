"""A wrong leap in time undone: the state goes back to its beginning, and what feeds it is read again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from crm_online.baskets import catalogue, counted, sampled, transitions
from crm_online.baskets import open as open_baskets
from crm_online.commands.erase import COMMANDS
from crm_online.customers import suppression
from crm_online.customers.due import bucket_name
from crm_online.customers.suppression import Suppression
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
)
from crm_online.engine.engine import CUSTOMERS, ROSTER, Engine
from crm_online.engine.loaded import Loaded
from crm_online.engine.state import NAME as STATE
from crm_online.engine.state import PartitionState
from crm_online.errors import InputError
from crm_online.events.times import to_short_iso
from crm_online.itemsets import names as item_names
from crm_online.lookup import publication, segment_labels
from crm_online.pipeline import PartitionPipeline
from crm_online.predictions import keys
from crm_online.replay.partitions import PARTIAL_CHUNK, SOURCES
from crm_online.replay.run import HALF_WRITTEN
from crm_online.segments import sample
from crm_online.settings import Settings
from crm_online.settings.conflict import from_stored
from crm_online.step import Drop, Remove, Replace, Step, Write
from crm_online.store import Store, log_gaps, open_store
from crm_online.store.keys import ENDS, FINGERPRINT, POSITIONS, SENT
from crm_online.store.meta import LOGS, StateMeta

UNDER_WAY: Final = "undoing"
"""A key of partition 0: it went back to its beginning, and others may not have."""

DERIVED: Final = (
    *(CUSTOMERS, ROSTER, sample.NAME, sampling.TRAITS, sampling.BOUGHT, segmenting.MODEL, peers.NAME, owner.SEGMENTS),
    *(owner.NAMES, size_history.NAME, open_baskets.NAME, counted.NAME, catalogue.NAME, sampled.NAME, transitions.NAME),
    *(transitions.LAST_ORDERS, item_names.NAME, basket_journal.COUNTERS, basket_journal.JOURNAL, observed.NAME),
    *(daily.NAME, drifting.SERIES, drifting.DRIFTS, rules.NAME, rules.LEARNING, keys.NAME, keys.VERSION_NAME),
    *(example_store.PENDING, example_store.LABELLED, SOURCES, PARTIAL_CHUNK, HALF_WRITTEN, log_gaps.NAME),
    *(FINGERPRINT, ENDS, publication.NAME, segment_labels.NAME),
)
"""What a state has because of what it read; but for the buckets of the due queue. All else stays."""


def undo_leap(state: str, settings: Settings) -> list[int]:
    """Take a state back to its beginning, since its log leapt in time by events that are not true.

    Nothing of a leap can be taken back by itself: models were fitted to customers who all seemed lapsed, baskets
    closed, examples learned from. So all that was derived goes, and the log is to be read again with ``events.latest``
    set, by which the events that leapt are rejects. Who was erased or objects, the numbers of changes and the changes
    that are kept stay. Consumers get a change for each customer, segment and rule that they have: these are nowhere
    until the log has been read. Each partition goes back in one commit, partition 0 first; after a crash, or if workers
    got in between, call again.

    Parameters
    ----------
    state
        A folder, or the URL of a Redis.
    settings
        The settings in force; those that shape a state are its own.

    Returns
    -------
    list of int
        The partitions that went back.

    Raises
    ------
    InputError
        If ``events.latest`` is not set, if no partition is beyond it, or if events were sent to the state over HTTP.
    StoreError, FenceError
        If the state cannot be read or written.
    """
    latest = settings.events.latest
    if latest is None:
        raise InputError("events.latest is not set: the log would leap again; set it to a time before the leap")
    with open_store(state, create=False, writes=True) as store:
        meta = store.meta()
        stored = [store.partition(number) for number in range(meta.partitions)]
        if meta.feed == LOGS and any(SENT in one.positions() for one in stored):
            raise InputError("events were sent to this state over HTTP: they are in no log that could be read again")
        marks = [PartitionState.decode(one.value(STATE)).watermark for one in stored]
        is_beyond = any(mark is not None and mark > latest for mark in marks)
        if not is_beyond and stored[0].value(UNDER_WAY) is None:
            raise InputError(f"no partition is beyond events.latest ({to_short_iso(latest)}): no leap to undo")
        shaped = from_stored(meta.settings).model_copy(update={"changes": settings.changes})
        return list(reset_partitions(store, shaped, latest))


def reset_partitions(store: Store, settings: Settings, now: int) -> Iterator[int]:
    """Take all partitions of a state back to their beginning, each in a commit, and yield which were not there.

    Until all have gone back partition 0 must not go on: it would learn from what others are about to forget.

    Parameters
    ----------
    store, settings
        The state, and the settings that shaped it.
    now
        The time of the changes that say so, in ms; who was erased later was so then, but for those who were idle for
        too long only by the leap.

    Raises
    ------
    StoreError, FenceError
        If the state cannot be read or written, or if partition 0 has gone on meanwhile; then all must go back again.
    """
    meta, first = store.meta(), None
    for number in range(meta.partitions):
        pipeline = PartitionPipeline(store, settings, number, meta.partitions)
        first = first or pipeline.store
        if pipeline.watermark is not None or pipeline.positions.keys() - {COMMANDS}:
            pipeline.reset(_reset_step(meta, settings, pipeline, now))
            yield number
    if first is not None:
        first.refuse_if_moved()
        first.drop(UNDER_WAY)


def _reset_step(meta: StateMeta, settings: Settings, pipeline: PartitionPipeline, now: int) -> Step:
    """Return the step that takes a partition back to its beginning."""
    old = pipeline.engine
    published = old.published(pipeline.store.hash_all(CUSTOMERS))
    before = PartitionState(epoch=old.state.epoch, sequence=old.state.sequence)
    loaded = Loaded(partition_state=before.encode(), sampling_key=meta.sampling_key, salt=meta.id)
    new = Engine(settings, pipeline.partition, meta.partitions, loaded)
    step = new.republish(COMMANDS, pipeline.position(COMMANDS), published, dict.fromkeys(published.names), now)
    erased = Suppression(meta.id)
    erased.load(pipeline.store.hash_all(suppression.NAME))
    erased.bound(now)
    under_way = [Replace(UNDER_WAY, b"1")] if pipeline.partition == peers.MODEL_PARTITION else []
    return replace(step, writes=[*_dropped(pipeline), *erased.writes(), *step.writes, *under_way])


def _dropped(pipeline: PartitionPipeline) -> Iterator[Write]:
    yield from map(Drop, [*DERIVED, *map(bucket_name, pipeline.engine.state.due_counts)])
    yield Remove(POSITIONS, [source.encode() for source in sorted({*pipeline.positions, COMMANDS})])
