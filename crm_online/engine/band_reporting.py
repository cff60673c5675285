"""Reports who has crossed a band: of a purchase, and of the users' own targets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from crm_online.customers.records import NEVER, Records
from crm_online.digits import digits
from crm_online.engine.step_context import StepContext
from crm_online.events.times import to_short_iso
from crm_online.predictions.bands import TargetBands
from crm_online.predictions.examples import PURCHASE
from crm_online.predictions.reported import ReportedBands
from crm_online.step import Topic

if TYPE_CHECKING:
    from crm_online.predictions.predictor import Prediction, Predictor

MS = 1000
_MS_PER_DAY = 86_400_000


@dataclass(frozen=True, slots=True)
class StepCustomers:
    """The customers of a step, and which of them are scored.

    Attributes
    ----------
    ids, records
        Who they are, and their records.
    scored
        bool[n]: who is scored, where they have bought.
    causes
        By row, the event that touched the customer.
    """

    ids: Sequence[str]
    records: Records
    scored: NDArray[np.bool_]
    causes: Mapping[int, Mapping[str, object]]


def report_bands(
    step: StepContext, predictor: Predictor, bands: TargetBands, customers: StepCustomers
) -> NDArray[np.int64]:
    """Score customers, in place, emit who has crossed a band, and return the rows whose record changed.

    Parameters
    ----------
    step, predictor, bands
        The step, the version in use, and the bands of each target.
    customers
        The step's customers.
    """
    ids, records = customers.ids, customers.records
    bought = (records.purchases > 0) & (records.last_purchase != NEVER)
    # Where customers come often, most have moved lately, and stay whatever is predicted of them.
    rows = np.flatnonzero(customers.scored & bought & _may_move(predictor, bands, records, step.now // MS))
    if not len(rows):
        return rows
    some, changed = records.take(rows), np.zeros(len(rows), bool)
    prediction, when = predictor.predict(some, step.now), to_short_iso(step.now // MS * MS)
    for place, target in enumerate(predictor.banded):
        before, chance = ReportedBands.read(some, place), predictor.chance(target, prediction)
        after = before.moved(bands[target], chance, step.now // MS)
        moved = np.flatnonzero(after.band != before.band)
        if not len(moved):
            continue
        changed[moved] = True
        after.write(some, place)
        for index, why in zip(moved.tolist(), reasons_of(predictor, prediction, moved, target), strict=True):
            row = int(rows[index])
            cause = customers.causes.get(row)
            if cause is None:
                cause = {"idle_days": digits((step.now - int(some.last_event[index])) / _MS_PER_DAY)}
            step.changes.emit(
                Topic.PREDICTIONS,
                ids[row],
                {
                    "customer_id": ids[row],
                    "target": target,
                    "from": bands[target].name(int(before.band[index])),
                    "to": bands[target].name(int(after.band[index])),
                    "p": digits(float(chance[index])),
                    "reasons": why,
                    "time": when,
                    "model_version": predictor.version,
                    "cause": cause,
                },
            )
    records.place(rows[changed], some.take(changed))
    where: NDArray[np.int64] = rows[changed]
    return where


def _may_move(predictor: Predictor, bands: TargetBands, records: Records, now: int) -> NDArray[np.bool_]:
    """Return who may be in another band of some target, in seconds since 1970."""
    may = np.zeros(len(records), bool)
    for place, target in enumerate(predictor.banded):
        may |= ReportedBands.read(records, place).may_move(bands[target], now)
    return may


def reported_bands(predictor: Predictor | None, bands: TargetBands, records: Records) -> list[dict[str, str | None]]:
    """Return in which band each customer is reported, by target; ``None`` for none."""
    targets = predictor.banded if predictor else (PURCHASE,)
    columns = [
        [bands[target].name(band) for band in ReportedBands.read(records, place).band.tolist()]
        for place, target in enumerate(targets)
    ]
    return [dict(zip(targets, row, strict=True)) for row in zip(*columns, strict=True)]


def reasons_of(
    predictor: Predictor, prediction: Prediction, rows: NDArray[np.int64], target: str = PURCHASE
) -> list[list[str]]:
    """Return the main reasons for the predictions of some rows, in words, the strongest first."""
    models = predictor.targets.get(target)
    if models is None:
        return [[] for _ in range(len(rows))]
    found = models.reasons(prediction.x[rows], prediction.forecast.purchase[rows])
    return [[one.words for one in ones] for ones in found]
