"""The owner's work: fitting models, and emitting segments. Partition 0 does it."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypedDict

import numpy as np
from numpy.typing import NDArray

from crm_online.customers.feature import Feature
from crm_online.digits import digits
from crm_online.engine.changes import Changes, to_json
from crm_online.engine.state import FitSchedule
from crm_online.engine.step_context import StepContext
from crm_online.segments.buying import BuyerFigures
from crm_online.segments.describe import DescriptionValue, describe
from crm_online.segments.model import Model, first_fit, next_check
from crm_online.segments.naming import SegmentName
from crm_online.segments.number import CHECKS, Choice, score_candidates, still_chosen
from crm_online.segments.refits import MISWEIGHED, misweighed_share, refit
from crm_online.segments.sums import SegmentSums
from crm_online.segments.vectors import RESOLUTION, Scale
from crm_online.settings import Settings
from crm_online.step import Append, Put, Remove, Shorten, Topic, Write

DAY = 86_400_000
SEGMENTS = "segments"
NAMES = "names"
"""Names of segments over time: a list, the oldest first, of ``[time in ms, id, name]``."""
_MOST_NAMES = 1000
_SIZE_TOLERANCE = 0.05
_CENTROID_TOLERANCE = 0.05
_NO_VERSION = 0
"""Version of a segment in the table that must be emitted again: models begin at 1."""


def fit_is_due(
    schedule: FitSchedule, settings: Settings, customers: int, first: int, now: int, fitted: ModelWithSums | None
) -> bool:
    """Return whether the next step must fit a model, or check for a better one.

    The first model waits for ``segments.min_customers``. After that a check is due whenever the log has become half as
    old again, or the number of customers has doubled since the last one, at least every eighteenth of the half-life.
    """
    if fitted is None or schedule.checked_at is None:
        return customers >= settings.segments.min_customers
    half_life = _half_life(settings)
    grown, passed = max((schedule.checked_at - first) // 2, DAY), now - schedule.checked_at
    if passed >= min(grown, half_life // 18) or customers >= next_check(schedule.checked_customers):
        return True
    return passed >= min(grown, half_life // 90) and fitted.has_aged()


def fitted_model(
    model: Model | None,
    raw: NDArray[np.float64],
    features: Mapping[str, Feature],
    settings: Settings,
    centroids: NDArray[np.float64] | None,
    as_of: int,
    schedule: FitSchedule,
) -> Model | None:
    """Return the next version of the model, or ``None`` if the one there is does as well.

    Parameters
    ----------
    model
        The version in use, if any.
    raw
        float64[n, d]: features of the sample, in natural units.
    features, settings
        The features in use, and how to fit.
    centroids
        float64[k, d]: the present centroids of ``model``.
    as_of
        Event time of the fit, in ms.
    schedule
        When the number of segments was last checked; noted here.
    """
    segments = settings.segments
    if model is not None and centroids is not None:
        scale, gain = model.scale.refitted(raw), segments.refit_gain
        k, choice = _number(model, scale.encode(raw), settings, as_of, schedule)
        better = refit(model, raw, scale, k, current=centroids, as_of=as_of, gain=gain, starts=segments.starts)
        return replace(better, choice=choice) if better else None
    names = list(features)
    transforms = [feature.transform for feature in features.values()]
    weights = [settings.features.weights[name] for name in names]
    scale = Scale.fit(raw, names, transforms, weights, [feature.knee for feature in features.values()])
    choice = None if isinstance(segments.k, int) else Choice.of(score_candidates(scale.encode(raw)))
    schedule.number_checked_at, schedule.number_checked_customers = as_of, schedule.checked_customers
    k = segments.k if isinstance(segments.k, int) else choice.k if choice else 1
    return replace(first_fit(raw, scale, k, as_of=as_of, starts=segments.starts), choice=choice)


def _number(
    model: Model, sample: NDArray[np.int16], settings: Settings, now: int, schedule: FitSchedule
) -> tuple[int, Choice | None]:
    """Return how many segments the next version has, and why.

    Under ``auto`` it is looked at when the number of customers has doubled, and every quarter of the half-life; it
    changes when the number in force was not right in two such checks, one after the other.
    """
    if isinstance(settings.segments.k, int):
        return settings.segments.k, None
    passed = now - (schedule.number_checked_at or 0)
    often = _half_life(settings) // 4
    if passed < often and schedule.checked_customers < next_check(schedule.number_checked_customers):
        return model.k, model.choice
    schedule.number_checked_at, schedule.number_checked_customers = now, schedule.checked_customers
    scores = score_candidates(sample)
    schedule.number_unfit = 0 if still_chosen(scores, model.k) else schedule.number_unfit + 1
    if schedule.number_unfit < CHECKS:
        return model.k, model.choice
    schedule.number_unfit, choice = 0, Choice.of(scores)
    return choice.k, choice


def _half_life(settings: Settings) -> int:
    """Return the half-life that paces checks, in ms: that of the features, or 120 days where nothing decays."""
    return settings.features.half_life or 120 * DAY


@dataclass(frozen=True, slots=True)
class ModelWithSums:
    """The model in force, and what its segments add up to over all partitions."""

    model: Model
    sums: SegmentSums

    def has_aged(self) -> bool:
        """Return whether the vectors vary otherwise than the scale says: by the sums alone."""
        members = int(self.sums.W.sum())
        if not members:
            return False
        scale = self.model.scale
        mean = self.sums.S.sum(axis=0) / members
        deviations = np.sqrt(np.maximum(self.sums.Q.sum(axis=0) / members - mean * mean, 0.0)) / RESOLUTION
        weighted = np.array(scale.units()) * scale.weights
        units = np.divide(weighted, deviations, out=np.zeros_like(deviations), where=deviations > 0)
        return misweighed_share(scale, units) > MISWEIGHED


class SegmentValue(TypedDict):
    """A segment as topics and look-ups have it; the centroid is in natural units."""

    id: str
    name: str
    size: int
    centroid: dict[str, float]
    description: DescriptionValue


def describe_segments(
    model: Model,
    sizes: NDArray[np.int64],
    centroids: NDArray[np.float64],
    figures: BuyerFigures,
    features: Mapping[str, Feature],
    names: Mapping[str, SegmentName],
) -> tuple[list[SegmentValue], list[SegmentName]]:
    """Return the segments as topics and look-ups have them, and what their names claim.

    Parameters
    ----------
    model
        The version in use.
    sizes
        int64[k]: number of customers.
    centroids
        float64[k, d], in vector units.
    figures
        What they are made of: who never bought, bought once, and again.
    features
        The features in use, by name.
    names
        The names that segments have, by id.
    """
    units = {name: feature.unit for name, feature in features.items()}
    words = {name: feature.words for name, feature in features.items() if feature.words}
    texts = describe(model.scale, model.ids, figures, words, units, names)
    natural = model.scale.decode(centroids)
    values = [
        SegmentValue(
            id=segment,
            name=texts[row]["name"],
            size=int(sizes[row]),
            centroid=dict(zip(model.scale.names, map(digits, natural[row].tolist()), strict=True)),
            description=texts[row]["description"],
        )
        for row, segment in enumerate(model.ids)
    ]
    return values, [SegmentName(one["name"], one["claims"]) for one in texts]


@dataclass(slots=True)
class SegmentEmitter:
    """The segments as they were last emitted; emits those that changed.

    A segment is emitted again when its size changed by more than 5 %, or its centroid moved by more
    than 0.05 standard deviations.
    """

    emitted: dict[str, dict[str, Any]] = field(default_factory=dict)
    named: int = 0

    def load(self, raw: Iterator[tuple[bytes, bytes]], named: int = 0) -> None:
        """Load what was last emitted from the store, and how many names are kept there."""
        self.named = named
        self.emitted = {key.decode(): json.loads(value) for key, value in sorted(raw)}

    def emit(
        self,
        model: Model,
        sums: SegmentSums,
        by_buying: SegmentSums,
        features: Mapping[str, Feature],
        step: StepContext,
    ) -> Iterator[Write]:
        """Emit the segments that changed since they were last emitted, and those that ceased to exist."""
        changes, before = step.changes, self.names()
        gone = sorted(self.emitted.keys() - set(model.ids))
        for segment in gone:
            del self.emitted[segment]
            changes.emit(Topic.SEGMENTS, segment, {"id": segment, "model_version": model.version}, tombstone=True)
        if gone:
            yield Remove(SEGMENTS, [segment.encode() for segment in gone])
        centroids = model.current(sums.centroids())
        fresh = [row for row in range(model.k) if self._differs(model, row, int(sums.W[row]), centroids[row])]
        if not fresh:
            return
        shares = sums.shares()
        figures = BuyerFigures.of(by_buying, centroids)
        # The others are not emitted now: theirs stay as consumers have them.
        emitted = [model.ids[row] for row in fresh]
        kept = {one: replace(name, fixed=one not in emitted) for one, name in self.names().items()}
        values, names = describe_segments(model, sums.W, centroids, figures, features, kept)
        put = {}
        for row in fresh:
            segment = model.ids[row]
            value = {**values[row], "J_share": digits(float(shares[row])), "model_version": model.version}
            changes.emit(Topic.SEGMENTS, segment, value)
            self.emitted[segment] = {
                "size": int(sums.W[row]),
                "centroid": centroids[row].round(3).tolist(),
                "version": model.version,
                "name": names[row].text,
                "claims": names[row].to_json(),
            }
            put[segment.encode()] = to_json(self.emitted[segment])
        yield Put(SEGMENTS, put)
        now = [(segment, name.text) for segment, name in self.names().items()]
        yield from self._name(step.now, [one for one in now if one[0] not in before or before[one[0]].text != one[1]])

    def names(self) -> dict[str, SegmentName]:
        """Return the segments' names as they were last emitted, by id."""
        return {
            one: SegmentName.stored(str(last["name"]), last["claims"])
            for one, last in self.emitted.items()
            if "name" in last
        }

    def republish(self, published: Collection[str], version: int, changes: Changes) -> Iterator[Write]:
        """Emit tombstones of published segments that do not exist; the next step emits the others.

        They stay in the table until then: if the next step fits a model without them, it emits that they are gone.
        """
        present = [segment for segment in sorted(published) if segment in self.emitted]
        for segment in sorted(set(published) - set(present)):
            changes.emit(Topic.SEGMENTS, segment, {"id": segment, "model_version": version}, tombstone=True)
        for segment in present:
            self.emitted[segment] = {**self.emitted[segment], "version": _NO_VERSION}
        if present:
            yield Put(SEGMENTS, {segment.encode(): to_json(self.emitted[segment]) for segment in present})

    def _name(self, now: int, names: Sequence[tuple[str, str]]) -> Iterator[Write]:
        """Keep the names that segments have from now on."""
        if names:
            yield Append(NAMES, [to_json([now, *one]) for one in names])
            self.named += len(names)
            if self.named > _MOST_NAMES:
                yield Shorten(NAMES, self.named - _MOST_NAMES)
                self.named = _MOST_NAMES

    def _differs(self, model: Model, row: int, size: int, centroid: NDArray[np.float64]) -> bool:
        last = self.emitted.get(model.ids[row])
        if last is None or last["version"] != model.version:
            return True
        before = float(str(last["size"]))
        if abs(size - before) > _SIZE_TOLERANCE * max(before, 1.0):
            return True
        moved = np.abs(centroid - np.array(last["centroid"], np.float64)).max(initial=0.0)
        return bool(moved > _CENTROID_TOLERANCE * RESOLUTION)
