"""The engine of one partition: events → customers → segments; baskets → itemsets → rules.

It computes steps and holds what a partition needs in memory. After a step that was not committed it
must be thrown away and made anew from the store.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from crm_online.baskets.catalogue import CatalogueEntries
from crm_online.baskets.sampled import SampledOrders
from crm_online.customers.codec import RecordCodec
from crm_online.customers.due import bucket_name
from crm_online.customers.records import Records
from crm_online.customers.registry import features_in_use
from crm_online.customers.suppression import Suppression
from crm_online.decay import Decay
from crm_online.engine import peers
from crm_online.engine.changes import Changes
from crm_online.engine.daily import RecordedDays
from crm_online.engine.damage import corrupt_where_damaged
from crm_online.engine.divergence import Divergence
from crm_online.engine.drifting import Drifting, PartitionObserver
from crm_online.engine.fitting import ModelWithSums, first_model, fit_is_due, next_model
from crm_online.engine.ingestion import Ingestion, IngestResult
from crm_online.engine.loaded import Loaded
from crm_online.engine.mining import Mining
from crm_online.engine.owner import SegmentEmitter
from crm_online.engine.peers import MODEL_PARTITION, PartitionFigures
from crm_online.engine.predicting import Predicting
from crm_online.engine.prediction_state import learning_is_due
from crm_online.engine.read_plan import ReadPlan, ReadResult
from crm_online.engine.report import EngineReport, ModelReport
from crm_online.engine.retention import Retention
from crm_online.engine.sampling import Sampling
from crm_online.engine.scoring import MS, FeatureReader
from crm_online.engine.segmenting import Segmenting
from crm_online.engine.size_history import RecordedSizes
from crm_online.engine.stages import Stage, StageClock
from crm_online.engine.state import NAME as STATE
from crm_online.engine.state import PartitionState
from crm_online.engine.step_context import StepContext
from crm_online.events.batch import Batch
from crm_online.events.columns import EventColumns, concat, erasing
from crm_online.segments.model import Model
from crm_online.segments.sums import SegmentSums
from crm_online.settings import Settings
from crm_online.step import Append, Assign, Put, Remove, Replace, Step, StepCounts, Topic

CUSTOMERS = "customers"
ROSTER = "roster"
_DECODED = 5000
"""Records that are decoded at once where all of a partition are looked at."""


def customer_field(name: str) -> bytes:
    """Return a customer's field of `CUSTOMERS`; for an id that is not valid Unicode, a field that nobody has."""
    return name.encode(errors="surrogatepass")


def layout(settings: Settings) -> tuple[RecordCodec, FeatureReader]:
    """Return how the settings lay customer records out, and what reads features from them."""
    features, sums = features_in_use(settings.features.use)
    reader = FeatureReader(features, sums, Decay(settings.features.half_life))
    return RecordCodec(len(sums), len(features)), reader


class Engine:
    """The engine of one partition.

    Parameters
    ----------
    settings
        The settings in force.
    partition, partitions
        Which partition this is, of how many.
    loaded
        What the store holds of it.
    stages
        Measures the stages of its steps.
    """

    @corrupt_where_damaged("the state of a partition")
    def __init__(
        self, settings: Settings, partition: int, partitions: int, loaded: Loaded, stages: StageClock | None = None
    ) -> None:
        self.stages = stages or StageClock()
        self._settings, self._partition, self._partition_count = settings, partition, partitions
        self._codec, self._reader = layout(settings)
        self.state = PartitionState.decode(loaded.partition_state)
        self.segmenting = Segmenting(settings, self._reader, self.state, loaded)
        self.mining = Mining(settings, self.state, loaded)
        self._orders = SampledOrders(self.state.sampled_orders, loaded.sampling_key)
        self._orders.load(loaded.sampled_orders)
        self._suppression = Suppression(loaded.salt)
        self._suppression.load(loaded.suppressed)
        self._days = RecordedDays(loaded.daily)
        self._catalogue = CatalogueEntries()
        self._catalogue.load(loaded.catalogue)
        self._ingestion = Ingestion(
            self._codec,
            self._reader.sums,
            self._reader.decay,
            self.mining.items,
            self.mining.baskets,
            self._orders,
            self.mining.transitions,
            self._suppression,
            self._days,
            settings.itemsets.half_life,
            loaded.sampling_key,
        )
        self._retention = Retention(settings.privacy.retention, settings.segments.visits, self.state.retention)
        self._sample = Sampling(settings.segments.sample, loaded)
        self.predicting = Predicting(settings, self.state.predictions, loaded, partition, partitions)
        self._segment_emitter = SegmentEmitter()
        self._segment_emitter.load(iter(loaded.segments), len(loaded.names))
        self._size_history = RecordedSizes(loaded.sizes)
        self._drifting, self._observer = Drifting(loaded), PartitionObserver(loaded)
        self._total: tuple[Model, SegmentSums] | None = None
        self._newest_model: bytes | None = None

    @property
    def is_idle(self) -> bool:
        """Whether there is nothing to do until more events come or time advances."""
        state = self.state
        due = self.segmenting.due.plan(state.watermark or 0, 1) if self.segmenting.model else []
        if due or not self._retention.is_idle(state.watermark):
            return False
        return state.migration_complete and not (state.fit.due or state.rules_due or state.predictions.due)

    @property
    def model_version(self) -> int:
        """Version of the model in use; 0 if there is none."""
        return self.segmenting.version

    @property
    def bucket_ms(self) -> int:
        """Length of a bucket of the due queue, in ms: what is due is late by less than that."""
        return self.segmenting.due.bucket_ms

    @property
    def open_for(self) -> int:
        """For how long a basket is open after its last line, in ms."""
        return self.mining.baskets.open_for

    @property
    def next_basket_closes(self) -> int | None:
        """The earliest watermark by which one of the open baskets is closed, in ms; ``None`` if none is open."""
        last = min((basket.last for basket in self.mining.baskets.baskets.values()), default=None)
        return None if last is None else last + self.open_for + 1

    def report(self) -> EngineReport:
        """Return how the partition does, as of its last step."""
        state, model = self.state, None
        if self._total is not None:
            of, total = self._total
            model = ModelReport(total.inertia(), of.version, dict(zip(of.ids, total.W.tolist(), strict=True)))
        return EngineReport(
            accepted=state.accepted,
            rejected=state.rejected,
            duplicates=state.duplicates,
            baskets=state.baskets,
            doubtful_baskets=state.doubtful_baskets,
            segment_changes=state.segment_changes,
            rule_changes=state.rule_changes,
            customers=state.customers,
            watermark=state.watermark,
            epsilon=self.mining.achieved_epsilon,
            model=model,
        )

    def request_refit(self) -> None:
        """Check for a better model with the next step, if this is the partition that fits models."""
        self.state.fit.due = self._partition == MODEL_PARTITION

    def plan_reads(self, batch: Batch) -> ReadPlan:
        """Return what a step over a batch reads of the store."""
        state, most = self.state, self._settings.segments.visits
        events, watermark = batch.events, batch.watermark
        fits, fitted = self._partition == MODEL_PARTITION, self.segmenting.model is not None
        erased = {events.customers[code] for code in events.customer[erasing(events)].tolist()}
        erased.update(self._retention.leaving(events.customers))
        # Seldom: the roster is read whole only for who is in the sample while others are not.
        sample = self._sample
        refill = len(sample) < state.customers and any(name in sample for name in erased)
        learns, here = state.predictions.due, [self._partition] if erased and self.predicting.enabled else []
        follows = self.predicting.enabled and not fits
        others = [number for number in range(self._partition_count) if number != self._partition]
        return ReadPlan(
            due=self.segmenting.due.plan(watermark, most) if watermark is not None and fitted else (),
            roster=(state.roster_cursor, state.roster_cursor + most - 1)
            if fitted and not state.migration_complete
            else None,
            erased=sorted(erased),
            swept=self._retention.planned(watermark),
            peers=self._partition_count > 1,
            observed=fits and self._partition_count > 1,
            lists=[ROSTER, *map(bucket_name, state.due_counts)] if erased else (),
            sample=fits and (state.fit.due or learns),
            counters={number: self.mining.cursor(number) for number in others} if fits and state.rules_due else {},
            spare=self._settings.segments.sample + len(erased) if refill else 0,
            followed=self.predicting.followed(watermark, sample),
            expiring=self.predicting.expiring(watermark),
            labelled=range(self._partition_count) if learns else here,
            predictor=self.predicting.version if follows else None,
        )

    def compute_step(self, batch: Batch, plan: ReadPlan, read: ReadResult) -> Step:
        """Compute what a batch does.

        Parameters
        ----------
        batch
            What came out of some rows for this partition.
        plan, read
            What :meth:`plan_reads` returned for it, and what the store holds of that.
        """
        state = self.state
        changes = Changes(self._partition, state.epoch, state.sequence)
        others = [
            PartitionFigures.decode(raw) for number, raw in read.peers.items() if number != self._partition and raw
        ]
        step = StepContext(self._advance(batch), plan, read, others, changes, batch.end_of_log)
        step.writes += [Assign(name, index, b"") for name, index in read.occurrences]
        for reject in batch.rejects:
            changes.emit(Topic.REJECTS, "", reject.value())
        state.rejected += len(batch.rejects)
        state.unknown_fields += sum(batch.unknown_fields.values())
        state.pauses = state.pauses if batch.pauses is None else list(batch.pauses)

        measure = self.stages.measure
        with measure(Stage.SEGMENTS):
            self._adopt(step)
        with measure(Stage.PREDICTIONS):
            self._adopt_predictor(step)
        with measure(Stage.CUSTOMERS):
            ingested = self._ingest_and_score(step, batch.events)
        with measure(Stage.ITEMSETS):
            self.mining.count(step, ingested.closed, ingested.withdrawn, self._sample)
        if self._partition == MODEL_PARTITION:
            with measure(Stage.SEGMENTS):
                self._global_step(step, batch.events)
        elif self._partition_count > 1:
            with measure(Stage.SEGMENTS):
                self._observer.write(step, self.mining.items.names)

        step.writes.append(Replace(peers.NAME, self.segmenting.figures().encode()))
        state.count(changes)
        state.at_end_of_log = batch.end_of_log or (state.at_end_of_log and batch.begin == batch.end)
        state.due_counts = self.segmenting.due.waiting
        step.writes.append(Replace(STATE, state.encode()))
        return Step(
            self._partition,
            batch.source,
            batch.begin,
            batch.end,
            batch.begin,
            step.writes,
            changes.entries,
            counts=StepCounts(ingested.accepted, len(batch.rejects), len(ingested.duplicates), ingested.duplicates),
        )

    def published(self, customers: Iterable[tuple[bytes, bytes]]) -> Divergence:
        """Return all that was published of this partition and still holds.

        Parameters
        ----------
        customers
            The ids and records of all its customers.
        """
        segments, bands = dict[str, str | None](), dict[str, dict[str, str | None]]()
        ordered = sorted(customers)
        for at in range(0, len(ordered), _DECODED):
            names, raw = zip(*ordered[at : at + _DECODED], strict=True)
            records = self._codec.decode(list(raw))
            found = zip(names, self.segmenting.reported(records), self.predicting.reported(records), strict=True)
            for name, segment, by_target in found:
                if segment is not None:
                    segments[name.decode()] = segment
                if any(band is not None for band in by_target.values()):
                    bands[name.decode()] = by_target
        emitted = frozenset(self._segment_emitter.emitted)
        return Divergence(self.state.epoch, segments, emitted, self.mining.emitted_rules, bands)

    def republish(
        self,
        source: str,
        position: int,
        divergence: Divergence,
        records: Mapping[str, bytes | None],
        now: int | None = None,
    ) -> Step:
        """Begin a new epoch, and publish the present state of everything of which consumers have another state.

        Parameters
        ----------
        source, position
            The log, and where this partition is in it.
        divergence
            What was published and this state does not know of.
        records
            The customers among it, as the store holds them; ``None`` for one that is not there.
        now
            The time of these changes, in ms; ``None``: the watermark.
        """
        state = self.state
        state.epoch = divergence.epoch + 1
        now = (state.watermark or 0) if now is None else now
        changes, nobody = Changes(self._partition, state.epoch, state.sequence), self._codec.decode([None])
        for name, raw in records.items():
            record = nobody if raw is None else self._codec.decode([raw])
            if name in divergence.customers:
                segment = self.segmenting.reported(record)[0] if raw is not None else None
                if segment != divergence.customers[name]:
                    self.segmenting.republish(name, divergence.customers[name], segment, now, changes)
            if name in divergence.bands:
                self.predicting.republish(name, divergence.bands[name], record, now, changes)
        writes = [
            *self._segment_emitter.republish(divergence.segments, self.segmenting.version, changes),
            *self.mining.republish(divergence.rules, now, changes),
        ]
        state.count(changes)
        writes.append(Replace(STATE, state.encode()))
        return Step(self._partition, source, position, position, position, writes, changes.entries)

    def _advance(self, batch: Batch) -> int:
        """Move the watermark on, and return it; 0 before the first event."""
        state, watermark = self.state, batch.watermark
        if watermark is not None:
            state.watermark = max(watermark, state.watermark or 0)
            first = int(batch.events.time.min(initial=watermark))  # an erasure may lie beyond the watermark
            state.first_event = first if state.first_event is None else min(state.first_event, first)
        return state.watermark or 0

    def _adopt(self, step: StepContext) -> None:
        """Adopt a newer model: one partition fits it, the others read it once all their customers have moved."""
        newer, model = None, self.segmenting.model
        if self._partition == MODEL_PARTITION:
            newer = self._fit(step) if self.state.fit.due else None
        elif self.state.migration_complete and step.read.model and step.read.model != self._newest_model:
            self._newest_model = step.read.model
            newest = Model.from_json(step.read.model)
            newer = newest if model is None or newest.version > model.version else None
        if newer is not None:
            self.segmenting.adopt(newer, step)

    def _adopt_predictor(self, step: StepContext) -> None:
        """Adopt a newer predictor: one partition makes it, the others read it."""
        schedule = self.state.predictions
        if not schedule.due:
            self.predicting.adopt(step.read.predictor)
            return
        from crm_online.engine.learning import learned, levelled, stored

        schedule.due, schedule.learned_slot = False, self.predicting.slots.of(step.now)
        sample = self._codec.decode([raw for raw in step.read.sample if raw is not None])
        before, horizon = self.predicting.predictor, self._settings.predictions.horizon
        fitted_to = sample if schedule.buying_due else None
        newer = learned(before, horizon, self._partition_count, fitted_to, step.read.labelled, step.now)
        if newer is not None:
            newer = levelled(before, newer, sample, step.now)
            self.predicting.predictor = newer
            step.writes += stored(newer)

    def _fit(self, step: StepContext) -> Model | None:
        schedule = self.state.fit
        schedule.due, schedule.checked_at, schedule.checked_customers = False, step.now, self._all_customers(step)
        schedule.checked_events = self._progress_measure(step)
        records = self._codec.decode([raw for raw in step.read.sample if raw is not None])
        if len(records) < 2:
            return None
        raw, model = self._reader.read(records, step.now // MS * MS), self.segmenting.model
        if model is None:
            return first_model(raw, self._reader.features, self._settings, step.now, schedule)
        centroids = self.segmenting.centroids(model, step.others)
        return next_model(model, centroids, raw, self._settings, step.now, schedule)

    def _ingest_and_score(self, step: StepContext, events: EventColumns) -> IngestResult:
        """Add events to the customers' records, score them, and keep what changed."""
        ids = list(step.read.customers)
        stored = np.array([raw is not None for raw in step.read.customers.values()], bool)
        records = self._codec.decode(list(step.read.customers.values()))
        before = records.copy()
        leaving = self._retention.leaving(events.customers)
        if leaving:
            events = concat([self._retention.erasures(leaving, step.now), events])
        ingested = self._ingestion.ingest(events, ids, records, step.now, leaving)
        ingested.accepted -= len(leaving)  # no event of the log says so
        self.state.accepted += ingested.accepted
        self.state.duplicates += len(ingested.duplicates)
        self.state.doubtful_baskets += ingested.doubtful
        self.state.suppressed += ingested.suppressed

        exists = records.events > 0
        self._sweep(step, ids, records, exists)
        for row in [row for row in dict.fromkeys(ingested.erased) if stored[row]]:
            step.writes.append(Remove(CUSTOMERS, [ids[row].encode()]))
            step.writes += self._sample.forget(ids[row])
            self.segmenting.forget(step, ids[row], before.take(np.array([row])))
            self.predicting.forget(step, ids[row], before.take(np.array([row])))
            self.state.customers -= 1
            stored[row] = False
        step.writes += self._sample.offer([name for name in step.read.spare if name not in ingested.erased_after])
        newcomers = [ids[row] for row in np.flatnonzero(exists & ~stored).tolist()]
        if newcomers:
            step.writes.append(Append(ROSTER, [name.encode() for name in newcomers]))
            step.writes += self._sample.offer(newcomers)
            self.state.customers += len(newcomers)
        step.writes += self._sample.observe(ingested.runs_after_erasures())
        step.writes += self._orders.writes()
        step.writes += self._suppression.writes()
        self._catalogue.update(events)
        step.writes += self._catalogue.writes()

        with self.stages.measure(Stage.PREDICTIONS):
            self.predicting.observe(step, ids, before, self.segmenting.numbers(before), ingested)
        with self.stages.measure(Stage.SEGMENTS):
            changed = self.segmenting.score(step, records, ids, ingested, before.purchases)
        with self.stages.measure(Stage.PREDICTIONS):
            changed = changed | self.predicting.report(step, records, ids, changed & exists, ingested.cause)
        at_risk = self.predicting.bands.at_risk
        self._days.change_at_risk(int(at_risk(records.band).sum() - at_risk(before.band).sum()), step.now)
        step.writes += self._days.writes(step.now)
        rows = np.flatnonzero(changed & exists)
        if len(rows):
            encoded = self._codec.encode(records if len(rows) == len(records) else records.take(rows))
            names = [ids[row].encode() for row in rows.tolist()]
            step.writes.append(Put(CUSTOMERS, dict(zip(names, encoded, strict=True))))
        return ingested

    def _sweep(self, step: StepContext, ids: list[str], records: Records, exists: NDArray[np.bool_]) -> None:
        """Note who was idle for longer than customers are kept."""
        times, block = np.zeros(0, np.int64), step.read.swept
        if block:
            idle_since = np.where(exists, records.last_event, step.now).tolist()
            since = dict(zip(ids, idle_since, strict=True))
            times = np.array([since.get(name, step.now) for name in block], np.int64)
        self._retention.observe(step.plan.swept, block, times, step.now)

    def _global_step(self, step: StepContext, events: EventColumns) -> None:
        """Do what one partition does for all: emit segments, derive rules, and see when to check for a better model."""
        state, model = self.state, self.segmenting.model
        total = self.segmenting.total(model, step.others) if model else None
        by_buying = self.segmenting.by_buying(model, step.others) if model else None
        if model is not None and total is not None and by_buying is not None:
            self._total = model, total
            step.writes += self._size_history.record(step.now, model.ids, total.W)
            step.writes += self._segment_emitter.emit(model, total, by_buying, self._reader.features, step)
        with self.stages.measure(Stage.RULES):
            self.mining.derive(step, self._orders.orders)
        first = step.now if state.first_event is None else state.first_event
        customers = self._all_customers(step)
        fitted = ModelWithSums(model, total) if model is not None and total is not None else None
        kept, names = self.mining.counters.kept, self.mining.items.names
        drifts = self._drifting.observe(step, events, fitted, kept, names)
        # Where nothing comes, all customers grow idle, and must not be measured by a model that follows.
        fresh = self._progress_measure(step) > state.fit.checked_events and (fitted is not None or model is None)
        if self.predicting.enabled:
            slots, schedule = self.predicting.slots, state.predictions
            schedule.due = learning_is_due(
                schedule, slots.of(step.now), slots.of(first), customers, end_of_log=step.end_of_log
            )
            schedule.buying_due = self.predicting.buying_is_due(first, step.now)
        due = fit_is_due(state.fit, self._settings, customers, first, step.now, fitted)
        state.fit.due = fresh and (due or (drifts and fitted is not None))

    def _progress_measure(self, step: StepContext) -> int:
        """Return how far the log has come: accepted events of this partition, and baskets of the others."""
        return self.state.accepted + sum(other.baskets for other in step.others)

    def _all_customers(self, step: StepContext) -> int:
        return self.state.customers + sum(other.customers for other in step.others)
