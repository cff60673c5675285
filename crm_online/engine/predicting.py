"""Predictions of one partition: examples taken and labelled, customers scored, changes of risk bands emitted."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from crm_online.customers.records import NEVER, Records
from crm_online.engine.band_reporting import StepCustomers, report_bands, reported_bands
from crm_online.engine.changes import Changes
from crm_online.engine.example_store import ExampleStore
from crm_online.engine.ingestion import IngestResult
from crm_online.engine.loaded import Loaded
from crm_online.engine.prediction_state import PredictionState
from crm_online.engine.sampling import AcceptedEvents, Sampling
from crm_online.engine.step_context import StepContext
from crm_online.events.columns import Kind
from crm_online.events.models import MAX_NUMBER
from crm_online.events.times import to_short_iso
from crm_online.predictions.bands import TargetBands
from crm_online.predictions.examples import PURCHASE, LabelledExamples
from crm_online.predictions.reported import MOST_TARGETS
from crm_online.predictions.slots import EVERY, Slots
from crm_online.settings import Settings
from crm_online.step import Topic

if TYPE_CHECKING:
    from crm_online.predictions.predictor import Predictor

_LEAST_CHANCE = 1e-4
MOST_OUTCOMES = 256
"""Outcomes of a target in one slot of a partition that become examples, at most."""


class Predicting:
    """The predictions of one partition.

    Parameters
    ----------
    settings
        The settings in force.
    state
        Where it goes on, changed in place.
    loaded
        What the store holds of the partition.
    partition, partitions
        Which partition this is, of how many.
    """

    def __init__(
        self, settings: Settings, state: PredictionState, loaded: Loaded, partition: int, partitions: int
    ) -> None:
        chosen = settings.predictions
        self.enabled = chosen.enabled
        self.predictor: Predictor | None = None
        self._bands = TargetBands.of(settings)
        self.bands = self._bands.purchase
        self.slots = Slots(chosen.horizon)
        self._state, self._partition = state, partition
        self._followed = max(settings.segments.sample // partitions, 1)
        self.examples = ExampleStore(state, loaded, partitions)
        self.adopt(loaded.predictor)

    @property
    def version(self) -> int:
        """The version of the predictor in use; 0 before the first."""
        return self.predictor.version if self.predictor else 0

    def buying_is_due(self, first_event: int, now: int) -> bool:
        """Return whether the shop has become half as old again since the buy-till-you-die model was fitted, if it was.

        At the latest when a horizon has gone by; ``first_event`` is its time, in ms.
        """
        if self.predictor is None or self.predictor.buying is None:
            return True
        fitted_at = self.predictor.fitted_at
        return now - first_event >= 1.5 * (fitted_at - first_event) or now - fitted_at >= self.slots.horizon

    def followed(self, watermark: int | None, sample: Sampling) -> dict[int, list[str]]:
        """Return the customers of whom a step up to a watermark takes examples, by slot."""
        last = self._state.slot
        if not self.enabled or watermark is None or last is None:
            return {}
        reached = self.slots.reached(last, watermark)
        return {slot: sample.followed(slot % EVERY, EVERY, self._followed) for slot in reached}

    def expiring(self, watermark: int | None) -> list[str]:
        """Return whose examples are labelled by a step up to a watermark."""
        if watermark is None:
            return []
        return [name for slot in self._expiring(watermark) for name in self.examples.pending[slot].customers]

    def adopt(self, raw: bytes | None) -> None:
        """Adopt the predictor that the owner has stored, if there is a newer one."""
        if raw is not None:
            from crm_online.predictions.predictor import Predictor

            self.predictor = Predictor.decode(raw)

    def forget(self, step: StepContext, name: str, record: Records) -> None:
        """Emit that an erased customer, given as the record was before the step, is in no band any more."""
        for target, band in self.reported(record)[0].items():
            if band is not None:
                self._emit_gone(name, target, (band, None), "erase", step.now, step.changes)

    def republish(
        self, name: str, published: Mapping[str, str | None], record: Records, now: int, changes: Changes
    ) -> None:
        """Publish that a customer is in other bands than were published, since the state was put back in time.

        Parameters
        ----------
        name, record
            The customer.
        published
            The band last published, by target.
        now
            Event time in ms.
        changes
            Where to.
        """
        (reported,) = self.reported(record)
        for target, band in published.items():
            if reported.get(target) != band:
                self._emit_gone(name, target, (band, reported.get(target)), "rewind", now, changes)

    def reported(self, records: Records) -> list[dict[str, str | None]]:
        """Return in which band each customer is reported, by target."""
        return reported_bands(self.predictor, self._bands, records)

    def observe(
        self, step: StepContext, ids: list[str], before: Records, segment: NDArray[np.int16], ingested: IngestResult
    ) -> None:
        """Take examples, and label those whose outcome is known now.

        Parameters
        ----------
        step, ids, ingested
            The step, its customers, and what its events did.
        before
            Their records before the step: nothing from after the slots that have begun with it.
        segment
            int16[n]: numbers of the segments that they were reported in.
        """
        if not self.enabled:
            return
        state, examples = self._state, self.examples
        erased = ingested.erased_after.keys()
        if erased:
            examples.forget(erased, step.read.labelled.get(self._partition, []))
        row_of = step.read.row_of
        for slot, names in step.plan.followed.items():
            rows = np.array([row_of[name] for name in names if name not in erased], np.int64)
            rows = rows[(before.purchases[rows] > 0) & (before.last_purchase[rows] != NEVER)]
            if len(rows):
                examples.take(slot, self._pending(PURCHASE, rows, ids, before, segment, self.slots.moment(slot)))
        runs = ingested.runs_after_erasures()
        losses: list[tuple[NDArray[np.int64], NDArray[np.float64]]] = []
        for slot in self._expiring(step.now):
            block = examples.pending[slot]
            last = before.last_purchase[[row_of[name] for name in block.customers]]
            begin = self.slots.moment(slot)
            bought = _bought(runs, begin, begin + self.slots.horizon)
            again = (last > begin) | np.array([name in bought for name in block.customers], bool)
            block = block.labelled(again.astype(np.float32), step.now)
            examples.label(slot, block)
            losses.append(_losses(block, begin + self.slots.horizon))
        if any(len(times) for times, _ in losses):
            times, values = (np.concatenate(columns) for columns in zip(*losses, strict=True))
            step.observed.losses[PURCHASE] = times, values
        self._gather_outcomes(step, ids, before, segment, ingested)
        slot = self.slots.of(step.now)
        if state.slot is not None and slot > state.slot:
            examples.flush_outcomes(step.now)
        if step.now:
            state.slot = slot if state.slot is None else max(state.slot, slot)
        if self.predictor is not None:
            examples.trim(self.predictor.consumed[self._partition])
        step.writes += examples.writes()

    def report(
        self,
        step: StepContext,
        records: Records,
        ids: list[str],
        scored: NDArray[np.bool_],
        causes: Mapping[int, Mapping[str, object]],
    ) -> NDArray[np.bool_]:
        """Score customers, in place, and emit who is in another band; return whose record changed.

        Parameters
        ----------
        step, records, ids
            The step, its customers' records, and whose they are.
        scored
            bool[n]: who is scored for another reason than an example of them.
        causes
            By row, the event that touched the customer.
        """
        changed = np.zeros(len(ids), bool)
        if not self.enabled or self.predictor is None:
            return changed
        if followed := {name for names in step.plan.followed.values() for name in names}:
            scored = scored | np.array([name in followed for name in ids], bool)
        changed[report_bands(step, self.predictor, self._bands, StepCustomers(ids, records, scored, causes))] = True
        return changed

    def _expiring(self, watermark: int) -> list[int]:
        return [slot for slot in sorted(self.examples.pending) if self.slots.is_known(slot, watermark)]

    def _pending(
        self,
        target: str,
        rows: NDArray[np.int64],
        ids: Sequence[str],
        before: Records,
        segment: NDArray[np.int16],
        moment: int,
    ) -> LabelledExamples:
        from crm_online.predictions.predictor import pending_examples

        names = [ids[row] for row in rows.tolist()]
        return pending_examples(self.predictor, target, names, before.take(rows), segment[rows], moment)

    def _gather_outcomes(
        self,
        step: StepContext,
        ids: Sequence[str],
        before: Records,
        segment: NDArray[np.int16],
        ingested: IngestResult,
    ) -> None:
        """Make examples of outcomes, with the features as they stood before the step.

        Left out are outcomes of customers who had bought nothing, outcomes older than what is known of the customer,
        and those that are neither boolean nor number, of too many targets, or too many at a time.
        """
        for name, time, target, value in _outcomes(ingested.runs_after_erasures()):
            row = step.read.row_of[name]
            if (
                value is None
                or name in ingested.erased_after
                or before.purchases[row] == 0
                or time < before.last_event[row]
                or not self._admits(target)
                or self.examples.gathered(target) >= MOST_OUTCOMES
            ):
                continue
            example = self._pending(target, np.array([row]), ids, before, segment, time)
            self.examples.gather(example.labelled(np.array([value], np.float32), step.now))

    def _admits(self, target: str) -> bool:
        targets = self._state.targets
        if target in targets:
            return True
        if target == PURCHASE or len(targets) >= MOST_TARGETS:
            return False
        targets.append(target)
        return True

    def _emit_gone(
        self, name: str, target: str, bands: tuple[str | None, str | None], why: str, now: int, changes: Changes
    ) -> None:
        value: dict[str, object] = {
            "customer_id": name,
            "target": target,
            "from": bands[0],
            "to": bands[1],
            "p": None,
            "reasons": [],
            "time": to_short_iso(now),
            "model_version": self.version,
            "cause": {"type": why},
        }
        changes.emit(Topic.PREDICTIONS, name, value, tombstone=bands[1] is None)


def _losses(block: LabelledExamples, known_at: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the time at which all outcomes of a moment are known, for each, and the ensemble's log losses.

    Of what fitted models predicted: before, it is the answer of the buy-till-you-die model.
    """
    fitted = np.isfinite(block.predicted).all(axis=1)
    p = np.clip(block.predicted[fitted, -1].astype(np.float64), _LEAST_CHANCE, 1 - _LEAST_CHANCE)
    happened = block.y[fitted] > 0
    return np.full(len(p), known_at, np.int64), -np.log(np.where(happened, p, 1 - p))


def _bought(runs: Sequence[AcceptedEvents], after: int, until: int) -> Collection[str]:
    """Return who bought in the events of a step, after one time and not after another."""
    found: set[str] = set()
    for run in runs:
        events = run.events
        buys = (events.kind == Kind.PURCHASE) & (events.time > after) & (events.time <= until)
        found.update(events.customers[code] for code in np.unique(events.customer[buys]).tolist())
    return found


def _outcomes(runs: Sequence[AcceptedEvents]) -> Iterator[tuple[str, int, str, float | None]]:
    """Yield customer, time, target and value of the outcomes of a step, in order; ``None`` for a text.

    Numbers beyond the largest price are taken for it: others are infinite in the examples, or no floats at all.
    """
    for run in runs:
        events = run.events
        for row in np.flatnonzero(events.kind == Kind.OUTCOME).tolist():
            detail = events.details.get(row, {})
            value = detail.get("value")
            number = None
            if isinstance(value, bool | int | float):
                number = float(min(max(value, -MAX_NUMBER), MAX_NUMBER))
            yield events.customers[events.customer[row]], int(events.time[row]), str(detail.get("name")), number
