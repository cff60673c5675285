"""The engine of one partition: events → customers → segments; baskets → itemsets → rules.

It computes steps and holds what a partition needs in memory. After a step that was not committed it
must be thrown away and made anew from the store.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from crm_online.baskets.open import OpenBaskets
from crm_online.customers.due import DueQueue
from crm_online.customers.features import features_in_use
from crm_online.customers.records import RecordCodec, Records
from crm_online.customers.sample import Sample
from crm_online.decay import Decay
from crm_online.engine import counting, peers
from crm_online.engine.changes import Changes, Reason, iso
from crm_online.engine.intake import Intake, Taken
from crm_online.engine.loaded import Loaded
from crm_online.engine.needs import Fetched, Needs
from crm_online.engine.owner import SegmentTable, fit_is_due, fitted_model
from crm_online.engine.peers import PartitionSums
from crm_online.engine.rules import RuleFeed
from crm_online.engine.scoring import MS, FeatureReader, Scorer
from crm_online.engine.state import NAME as STATE
from crm_online.engine.state import PartitionState
from crm_online.events.columns import EventColumns, Kind
from crm_online.events.rejects import Reject
from crm_online.itemsets.baskets import Baskets
from crm_online.itemsets.counters import ItemsetCounters
from crm_online.itemsets.names import ItemNames
from crm_online.itemsets.parts import Counted, Part
from crm_online.itemsets.summary import Summary
from crm_online.segments.model import Model
from crm_online.segments.sums import SegmentSums
from crm_online.settings import Settings
from crm_online.step import Append, Assign, Put, Remove, Replace, Step, Topic, Write

CUSTOMERS = "customers"
ROSTER = "roster"
MODEL = "model"
OPEN_BASKETS = "open-baskets"
SUMMARY = "summary"
OWNER = 0


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
        self.settings, self.partition, self.partitions = settings, partition, partitions
        self.codec, self._reader = layout(settings)
        self.state = PartitionState.decode(loaded.engine) if loaded.engine else PartitionState()
        self._model = Model.from_json(loaded.model) if loaded.model else None
        own = PartitionSums.decode(loaded.sums) if loaded.sums else None
        self._sums = own.sums if own else None
        self._due = DueQueue(settings.features.half_life, self.state.waiting)
        self._sample = Sample(settings.segments.sample)
        self._sample.load(loaded.sample)
        self._items = ItemNames()
        self._items.load(loaded.items)
        self._baskets = OpenBaskets(settings.baskets.open_for)
        self._baskets.load(iter(loaded.open_baskets))
        itemsets = settings.itemsets
        fresh = ItemsetCounters(
            itemsets.epsilon_in_force, Decay(itemsets.half_life), itemsets.max_size, itemsets.max_bytes
        )
        self._counters = counting.counted(fresh, loaded.counters, loaded.journal)
        self._segments = SegmentTable()
        self._segments.load(iter(loaded.segments))
        self._rules = RuleFeed(settings)
        self._rules.load(iter(loaded.rules))
        self._intake = Intake(self.codec, self._reader.sums, self._reader.decay, self._items, self._baskets)
        self._others: list[PartitionSums] = []

    # What a step needs

    def needs(self, events: EventColumns, watermark: int | None) -> Needs:
        """Return what a step over ``events`` needs of the store."""
        state, most = self.state, self.settings.segments.visits
        owner = self.partition == OWNER
        moving = self._model is not None and not state.complete
        erased = sorted({events.customers[c] for c in events.customer[events.kind == Kind.ERASE].tolist() if c >= 0})
        return Needs(
            due=self._due.plan(watermark, most) if watermark is not None and self._model else (),
            roster=(state.cursor, state.cursor + most - 1) if moving else None,
            erased=erased,
            peers=self.partitions > 1,
            sample=owner and state.fit.due,
            summaries=owner and state.rules_due and self.partitions > 1,
        )

    def customers(self, events: EventColumns, fetched: Fetched) -> list[str]:
        """Return whose records a step needs: of events, then due, then moving; each once."""
        names = [*events.customers, *(name for bucket in fetched.due for name in bucket), *fetched.roster]
        return [name for name in dict.fromkeys(names) if name]

    @property
    def unfinished(self) -> bool:
        """Whether records have come since the log's end was last reached."""
        return not self.state.closed

    @property
    def version(self) -> int:
        """The version of the model in use; 0 before the first."""
        return self._model.version if self._model else 0

    @property
    def settled(self) -> bool:
        """Whether nothing is left to do until more events come."""
        state = self.state
        watermark = state.watermark if state.watermark is not None else 0
        due = self._due.plan(watermark, 1) if self._model else []
        return not (state.fit.due or state.rules_due or due or not state.complete)

    # The step

    def step(
        self,
        source: str,
        begin: int,
        end: int,
        events: EventColumns,
        rejects: Sequence[Reject],
        watermark: int | None,
        needs: Needs,
        fetched: Fetched,
        *,
        unknown_fields: int = 0,
        ended: bool = False,
    ) -> Step:
        """Compute what a run of records does.

        Parameters
        ----------
        source, begin, end
            The log, and the range of its records.
        events, rejects
            What came out of the records for this partition.
        watermark
            The largest event time of the whole log so far, in ms; ``None`` before the first event.
        needs, fetched
            What :meth:`needs` asked for, and what the store holds of it.
        unknown_fields
            How many fields that no event has were left out.
        ended
            True at the log's end: open baskets are counted, rules are derived, counters written whole.
        """
        state = self.state
        changes = Changes(self.partition, state.epoch, state.sequence)
        writes: list[Write] = []
        if watermark is not None:
            state.watermark = watermark if state.watermark is None else max(state.watermark, watermark)
            first = int(events.time.min()) if len(events) else watermark
            state.first_event = first if state.first_event is None else min(state.first_event, first)
        now = state.watermark if state.watermark is not None else 0
        for reject in rejects:
            changes.add(Topic.REJECTS, "", reject.value())
        state.rejected += len(rejects)
        state.unknown_fields += unknown_fields
        self._others = [PartitionSums.decode(raw) for p, raw in fetched.peers.items() if p != self.partition and raw]

        writes += [Assign(name, index, b"") for name, index in fetched.places]
        self._adopt(fetched, now, writes)
        taken = self._customers_and_segments(events, now, needs, fetched, changes, writes)
        whole = taken.whole + (self._baskets.close_all().whole if ended else [])
        self._count(whole, ended, writes)
        if self.partition == OWNER:
            self._lead(now, ended, fetched, changes, writes)
        elif self.partitions > 1:
            self._summarise(ended, writes)

        writes += self._items.writes()
        writes += self._open_basket_writes()
        own = self._own()
        writes.append(Replace(peers.NAME, own.encode()))
        state.segment_changes += sum(entry.topic is Topic.SEGMENT_CHANGES for entry in changes.entries)
        state.rule_changes += sum(entry.topic is Topic.RULES for entry in changes.entries)
        state.closed = ended or (state.closed and begin == end)
        state.sequence, state.waiting = changes.sequence, self._due.waiting
        writes.append(Replace(STATE, state.encode()))
        return Step(self.partition, source, begin, end, begin, writes, changes.entries)

    # Customers and segments

    def _adopt(self, fetched: Fetched, now: int, writes: list[Write]) -> None:
        """Take the owner's newer model over, or fit one, once all have moved to the one in use."""
        newer = None
        if self.partition == OWNER:
            if self.state.fit.due:
                newer = self._fit(fetched, now)
        elif self.state.complete and fetched.model:
            newest = Model.from_json(fetched.model)
            newer = newest if self._model is None or newest.version > self._model.version else None
        if newer is None:
            return
        self.state.previous_ids = list(self._model.ids) if self._model else []
        self._model = newer
        self._sums = SegmentSums.empty(newer.k, len(newer.scale.names))
        self.state.complete, self.state.cursor = False, 0
        writes.append(Replace(MODEL, newer.to_json()))

    def _fit(self, fetched: Fetched, now: int) -> Model | None:
        schedule = self.state.fit
        schedule.due, schedule.checked_at, schedule.checked_customers = False, now, self._total_customers()
        records = self.codec.decode([raw for raw in fetched.sample if raw is not None])
        if len(records) < 2:
            return None
        raw = self._reader.read(records, now // MS * MS)
        centroids = self._centroids(self._model) if self._model else None
        return fitted_model(self._model, raw, self._reader.features, self.settings, centroids, now)

    def _customers_and_segments(
        self,
        events: EventColumns,
        now: int,
        needs: Needs,
        fetched: Fetched,
        changes: Changes,
        writes: list[Write],
    ) -> Taken:
        ids = list(fetched.customers)
        records = self.codec.decode(list(fetched.customers.values()))
        was_known = np.array([raw is not None for raw in fetched.customers.values()], bool)
        before = records.take(np.arange(len(ids)))
        taken = self._intake.take(events, ids, records, now)
        self.state.accepted += taken.accepted
        self.state.duplicates += taken.duplicates
        here = records.events > 0
        gone = [row for row in dict.fromkeys(taken.erased) if was_known[row]]
        for row in gone:
            self._forget(row, ids[row], before, now, changes, writes)
        newcomers = np.flatnonzero(here & (~was_known | np.isin(np.arange(len(ids)), gone)))
        names = [ids[row] for row in newcomers.tolist()]
        if names:
            writes.append(Append(ROSTER, [name.encode() for name in names]))
            writes += self._sample.offer(names)
            self.state.roster += len(names)
        self.state.customers += len(names) - len(gone)

        changed = taken.touched.copy()
        if self._model is not None and self._sums is not None:
            changed |= self._score(self._model, self._sums, records, ids, taken, now, needs, fetched, changes, writes)
        rows = np.flatnonzero(changed & here)
        if len(rows):
            encoded = self.codec.encode(records.take(rows))
            fields = {ids[row].encode(): raw for row, raw in zip(rows.tolist(), encoded, strict=True)}
            writes.append(Put(CUSTOMERS, fields))
        return taken

    def _score(
        self,
        model: Model,
        sums: SegmentSums,
        records: Records,
        ids: list[str],
        taken: Taken,
        now: int,
        needs: Needs,
        fetched: Fetched,
        changes: Changes,
        writes: list[Write],
    ) -> NDArray[np.bool_]:
        """Score customers who were touched, are due, or move to a new model; return whose record changed."""
        here = records.events > 0
        row_of = {name: row for row, name in enumerate(ids)}
        reasons = np.where(taken.touched & here, int(Reason.EVENT), 0)
        popped = np.zeros(len(ids), bool)
        for (bucket, _), names in zip(needs.due, fetched.due, strict=True):
            rows = np.array([row_of[name] for name in names if name], np.int64)
            popped[rows[records.queued[rows] == bucket]] = True
        popped &= here
        really_due = popped & (self._due_again(records) <= now // self._due.bucket_ms)
        reasons[really_due & (reasons == 0)] = int(Reason.LAPSE)
        if not self.state.complete:
            moving = np.zeros(len(ids), bool)
            moving[[row_of[name] for name in fetched.roster if name]] = True
            stale = records.model_version != model.version % 65536
            reasons[moving & here & stale & (reasons == 0)] = int(Reason.REFIT)
            self.state.cursor += len(fetched.roster)
            asked = needs.roster[1] - needs.roster[0] + 1 if needs.roster else None
            # A step that has just adopted a model has not asked for a block of the roster yet.
            if asked is not None and len(fetched.roster) < asked:
                self.state.complete = True
        rows = np.flatnonzero(reasons)
        segments = self.settings.segments
        scorer = Scorer(
            self._reader, model, self.state.previous_ids, self._centroids(model), segments.margin, segments.min_dwell
        )
        self._sums = scorer.score(records, rows, ids, reasons[rows], taken.cause, now, sums, changes)

        writes += self._due.take(list(needs.due))
        again = self._due_again(records)
        scored = reasons > 0
        records.queued[popped] = 0
        enqueue = (scored | popped) & here & ((records.queued == 0) | (again < records.queued))
        order = np.flatnonzero(enqueue)
        records.queued[order] = again[order]
        writes += self._due.put(again[order], [ids[row] for row in order.tolist()])
        return scored | popped

    def _due_again(self, records: Records) -> NDArray[np.int64]:
        return self._due.next_visit(records.last_event, records.scored_at * MS)

    def _forget(self, row: int, name: str, before: Records, now: int, changes: Changes, writes: list[Write]) -> None:
        """Take an erased customer out of sums, sample and store, and say so."""
        one = before.take(np.array([row]))
        writes.append(Remove(CUSTOMERS, [name.encode()]))
        writes += self._sample.forget(name)
        if self._model is None or self._sums is None:
            return
        current = int(one.model_version[0]) == self._model.version % 65536
        label = int(one.reported[0])
        ids = list(self._model.ids) if current else self.state.previous_ids
        if current and one.nearest[0] < self._model.k:
            self._sums = self._sums.move(one.vectors, one.nearest.astype(np.int64), None, None)
        if label < len(ids):
            value = {
                "customer_id": name,
                "from": ids[label],
                "to": None,
                "reason": Reason.ERASE.word,
                "time": iso(now),
                "margin": None,
                "features": {},
                "model_version": self._model.version,
                "cause": {"type": "erase"},
            }
            changes.add(Topic.SEGMENT_CHANGES, name, value, tombstone=True)

    def _own(self) -> PartitionSums:
        return PartitionSums(self.version, self.state.complete, self.state.customers, self.state.baskets, self._sums)

    def _centroids(self, model: Model) -> NDArray[np.float64]:
        """Return the present centroids over all partitions; the fitted ones until all have moved."""
        total, complete = peers.added([*self._others, self._own()], model.version)
        return model.current(total.centroids()) if total is not None and complete else model.centres()

    def _total_customers(self) -> int:
        return self.state.customers + sum(other.customers for other in self._others)

    def _total_baskets(self) -> int:
        return self.state.baskets + sum(other.baskets for other in self._others)

    # Baskets, itemsets, rules

    def _count(self, whole: list[tuple[int, list[int]]], ended: bool, writes: list[Write]) -> None:
        state = self.state
        if whole:
            batch = Baskets.of(whole)
            self._counters.count(batch)
            raw, write = counting.journal(batch)
            writes.append(write)
            state.baskets += len(whole)
            state.journal_baskets += len(whole)
            state.journal_bytes += len(raw)
        if state.journal_baskets and (
            ended or counting.checkpoint_is_due(state.journal_baskets, state.journal_bytes, self._counters.bytes)
        ):
            writes += counting.checkpoint(self._counters)
            state.journal_baskets = state.journal_bytes = 0

    def _summarise(self, ended: bool, writes: list[Write]) -> None:
        """Tell the owner of the rules what this partition has counted, now and then."""
        state = self.state
        if ended or state.baskets - state.summary_baskets >= self.settings.rules.every // self.partitions:
            state.summary_baskets = state.baskets
            writes.append(Replace(SUMMARY, Summary.of(self._counters, self._items.names).encode()))

    def _lead(self, now: int, ended: bool, fetched: Fetched, changes: Changes, writes: list[Write]) -> None:
        """Do the owner's work: segments, rules, and when to look for a better model."""
        state, settings = self.state, self.settings
        if self._model is not None:
            total, complete = peers.added([*self._others, self._own()], self._model.version)
            if total is not None and complete:
                writes += self._segments.tell(self._model, total, self._reader.features, changes)
        if state.rules_due:
            own = Counted(self._counters, self._items.names, self._items.ids)
            parts: list[Part] = [own, *map(Summary.decode, fetched.summaries)]
            writes += self._rules.tell(parts, now, changes)
            state.rules_due, state.rules_baskets = False, self._total_baskets()
        fresh = self._total_baskets() - state.rules_baskets
        state.rules_due = fresh >= settings.rules.every or (ended and fresh > 0)
        first = state.first_event if state.first_event is not None else now
        moved = state.complete and all(other.complete for other in self._others)
        state.fit.due = moved and fit_is_due(
            state.fit, settings, self._model is not None, self._total_customers(), first, now
        )

    def _open_basket_writes(self) -> list[Write]:
        baskets = self._baskets
        writes: list[Write] = []
        if baskets.gone:
            writes.append(Remove(OPEN_BASKETS, [key.encode() for key in sorted(baskets.gone)]))
        if baskets.changed:
            put = {key.encode(): baskets.baskets[key].encode() for key in sorted(baskets.changed)}
            writes.append(Put(OPEN_BASKETS, put))
        baskets.gone, baskets.changed = set(), set()
        return writes
