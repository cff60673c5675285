"""What is known of each segment beside the population, feature by feature: what names and texts are made of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crm_online.segments.buying import BuyerFigures, Buying
from crm_online.segments.vectors import RESOLUTION, Scale, Transform
from crm_online.segments.vocabulary import Contrast, Words

NOTABLE = 0.25
"""Least deviation from the population, in (weighted) standard deviations, of a fact."""

MOST = 0.5
"""Share of a segment's members of which something must hold to be true of the segment."""

# A quantity is a fact from a fifth more or less on; from one and a half times on also where it varies widely.
_SAME = 1.2
_FAR = 1.5
_NOTABLE_FAR = 0.1
_NEUTRAL_WITHIN = 0.05
_AT_BOUND = 0.1
"""How near to a bound of the scale a centroid is whose members are at it or beyond, in standard deviations; it may also
be as far as they deviate."""


@dataclass(frozen=True, slots=True)
class SegmentDeviations:
    """What is known of one segment, column by column of the scale.

    Attributes
    ----------
    apart
        float64[d]: how far it is from the population, in (weighted) standard deviations; 0 for what most have not.
    sided
        bool[d]: whether it is on the same side of the middle one of all customers as of their mean.
    natural, typical
        Its and the population's values in natural units, by feature.
    lower, upper
        By feature, values below and above which is at most half of its members.
    shares, population_shares
        float64[3]: which share of it, and of the population, never bought, bought once, bought again.
    has
        By feature, whether most members have it at all.
    log1p
        By feature, whether it is a quantity whose ratios count.
    beyond
        By feature, on which side many members may be at the bound of the scale, or beyond: -1, 1, or 0 for none. Its
        natural value is then no further out than theirs.
    """

    apart: NDArray[np.float64]
    sided: NDArray[np.bool_]
    natural: Mapping[str, float]
    typical: Mapping[str, float]
    lower: Mapping[str, float]
    upper: Mapping[str, float]
    shares: NDArray[np.float64]
    population_shares: NDArray[np.float64]
    has: Mapping[str, bool]
    log1p: Mapping[str, bool]
    beyond: Mapping[str, int]

    def most(self, kind: Buying) -> bool:
        """Return whether most members are of a kind."""
        return bool(self.shares[kind] >= MOST)


def deviations_of(scale: Scale, figures: BuyerFigures, every_word: Sequence[Words]) -> list[SegmentDeviations]:
    """Return what is known of each segment, each feature of those members who have it."""
    levels = np.array([one.of for one in every_word], np.int64)
    columns = np.arange(len(levels))
    centroids = figures.centroids[levels, :, columns].T if len(levels) else figures.centroids[0]
    population = figures.population[levels, columns]
    deviations = figures.deviations[levels, :, columns].T if len(levels) else figures.deviations[0]
    has = np.array([figures.having(one.of) >= MOST for one in every_word]).reshape(len(levels), -1).T
    apart = np.where(has, (centroids - population) / RESOLUTION, 0.0)
    sided = apart * (centroids - figures.middle()[levels, columns]) >= 0
    typical = dict(zip(scale.names, scale.decode(population).tolist(), strict=True))
    log1p = dict(zip(scale.names, [one is Transform.LOG1P for one in scale.transforms], strict=True))
    natural, lower, upper = (
        [dict(zip(scale.names, values, strict=True)) for values in scale.decode(some).tolist()]
        for some in (centroids, centroids - deviations, centroids + deviations)
    )
    bounds = np.array(scale.bounds, np.float64).reshape(-1, 2)
    near = np.maximum(deviations, _AT_BOUND * RESOLUTION * np.array(scale.weights))
    at = [(centroids <= bounds[:, 0] + near), (centroids >= bounds[:, 1] - near)]
    beyond = np.where(bounds[:, 0] < bounds[:, 1], at[1].astype(int) - at[0].astype(int), 0)
    return [
        SegmentDeviations(
            apart=apart[row],
            sided=sided[row],
            natural=natural[row],
            typical=typical,
            lower=lower[row],
            upper=upper[row],
            shares=figures.shares[row],
            population_shares=figures.population_shares,
            has=dict(zip(scale.names, has[row].tolist(), strict=True)),
            log1p=log1p,
            beyond=dict(zip(scale.names, beyond[row].tolist(), strict=True)),
        )
        for row in range(len(centroids))
    ]


def strongest(deviations: NDArray[np.float64], least: float) -> list[int]:
    """Return the places of the deviations of at least ``least``, the strongest first, equals by place.

    Rounded, so that the last bits do not decide.
    """
    strength = np.abs(deviations).round(6)
    order = np.argsort(-strength, kind="stable")
    return [int(number) for number in order if strength[number] >= least]


def notable_features(segment: SegmentDeviations, every_word: Sequence[Words]) -> Iterator[int]:
    """Return the indices of the features that are notable of a segment, the strongest first."""
    for number in strongest(segment.apart, _NOTABLE_FAR):
        feature, words = list(segment.natural)[number], every_word[number]
        value, typical = amounts(segment, feature, words)
        ratio = ratio_of(value, typical)
        far = segment.log1p[feature] and not 1 / _FAR <= ratio <= _FAR
        same = words.contrast is not Contrast.DIRECTION and segment.log1p[feature] and 1 / _SAME < ratio < _SAME
        if (abs(segment.apart[number]) >= NOTABLE or far) and not same and is_informative(value, words):
            yield number


def is_informative(value: float, words: Words) -> bool:
    """Return whether a segment's value means what it says: a score needs feedback."""
    return words.neutral is None or abs(value - words.neutral) > _NEUTRAL_WITHIN


def amounts(segment: SegmentDeviations, feature: str, words: Words) -> tuple[float, float]:
    """Return a segment's value and the population's; a ratio is one of amounts, which rounding cannot make negative."""
    value, typical = segment.natural[feature], segment.typical[feature]
    return (max(value, 0.0), max(typical, 0.0)) if words.contrast is Contrast.RATIO else (value, typical)


def ratio_of(value: float, typical: float) -> float:
    """Return a value by what is typical; infinite where that is nothing, 1 where both are."""
    if typical > 0:
        return value / typical
    return np.inf if value > typical else 1.0
