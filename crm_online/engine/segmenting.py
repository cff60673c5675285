"""Customers into segments: who is scored in a step, by which model, and when again."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from crm_online.customers.due import DueQueue
from crm_online.customers.records import NO_SEGMENT, Records
from crm_online.engine import peers
from crm_online.engine.changes import Changes, Reason
from crm_online.engine.ingestion import IngestResult
from crm_online.engine.loaded import Loaded
from crm_online.engine.peers import PartitionFigures
from crm_online.engine.scoring import MS, FeatureReader, Previous, Scorer, number_of
from crm_online.engine.state import PartitionState
from crm_online.engine.step_context import StepContext
from crm_online.events.times import to_short_iso
from crm_online.segments.buying import KINDS, cells
from crm_online.segments.model import Model, translate
from crm_online.segments.online import OnlineSegments
from crm_online.segments.reported import Hysteresis
from crm_online.segments.sums import ABSENT, SegmentSums
from crm_online.settings import Settings
from crm_online.step import Replace, Topic

MODEL = "model"


class Segmenting:
    """The segments of one partition's customers.

    Parameters
    ----------
    settings, reader
        The settings in force, and what reads the features.
    state
        The partition's small state, changed in place.
    loaded
        What the store holds of the partition.
    """

    def __init__(self, settings: Settings, reader: FeatureReader, state: PartitionState, loaded: Loaded) -> None:
        self._settings, self._reader, self._state = settings.segments, reader, state
        figures = PartitionFigures.decode(loaded.sums) if loaded.sums else None
        sums = figures.sums if figures else None
        self.segments = OnlineSegments(Model.from_json(loaded.model), sums) if loaded.model else None
        self._buying = figures.buying if figures else None
        self.due = DueQueue(settings.features.half_life, state.due_counts)

    @property
    def model(self) -> Model | None:
        """The model in use; ``None`` before the first."""
        return self.segments.model if self.segments else None

    @property
    def sums(self) -> SegmentSums | None:
        """The sums of this partition's segments; ``None`` before the first model."""
        return self.segments.sums if self.segments else None

    @property
    def version(self) -> int:
        """The version of the model in use; 0 before the first."""
        return self.segments.model.version if self.segments else 0

    def figures(self) -> PartitionFigures:
        """Return this partition's part of the global figures, for the others."""
        state = self._state
        return PartitionFigures(
            self.version,
            state.migration_complete,
            state.customers,
            state.baskets,
            state.withdrawn_baskets,
            self.sums,
            self._buying,
        )

    def total(self, model: Model, others: Sequence[PartitionFigures]) -> SegmentSums | None:
        """Return the sums over all partitions, or ``None`` until all have moved to the model."""
        total, complete = peers.add_up([*others, self.figures()], model.version)
        return total if complete else None

    def by_buying(self, model: Model, others: Sequence[PartitionFigures]) -> SegmentSums | None:
        """Return the sums by how often members have bought, over all partitions that have moved to the model."""
        return peers.added_by_buying([*others, self.figures()], model.version)

    def centroids(self, model: Model, others: Sequence[PartitionFigures]) -> NDArray[np.float64]:
        """Return the present centroids over all partitions; the fitted ones until all have moved."""
        total = self.total(model, others)
        return model.centres() if total is None else model.current(total.centroids())

    def adopt(self, model: Model, step: StepContext) -> None:
        """Adopt a new model: all customers move to it, block by block of the roster."""
        state, before = self._state, self.model
        state.previous_ids = list(before.ids) if before else []
        state.previous_centroids = []
        if before:
            last = translate(self.centroids(before, step.others), before.scale, model.scale)
            state.previous_centroids = last.round(1).tolist()
        state.migration_complete, state.roster_cursor = False, 0
        self.segments = OnlineSegments(model)
        self._buying = SegmentSums.empty(model.k * KINDS, len(model.scale.names))
        step.writes.append(Replace(MODEL, model.to_json()))

    def score(
        self, step: StepContext, records: Records, ids: list[str], ingested: IngestResult, bought: NDArray[np.int64]
    ) -> NDArray[np.bool_]:
        """Score who was touched, is due, or moves to a new model, in place; return whose record changed.

        Parameters
        ----------
        step, records, ids, ingested
            The step, its customers' records, whose they are, and what its events did.
        bought
            int64[n]: how often each had bought before the step.
        """
        segments = self.segments
        if segments is None:
            return ingested.touched
        exists = records.events > 0
        popped = self._popped(step, records) & exists
        reasons = np.where(ingested.touched & exists, int(Reason.EVENT), 0)
        # Who had events since the entry was made is due later than the entry says.
        lapsing = popped & (self._due_again(records) <= step.now // self.due.bucket_ms)
        reasons[lapsing & (reasons == 0)] = int(Reason.LAPSE)
        if not self._state.migration_complete:
            stale = ~records.scored_by(self.version)
            reasons[self._moving(step, len(ids)) & exists & stale & (reasons == 0)] = int(Reason.REFIT)
        scorer = Scorer(
            self._reader,
            segments,
            Previous(self._state.previous_ids, np.array(self._state.previous_centroids, np.float64)),
            self.centroids(segments.model, step.others),
            Hysteresis(self._settings.margin, self._settings.min_dwell),
        )
        rows = np.flatnonzero(reasons)
        vectors_before, cells_before = records.vectors[rows], self._cells(records, bought)[rows]
        distances = scorer.score(step, records, ids, rows, reasons[rows], ingested.cause)
        if self._state.migration_complete:
            came = reasons[rows] == int(Reason.EVENT)
            step.observed.distances = distances[came]
            step.observed.distance_times = records.last_event[rows[came]]
        if self._buying is not None:
            cells_after = self._cells(records, records.purchases)[rows]
            self._buying = self._buying.move(vectors_before, cells_before, records.vectors[rows], cells_after)
        changed: NDArray[np.bool_] = (reasons > 0) | popped
        step.writes += self.due.remove(list(step.plan.due))
        self._queue(step, records, ids, popped, changed & exists)
        return changed | ingested.touched

    def forget(self, step: StepContext, name: str, record: Records) -> None:
        """Take an erased customer, given as the record was before the step, out of the sums, and emit that."""
        if self.segments is None:
            return
        model, current = self.segments.model, bool(record.scored_by(self.version)[0])
        if current and record.nearest[0] < model.k:
            self.segments.leave(record.vectors, record.nearest.astype(np.int64))
            if self._buying is not None:
                self._buying = self._buying.move(record.vectors, self._cells(record, record.purchases), None, None)
        (from_id,) = self.reported(record)
        if from_id is not None:
            self._emit(name, from_id, None, Reason.ERASE, step.now, step.changes)

    def numbers(self, records: Records) -> NDArray[np.int16]:
        """Return the numbers of the segments that customers are reported in; 0 for none."""
        found = np.zeros(len(records), np.int16)
        if self.segments is None:
            return found
        current = records.scored_by(self.version)
        for rows, ids in ((current, self.segments.model.ids), (~current, self._state.previous_ids)):
            numbers = np.zeros(NO_SEGMENT + 1, np.int16)
            numbers[: len(ids)] = [number_of(one) for one in ids]
            found[rows] = numbers[records.reported[rows]]
        return found

    def reported(self, records: Records) -> list[str | None]:
        """Return the segment that each customer is reported to be in; ``None`` for none."""
        if self.segments is None:
            return [None] * len(records)
        ids = self._state.previous_ids, self.segments.model.ids
        of_model = records.scored_by(self.version).tolist()
        labels = zip(of_model, records.reported.tolist(), strict=True)
        return [ids[newest][label] if label < len(ids[newest]) else None for newest, label in labels]

    def republish(self, name: str, published: str | None, segment: str | None, now: int, changes: Changes) -> None:
        """Publish that a customer is in another segment than was published, since the state was put back in time."""
        self._emit(name, published, segment, Reason.REWIND, now, changes)

    def _emit(
        self, name: str, from_id: str | None, to_id: str | None, reason: Reason, now: int, changes: Changes
    ) -> None:
        value = {
            "customer_id": name,
            "from": from_id,
            "to": to_id,
            "reason": reason.label,
            "time": to_short_iso(now),
            "margin": None,
            "features": {},
            "model_version": self.version,
            "cause": {"type": reason.label},
        }
        changes.emit(Topic.SEGMENT_CHANGES, name, value, tombstone=to_id is None)

    def _cells(self, records: Records, bought: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return in which sums by kind of buyer customers are; ``ABSENT`` for who has not moved to the model."""
        counted = records.scored_by(self.version) & (records.nearest != NO_SEGMENT)
        return cells(np.where(counted, records.nearest.astype(np.int64), ABSENT), bought)

    def _popped(self, step: StepContext, records: Records) -> NDArray[np.bool_]:
        """Return whose entry in the due queue has come up; entries that were replaced do not count."""
        popped = np.zeros(len(records), bool)
        for (bucket, _), names in zip(step.plan.due, step.read.due, strict=True):
            rows = np.array([step.read.row_of[name] for name in names if name], np.int64)
            popped[rows[records.queued[rows] == bucket]] = True
        return popped

    def _moving(self, step: StepContext, n: int) -> NDArray[np.bool_]:
        """Return who is in the block of the roster that moves to the model, and note how far it goes."""
        moving = np.zeros(n, bool)
        if step.plan.roster is None:  # a step that has just adopted the model has not asked for a block yet
            return moving
        block = step.read.roster
        moving[[step.read.row_of[name] for name in block if name]] = True
        first, last = step.plan.roster
        self._state.roster_cursor += len(block)
        self._state.migration_complete = len(block) < last - first + 1
        return moving

    def _queue(
        self, step: StepContext, records: Records, ids: list[str], popped: NDArray[np.bool_], changed: NDArray[np.bool_]
    ) -> None:
        """Let customers wait for their next visit, unless they wait already for one that is no later."""
        again = self._due_again(records)
        records.queued[popped] = 0
        rows = np.flatnonzero(changed & ((records.queued == 0) | (again < records.queued)))
        records.queued[rows] = again[rows]
        step.writes += self.due.put(again[rows], [ids[row] for row in rows.tolist()])

    def _due_again(self, records: Records) -> NDArray[np.int64]:
        return self.due.next_visit(records.last_event, records.scored_at * MS)
