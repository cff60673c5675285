"""The engine of one partition: events → customers → segments; baskets → itemsets → rules.

It computes steps and holds what a partition needs in memory. After a step that was not committed it
must be thrown away and made anew from the store.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from crm_online.baskets.sampled import SampledOrders
from crm_online.customers.records import RecordCodec
from crm_online.customers.registry import features_in_use
from crm_online.decay import Decay
from crm_online.engine import peers
from crm_online.engine.changes import Changes
from crm_online.engine.intake import Intake, Taken
from crm_online.engine.loaded import Loaded
from crm_online.engine.mining import Mining
from crm_online.engine.needs import Fetched, Needs
from crm_online.engine.owner import Figures, Fitted, SegmentTable, fit_is_due, fitted_model
from crm_online.engine.peers import PartitionSums
from crm_online.engine.retelling import Heard
from crm_online.engine.run import Run
from crm_online.engine.sampling import Sampling
from crm_online.engine.scoring import MS, FeatureReader
from crm_online.engine.segmenting import Segmenting
from crm_online.engine.state import NAME as STATE
from crm_online.engine.state import PartitionState
from crm_online.events.batch import Batch
from crm_online.events.columns import EventColumns, Kind
from crm_online.segments.model import Model
from crm_online.segments.sums import SegmentSums
from crm_online.settings import Settings
from crm_online.step import Append, Assign, Put, Remove, Replace, Step, Topic

CUSTOMERS = "customers"
ROSTER = "roster"
OWNER = 0


def customer_field(name: str) -> bytes:
    """Return the field of `CUSTOMERS` that is a customer's; of an id that is not Unicode, one that nobody has."""
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
    """

    def __init__(self, settings: Settings, partition: int, partitions: int, loaded: Loaded) -> None:
        self._settings, self._partition, self._partitions = settings, partition, partitions
        self._codec, self._reader = layout(settings)
        self.state = PartitionState.decode(loaded.engine)
        self.segmenting = Segmenting(settings, self._reader, self.state, loaded)
        self.mining = Mining(settings, self.state, loaded)
        self._orders = SampledOrders(self.state.sampled_orders)
        self._orders.load(loaded.sampled_orders)
        self._intake = Intake(
            self._codec,
            self._reader.sums,
            self._reader.decay,
            self.mining.items,
            self.mining.baskets,
            self._orders,
            settings.itemsets.half_life,
        )
        self._sample = Sampling(settings.segments.sample, loaded)
        self._segments = SegmentTable()
        self._segments.load(iter(loaded.segments))
        self._total: tuple[Model, SegmentSums] | None = None

    @property
    def figures(self) -> Figures | None:
        """How the model does over all partitions, as of the last step of its owner; ``None`` elsewhere."""
        if self._total is None:
            return None
        model, total = self._total
        return Figures(total.inertia(), model.version, dict(zip(model.ids, total.W.tolist(), strict=True)))

    @property
    def unfinished(self) -> bool:
        """Whether records have come since the log's end was last reached."""
        return not self.state.closed

    @property
    def settled(self) -> bool:
        """Whether nothing is left to do until more events come."""
        state = self.state
        waiting = self.segmenting.due.plan(state.watermark or 0, 1) if self.segmenting.model else []
        return state.complete and not (state.fit.due or state.rules_due or waiting)

    def needs(self, batch: Batch) -> Needs:
        """Return what a step over a batch needs of the store."""
        state, most = self.state, self._settings.segments.visits
        events, watermark = batch.events, batch.watermark
        owner, fitted = self._partition == OWNER, self.segmenting.model is not None
        erased = {events.customers[code] for code in events.customer[events.kind == Kind.ERASE].tolist() if code >= 0}
        # Seldom: the roster is read whole only for who is in the sample while others are not.
        sample = self._sample
        refill = len(sample) < state.customers and any(name in sample for name in erased)
        return Needs(
            due=self.segmenting.due.plan(watermark, most) if watermark is not None and fitted else (),
            roster=(state.cursor, state.cursor + most - 1) if fitted and not state.complete else None,
            erased=sorted(erased),
            peers=self._partitions > 1,
            sample=owner and state.fit.due,
            summaries=owner and state.rules_due and self._partitions > 1,
            spare=self._settings.segments.sample + len(erased) if refill else 0,
        )

    def customers(self, events: EventColumns, fetched: Fetched) -> list[str]:
        """Return whose records a step needs: of events, then due, then moving; each once."""
        names = [*events.customers, *(name for bucket in fetched.due for name in bucket), *fetched.roster]
        return [name for name in dict.fromkeys(names) if name]

    def step(self, batch: Batch, needs: Needs, fetched: Fetched) -> Step:
        """Compute what a batch does.

        Parameters
        ----------
        batch
            What came out of some rows for this partition.
        needs, fetched
            What :meth:`needs` asked for, and what the store holds of it.
        """
        state = self.state
        changes = Changes(self._partition, state.epoch, state.sequence)
        others = [
            PartitionSums.decode(raw) for number, raw in fetched.peers.items() if number != self._partition and raw
        ]
        run = Run(self._advance(batch), needs, fetched, others, changes, batch.end_of_log)
        run.writes += [Assign(name, index, b"") for name, index in fetched.places]
        for reject in batch.rejects:
            changes.add(Topic.REJECTS, "", reject.value())
        state.rejected += len(batch.rejects)
        state.unknown_fields += sum(batch.unknown_fields.values())
        state.pauses = state.pauses if batch.pauses is None else list(batch.pauses)

        self._adopt(run)
        taken = self._customers(run, batch.events)
        self.mining.count(run, taken.whole, taken.withdrawn)
        if self._partition == OWNER:
            self._lead(run)
        elif self._partitions > 1:
            self.mining.summarise(run)

        run.writes.append(Replace(peers.NAME, self.segmenting.own().encode()))
        state.count(changes)
        state.closed = batch.end_of_log or (state.closed and batch.begin == batch.end)
        state.waiting = self.segmenting.due.waiting
        run.writes.append(Replace(STATE, state.encode()))
        return Step(self._partition, batch.source, batch.begin, batch.end, batch.begin, run.writes, changes.entries)

    def retell(self, source: str, position: int, heard: Heard, records: Mapping[str, bytes | None]) -> Step:
        """Begin a new epoch, and tell again what consumers heard otherwise.

        Parameters
        ----------
        source, position
            The log, and where this partition is in it.
        heard
            What consumers heard and this state does not know of.
        records
            The customers among it, as the store holds them; ``None`` for one that is not there.
        """
        state = self.state
        state.epoch = heard.epoch + 1
        changes = Changes(self._partition, state.epoch, state.sequence)
        for name, raw in records.items():
            segment = self.segmenting.reported(self._codec.decode([raw])) if raw is not None else None
            if segment != heard.customers[name]:
                self.segmenting.retell(name, heard.customers[name], segment, state.watermark or 0, changes)
        writes = [
            *self._segments.retell(heard.segments, self.segmenting.version, changes),
            *self.mining.retell(heard.rules, changes),
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

    def _adopt(self, run: Run) -> None:
        """Take a newer model over: the owner fits it, the others read it once all theirs have moved."""
        newer, model = None, self.segmenting.model
        if self._partition == OWNER:
            newer = self._fit(run) if self.state.fit.due else None
        elif self.state.complete and run.fetched.model:
            newest = Model.from_json(run.fetched.model)
            newer = newest if model is None or newest.version > model.version else None
        if newer is not None:
            self.segmenting.adopt(newer, run)

    def _fit(self, run: Run) -> Model | None:
        schedule = self.state.fit
        schedule.due, schedule.checked_at, schedule.checked_customers = False, run.now, self._all_customers(run)
        schedule.checked_events = self._came(run)
        records = self._codec.decode([raw for raw in run.fetched.sample if raw is not None])
        if len(records) < 2:
            return None
        raw, model = self._reader.read(records, run.now // MS * MS), self.segmenting.model
        centroids = self.segmenting.centroids(model, run.others) if model else None
        return fitted_model(model, raw, self._reader.features, self._settings, centroids, run.now, schedule)

    def _customers(self, run: Run, events: EventColumns) -> Taken:
        """Add events to the customers' records, score them, and keep what changed."""
        ids = list(run.fetched.customers)
        known = np.array([raw is not None for raw in run.fetched.customers.values()], bool)
        records = self._codec.decode(list(run.fetched.customers.values()))
        before = records.take(np.arange(len(ids)))
        taken = self._intake.take(events, ids, records, run.now)
        self.state.accepted += taken.accepted
        self.state.duplicates += taken.duplicates
        self.state.doubtful_baskets += taken.doubtful

        here = records.events > 0
        for row in [row for row in dict.fromkeys(taken.erased) if known[row]]:
            run.writes.append(Remove(CUSTOMERS, [ids[row].encode()]))
            run.writes += self._sample.forget(ids[row])
            self.segmenting.forget(run, ids[row], before.take(np.array([row])))
            self.state.customers -= 1
            known[row] = False
        erased = {ids[row] for row in taken.erased}
        run.writes += self._sample.offer([name for name in run.fetched.spare if name not in erased])
        newcomers = [ids[row] for row in np.flatnonzero(here & ~known).tolist()]
        if newcomers:
            run.writes.append(Append(ROSTER, [name.encode() for name in newcomers]))
            run.writes += self._sample.offer(newcomers)
            self.state.customers += len(newcomers)
        run.writes += self._sample.listen(taken.remembered())
        run.writes += self._orders.writes()

        rows = np.flatnonzero(self.segmenting.score(run, records, ids, taken, before.purchases) & here)
        if len(rows):
            encoded = self._codec.encode(records.take(rows))
            fields = {ids[row].encode(): raw for row, raw in zip(rows.tolist(), encoded, strict=True)}
            run.writes.append(Put(CUSTOMERS, fields))
        return taken

    def _lead(self, run: Run) -> None:
        """Do the owner's work: tell segments, derive rules, and see when to look for a better model."""
        state, model = self.state, self.segmenting.model
        total = self.segmenting.total(model, run.others) if model else None
        by_buying = self.segmenting.by_buying(model, run.others) if model else None
        if model is not None and total is not None and by_buying is not None:
            self._total = model, total
            run.writes += self._segments.tell(model, total, by_buying, self._reader.features, run.changes)
        self.mining.derive(run, self._orders.orders)
        first = run.now if state.first_event is None else state.first_event
        customers = self._all_customers(run)
        fitted = Fitted(model, total) if model is not None and total is not None else None
        # Where nothing comes, everybody grows idle, and must not be measured by a model that follows.
        come = self._came(run) > state.fit.checked_events and (fitted is not None or model is None)
        state.fit.due = come and fit_is_due(state.fit, self._settings, customers, first, run.now, fitted)

    def _came(self, run: Run) -> int:
        return self.state.accepted + sum(other.baskets for other in run.others)

    def _all_customers(self, run: Run) -> int:
        return self.state.customers + sum(other.customers for other in run.others)
