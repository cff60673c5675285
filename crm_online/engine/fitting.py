"""When a model is fitted, and with how many segments. Partition 0 does it, for all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from crm_online.customers.feature import Feature
from crm_online.engine.state import FitSchedule
from crm_online.segments.model import Model, first_fit, next_check
from crm_online.segments.number import CHECKS, Choice, score_candidates, still_chosen
from crm_online.segments.refits import MISWEIGHED, ScaledSample, Search, misweighed_share, refit
from crm_online.segments.sums import SegmentSums
from crm_online.segments.vectors import RESOLUTION, Scale
from crm_online.settings import Settings
from crm_online.settings.units import DAY


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


def first_model(
    raw: NDArray[np.float64], features: Mapping[str, Feature], settings: Settings, as_of: int, schedule: FitSchedule
) -> Model:
    """Return version 1 of the model.

    Parameters
    ----------
    raw
        float64[n, d]: features of the sample, in natural units.
    features, settings
        The features in use, and how to fit.
    as_of
        Event time of the fit, in ms.
    schedule
        When the number of segments was last checked; noted here.
    """
    segments, names = settings.segments, list(features)
    transforms = [feature.transform for feature in features.values()]
    weights = [settings.features.weights[name] for name in names]
    scale = Scale.fit(raw, names, transforms, weights, [feature.knee for feature in features.values()])
    choice = None if isinstance(segments.k, int) else Choice.of(score_candidates(scale.encode(raw)))
    schedule.number_checked_at, schedule.number_checked_customers = as_of, schedule.checked_customers
    k = segments.k if isinstance(segments.k, int) else choice.k if choice else 1
    return replace(first_fit(raw, scale, k, as_of=as_of, starts=segments.starts), choice=choice)


def next_model(
    model: Model,
    centroids: NDArray[np.float64],
    raw: NDArray[np.float64],
    settings: Settings,
    as_of: int,
    schedule: FitSchedule,
) -> Model | None:
    """Return the next version of the model, or ``None`` if the one there is does as well.

    Parameters
    ----------
    model
        The version in use.
    centroids
        float64[k, d]: its present centroids.
    raw, settings, as_of, schedule
        As for :func:`first_model`.
    """
    scale, segments = model.scale.refitted(raw), settings.segments
    k, choice = _number(model, scale.encode(raw), settings, as_of, schedule)
    search = Search(segments.refit_gain, segments.starts)
    better = refit(model, centroids, ScaledSample(raw, scale, as_of), k, search)
    return replace(better, choice=choice) if better else None


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
