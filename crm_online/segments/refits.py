"""The next version of a model: the present centroids refined, and another grouping only where it pays.

k-means has many local optima that differ little in J and much in what they group. A fresh fit that is adopted whole
ends most segments for a few per cent of J. So a refit begins from the present centroids: these move little, and the
segments live on. Only if fresh starts find a grouping that is better by enough are segments given up, one after the
other, for centres that they found (random swap: Fränti, Efficiency of random swap clustering, 2018). Neither goes
further than it must: each ends as soon as what is left to gain is small, since the last rounds save little and move as
many customers as the first; of the ways to give segments up, the one with the fewest moves is taken.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crm_online.segments.kmeans import distances, fit, inertia, nearest, refined
from crm_online.segments.model import GAIN, STARTS, Model, heirs, inherit, rows_of, translate
from crm_online.segments.vectors import Scale

FORGONE = 2 / 3
"""Share of the gain that may be forgone where segments are given up: the way with the fewest moves is taken.

Where none are, all of it may: there the means go on by themselves."""

TRIES = 200
"""Swaps that are followed, at most: those after which the squared distances are the least."""

CENTRES = 1200
"""Centres of all swaps that are followed, at most: of many segments fewer are, as each costs more and more are done."""

ROUNDS = 10
"""Rounds of Lloyd's algorithm after a swap, at most."""

MISWEIGHED = 0.1
"""Share of the variance that a scale may weigh wrongly before it is replaced."""


@dataclass(frozen=True, slots=True)
class ScaledSample:
    """The sample that a version is fitted to.

    Attributes
    ----------
    raw
        Its features, in natural units, shape (n, d).
    scale
        The scale that fits them, over the features of the model.
    as_of
        Event time, in ms.
    """

    raw: NDArray[np.float64]
    scale: Scale
    as_of: int


@dataclass(frozen=True, slots=True)
class Search:
    """How hard a better grouping is looked for, and how much better it must be.

    Attributes
    ----------
    gain
        Share of J that must be saved for segments to be given up; half of it is enough where none are, and then as
        much may be left.
    starts, seed
        As for :func:`crm_online.segments.kmeans.fit`.
    """

    gain: float = GAIN
    starts: int = STARTS
    seed: int = 0

    def fit(self, vectors: NDArray[np.int16], k: int) -> NDArray[np.float64]:
        """Return the centres of a fresh fit."""
        return fit(vectors, k, starts=self.starts, seed=self.seed)


USUAL_SEARCH = Search()


def refit(
    model: Model, current: NDArray[np.float64], sample: ScaledSample, k: int, search: Search = USUAL_SEARCH
) -> Model | None:
    """Return the next version if it is better by enough, else ``None``.

    Versions are judged by J of the partition that they make of the sample, in the scale of the sample.

    Parameters
    ----------
    model
        The version in force.
    current
        Its present centroids in its vector units, shape (k, d), without NaN.
    sample
        The sample now.
    k
        Number of segments of the next version.
    search
        How much better it must be.
    """
    raw, scale, gain = sample.raw, sample.scale, search.gain
    vectors = scale.encode(raw)
    old = translate(current, model.scale, scale)
    fresh = search.fit(vectors, k)
    present, reached = inertia(vectors, old), inertia(vectors, refined(vectors, old))
    least = min(inertia(vectors, fresh), reached)
    if len(old) != k:
        centres = fresh
    elif least < (1 - gain) * reached:
        # The optima of single starts are worse, and have centres by which fewer move.
        found = [fresh, *(fit(vectors, k, starts=1, seed=search.seed + start) for start in range(search.starts))]
        centres = _swap_centres(vectors, old, found, (1 + FORGONE * gain) * least)
    elif (
        reached < (1 - gain / 2) * present
        or misweighed_share(model.scale, np.array(scale.units())) > MISWEIGHED
        or _has_worn(model.scale.encode(raw), current, _above(reached, least), search)
    ):
        centres = refined(vectors, old, goal=(1 + gain) * least)
    else:
        return None
    ids, order, numbered = inherit(model, old, vectors, centres)
    return Model(model.version + 1, scale, ids, rows_of(centres[order]), sample.as_of, model.version, numbered)


def _has_worn(vectors: NDArray[np.int16], current: NDArray[np.float64], renewed: float, search: Search) -> bool:
    """Return whether J lies further above its least in the scale in force than in a new one, by half of the gain.

    Or by more than the gain lets segments live on: in a new one they do.

    All customers grow older, and pile up at bounds that were set when they were younger: then a feature varies less
    than it should, and another grouping is best in that scale, though none is to be had in a new one. A fit in that
    scale tells; centres of another one, refined, miss it.

    Parameters
    ----------
    vectors, current
        The sample and the centroids in the scale in force.
    renewed
        How far above its least J can be had in the new scale, as a ratio.
    search
        As for :func:`refit`.
    """
    least, gain = inertia(vectors, search.fit(vectors, len(current))), search.gain
    return _above(inertia(vectors, current), least) > min((1 + gain / 2) * renewed, 1 / (1 - gain))


def _above(value: float, least: float) -> float:
    """Return J to the least J as a ratio; differences of less than one squared deviation are none."""
    return max(value, 1.0) / max(least, 1.0)


def misweighed_share(scale: Scale, units: NDArray[np.float64]) -> float:
    """Return the share of the variance that a scale weighs otherwise than one fitted now would.

    Parameters
    ----------
    scale
        The scale in force.
    units
        Vector units in one unit of each transformed feature that a new one would have, shape (d,).
    """
    weights = np.where(units > 0, scale.weights, 0.0) ** 2
    found = weights * np.divide(scale.units(), units, out=np.zeros_like(units), where=units > 0) ** 2
    return float(np.abs(found - weights).sum() / max(float(weights.sum()), 1e-12))


def _swap_centres(
    vectors: NDArray[np.int16], old: NDArray[np.float64], found: list[NDArray[np.float64]], goal: float
) -> NDArray[np.float64]:
    """Give up as few centres as possible for some of those that were found, until J is no more than ``goal``."""
    before, _ = nearest(vectors, old)
    best, reached = old, float("inf")
    for _ in range(len(old)):
        swapped = [
            refined(vectors, one, goal=goal, rounds=ROUNDS) for one in _swaps(vectors, best, np.concatenate(found))
        ]
        inertias = [inertia(vectors, one) for one in swapped]
        good = [one for one, value in zip(swapped, inertias, strict=True) if value <= goal]
        if good:
            return min(good, key=lambda one: _moved_count(vectors, before, old, one))
        least = int(np.argmin(inertias))
        if inertias[least] >= reached:
            break
        best, reached = swapped[least], inertias[least]
    return min(found, key=lambda one: inertia(vectors, one))


def _swaps(
    vectors: NDArray[np.int16], centres: NDArray[np.float64], others: NDArray[np.float64]
) -> list[NDArray[np.float64]]:
    """Return the centres with one of the others instead of one of them, as often as is followed."""
    distance, to_others = distances(vectors, centres) ** 2, distances(vectors, others) ** 2
    labels = distance.argmin(axis=1)
    first = distance[np.arange(len(labels)), labels]
    distance[np.arange(len(labels)), labels] = np.inf
    # Without its segment a member goes to the next one or to the other centre, and all the rest stay or go to that.
    stay = np.minimum(first[:, None], to_others)
    leave = np.minimum(distance.min(axis=1)[:, None], to_others) - stay
    lost = np.array([leave[labels == index].sum(axis=0) for index in range(len(centres))])
    swaps = []
    tries = min(TRIES, max(CENTRES // len(centres), 1))
    for swap in np.argsort(stay.sum(axis=0) + lost, axis=None, kind="stable")[:tries].tolist():
        index, other = divmod(swap, len(others))
        swapped = centres.copy()
        swapped[index] = others[other]
        swaps.append(swapped)
    return swaps


def _moved_count(
    vectors: NDArray[np.int16], before: NDArray[np.int64], old: NDArray[np.float64], new: NDArray[np.float64]
) -> int:
    """Return how many vectors would be in another segment than before, given who inherits whose id."""
    after, _ = nearest(vectors, new)
    carried = np.full(len(new), -1)
    for index, heir in heirs(old, new, before, after):
        carried[heir] = index
    return int((carried[after] != before).sum())
