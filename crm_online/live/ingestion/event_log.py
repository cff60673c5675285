"""Events that are sent to the service, as a log of their own that goes on: into a state that logs feed.

Nothing here is asynchronous; one thread calls it.
"""

from __future__ import annotations

import time
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import count
from secrets import token_hex
from typing import NamedTuple

import numpy as np

from crm_online.errors import CrmOnlineError, FenceError
from crm_online.events.ahead import before_clock
from crm_online.events.batch import Batch
from crm_online.events.building import from_events, unknown_fields
from crm_online.events.columns import EventColumns, concat
from crm_online.events.intake import Intake
from crm_online.events.models import Event
from crm_online.events.producers import LOG, MADE_HERE, producer_number
from crm_online.pipeline import PartitionGroup, PartitionPipeline
from crm_online.settings import Settings
from crm_online.settings.conflict import from_stored
from crm_online.store import Store
from crm_online.store.keys import SENT

_COMPACTION = 1.0
"""Seconds until it is tried again to have the AOF written anew, where Redis is already at it."""


class SentEvents(NamedTuple):
    """The events of a request, and who sent them."""

    events: Sequence[Event]
    producer: str = LOG


class RequestOutcome(NamedTuple):
    """What became of a request: the indices of events too far ahead of the clock, and how many were duplicates.

    If any lies too far ahead, none was committed.
    """

    far: list[int]
    duplicates: int = 0


class EventLog:
    """The partitions of a state, claimed when the first events come.

    Time is that of the log, as in a replay: the largest event time so far. When nothing comes any more, it goes on with
    the clock for as long as baskets are open, and no further: so they are counted, and an old log that is sent piece by
    piece is never outrun by more than ``baskets.open_for``.

    Of the changes the last ``changes.keep`` wait in the outbox, for the files of a later replay.

    Parameters
    ----------
    store
        The state; described already.
    settings
        The settings in force; the state's own go before those that shape it.
    clock
        Seconds that pass.
    now
        Seconds since 1970: what lies before now is no mistyped year, however long nothing came.
    """

    def __init__(
        self,
        store: Store,
        settings: Settings,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._store, self._settings, self._clock, self._now = store, settings, clock, now
        self._keep, self._max_ahead = settings.changes.keep, settings.events.max_ahead
        self._intake = Intake.of(settings)
        self._group: PartitionGroup | None = None
        self._last_arrival: tuple[float, int] | None = None
        self._holds_erased, self._is_compacting = False, False
        # Events without an id get one that no other event has, whoever else accepts events too.
        self._made, self._rows = f"{SENT}-{token_hex(6)}", count()

    def ingest(self, requests: Sequence[SentEvents]) -> list[RequestOutcome]:
        """Commit the events of several requests together; of a request all, or none if one is too far ahead.

        Raises
        ------
        FenceError
            If another process claims the partitions again and again.
        StoreError
            If the state cannot be read or written. What was committed is then not known.
        """
        try:
            batch, outcomes, rows = self._judged(requests)
            duplicates = self._commit(batch) if batch is not None else []
        except CrmOnlineError:
            self.release()
            raise
        counts = Counter(bisect_right(rows, row) - 1 for row in set(duplicates))
        return [outcome._replace(duplicates=counts[index]) for index, outcome in enumerate(outcomes)]

    def drain_step(self) -> bool:
        """Run one step of the work that is left over; return whether there was any.

        Raises
        ------
        FenceError, StoreError
            See :meth:`ingest`; the partitions are released.
        """
        group = self._group
        busy = next((pipeline for pipeline in group.pipelines if group.is_busy(pipeline)), None) if group else None
        if busy is not None:
            self._tick([busy])
        return busy is not None

    def tick(self) -> float | None:
        """Count the baskets that are closed by now, and return in how many seconds to come again; None: not by itself.

        Where customers were erased, an embedded Redis begins to write its AOF anew, so that no file has the old bytes.

        Raises
        ------
        FenceError, StoreError
            See :meth:`ingest`; the partitions are released.
        """
        self._compact()
        wait = self._wait()
        if self._holds_erased or self._is_compacting:
            return _COMPACTION if wait is None else min(wait, _COMPACTION)
        if wait is None or wait > 0 or self._last_arrival is None:
            return wait
        came, then = self._last_arrival
        passed = int((self._clock() - came) * 1000)
        self._tick(self._claimed().pipelines, then + min(passed, self._claimed().pipelines[0].engine.open_for + 1))
        return self._wait()

    def release(self) -> None:
        """Release the partitions; they are claimed again when events come."""
        self._group, self._last_arrival = None, None

    def close(self) -> None:
        """Trim the published outbox entries, and let no file have the bytes of who was erased.

        Raises
        ------
        StoreError
            If the state cannot be written.
        """
        if self._group is not None:
            self._group.close()
        if self._holds_erased or self._is_compacting:
            self._store.compact()
        self.release()

    def _claimed(self) -> PartitionGroup:
        if self._group is None:
            meta = self._store.meta()
            shaped = from_stored(meta.settings)
            settings = shaped.model_copy(update={"changes": self._settings.changes, "privacy": self._settings.privacy})
            self._max_ahead = settings.events.max_ahead
            self._group = PartitionGroup.claim(self._store, settings, meta.partitions, self._trim)
            self._holds_erased = self._holds_erased or self._store.needs_compaction()
        return self._group

    def _judged(self, requests: Sequence[SentEvents]) -> tuple[Batch | None, list[RequestOutcome], list[int]]:
        """Return what is committed, which events of each request lie too far ahead, and its first event's position."""
        watermark = self._claimed().watermark
        latest = None if self._max_ahead is None else int(self._now() * 1000) + self._max_ahead
        parts: list[EventColumns] = []
        outcomes: list[RequestOutcome] = []
        rows: list[int] = []
        unknown: Counter[str] = Counter()
        for events, producer in requests:
            columns = self._intake.events(from_events(events, [next(self._rows) for _ in events], self._made))
            columns.producer[columns.producer != MADE_HERE] = producer_number(producer)
            refused, moved = before_clock(columns, watermark, latest)
            # An erasure is a row under each key: the position says which event a row is of.
            first = int(columns.position[0])
            outcomes.append(RequestOutcome(np.unique(columns.position[refused] - first).tolist()))
            rows.append(first)
            if not outcomes[-1].far:
                watermark = moved
                parts.append(columns)
                unknown.update(name for event in events for name in unknown_fields(event))
        if not parts:
            return None, outcomes, rows
        every = concat(parts)
        batch = Batch(SENT, 0, len(every), every, watermark=watermark, unknown_fields=unknown)
        return batch, outcomes, rows

    def _commit(self, batch: Batch) -> list[int]:
        """Commit a batch, and return the positions of duplicates.

        If another process has claimed the partitions meanwhile, they are claimed back once.
        """
        done: dict[int, Sequence[int]] = {}
        try:
            self._step(batch, done)
        except FenceError:
            self.release()
            self._step(batch, done)
        watermark = self._claimed().watermark
        self._last_arrival = None if watermark is None else (self._clock(), watermark)
        return [position for positions in done.values() for position in positions]

    def _step(self, batch: Batch, done: dict[int, Sequence[int]]) -> None:
        """Commit a batch in the partitions that are not done yet; these get the positions of duplicates."""
        group = self._claimed()
        for pipeline, part in zip(group.pipelines, batch.split(len(group.pipelines)), strict=True):
            if pipeline.partition not in done:
                position = pipeline.position(SENT)
                counts = group.run(pipeline, replace(part, begin=position, end=position + batch.end))
                done[pipeline.partition] = counts.duplicate_positions
                self._note_erasures(group)

    def _tick(self, pipelines: Sequence[PartitionPipeline], watermark: int | None = None) -> None:
        """Run a step without events."""
        group = self._claimed()
        try:
            for pipeline in pipelines:
                group.tick(pipeline, SENT, watermark)
                self._note_erasures(group)
        except CrmOnlineError:
            self.release()
            raise

    def _note_erasures(self, group: PartitionGroup) -> None:
        if group.take_erased():
            # A rewrite that is under way may have begun before.
            self._holds_erased, self._is_compacting = True, False

    def _compact(self) -> None:
        """Have the AOF written anew, a part at each call, without waiting."""
        if self._is_compacting and self._store.end_compaction():
            self._is_compacting = False
        if self._holds_erased and self._store.begin_compaction():
            self._holds_erased, self._is_compacting = False, True

    def _trim(self, pipeline: PartitionPipeline) -> None:
        """Keep the last changes only, as no replay may ever publish them to files."""
        pipeline.take_outbox()
        pipeline.mark_published(pipeline.last_change.sequence - self._keep)

    def _wait(self) -> float | None:
        """Return in how many seconds the next open basket is closed if nothing comes."""
        if self._last_arrival is None:
            return None
        came, then = self._last_arrival
        ends = [pipeline.engine.next_basket_closes for pipeline in self._claimed().pipelines]
        end = min((end for end in ends if end is not None), default=None)
        return None if end is None else came + (end - then) / 1000 - self._clock()
