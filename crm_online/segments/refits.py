"""The next version of a model: the present centroids settled anew, and another grouping only where it pays.

k-means has many local optima that differ little in J and much in what they group. A fresh fit that is adopted whole
ends most segments for a few per cent of J. So a refit begins from the present centroids: these move little, and the
segments live on. Only if fresh starts find a grouping that is better by enough are segments given up for it, one after
the other, until what is left to gain is small (random swap: Fränti, Efficiency of random swap clustering, 2018).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from crm_online.segments.kmeans import fit, inertia, nearest, settled
from crm_online.segments.model import GAIN, STARTS, Model, inherit, match, rows_of, translate
from crm_online.segments.vectors import Scale

LEFT = 2 / 3
"""Share of the gain that may be left where segments are given up: the way with the fewest moves is taken."""

AGED = 0.1
"""Share of the variance that a scale may weigh wrongly before it is taken anew."""


def refit(
    model: Model,
    raw: NDArray[np.float64],
    scale: Scale,
    k: int,
    *,
    current: NDArray[np.float64],
    as_of: int,
    gain: float = GAIN,
    starts: int = STARTS,
    seed: int = 0,
) -> Model | None:
    """Return the next version if it is better by enough, else ``None``.

    Versions are judged by J of the partition that they make of the sample, in the scale of the sample.

    Parameters
    ----------
    model
        The version in force.
    raw
        The sample's features now, in natural units, shape (n, d).
    scale
        The scale of the sample now, over the features of the model.
    k
        Number of segments.
    current
        The present centroids of ``model`` in its vector units, shape (k, d), without NaN.
    as_of
        Event time, in ms.
    gain
        Share of J that must be saved for segments to be given up; half of it is enough where none are.
    starts, seed
        As for :func:`crm_online.segments.kmeans.fit`.
    """
    vectors = scale.encode(raw)
    old = translate(current, model.scale, scale)
    fresh = fit(vectors, k, starts=starts, seed=seed)
    centres = settled(vectors, old)
    if len(old) != k:
        centres = fresh
    elif inertia(vectors, fresh) < (1 - gain) * inertia(vectors, centres):
        centres = _swapped(vectors, centres, fresh, LEFT * gain)
    elif not (
        inertia(vectors, centres) < (1 - gain / 2) * inertia(vectors, old)
        or misweighed(model.scale, np.array(scale.units())) > AGED
        or _beaten(model.scale.encode(raw), current, translate(fresh, scale, model.scale), gain)
    ):
        return None
    ids, order, numbered = inherit(model, old, vectors, centres)
    return Model(model.version + 1, scale, ids, rows_of(centres[order]), as_of, model.version, numbered)


def _beaten(vectors: NDArray[np.int16], current: NDArray[np.float64], fresh: NDArray[np.float64], gain: float) -> bool:
    """Return whether J in the scale in force can be lowered by the share ``gain``, though it cannot in the new one.

    The scale has aged then: where segments are tight, little that it weighs wrongly is much of J.
    """
    best = min(inertia(vectors, settled(vectors, start)) for start in (current, fresh))
    return best < (1 - gain) * inertia(vectors, current)


def misweighed(scale: Scale, units: NDArray[np.float64]) -> float:
    """Return the share of the variance that a scale weighs otherwise than one that is taken now would.

    Parameters
    ----------
    scale
        The scale in force.
    units
        Vector units in one unit of each transformed feature that a new one would have, shape (d,).
    """
    wanted = np.where(units > 0, scale.weights, 0.0) ** 2
    found = wanted * np.divide(scale.units(), units, out=np.zeros_like(units), where=units > 0) ** 2
    return float(np.abs(found - wanted).sum() / max(float(wanted.sum()), 1e-12))


def _swapped(
    vectors: NDArray[np.int16], centres: NDArray[np.float64], fresh: NDArray[np.float64], rest: float
) -> NDArray[np.float64]:
    """Give up as few centres as possible for fresh ones, until no more than the share ``rest`` is left to gain."""
    goal = (1 + rest) * inertia(vectors, fresh)
    labels, _ = nearest(vectors, centres)
    best, found = centres, inertia(vectors, centres)
    for _ in range(len(centres)):
        tries = [settled(vectors, _with(best, place, one)) for place in range(len(best)) for one in fresh]
        inertias = [inertia(vectors, one) for one in tries]
        if min(inertias) >= found:
            break
        good = [place for place, one in enumerate(inertias) if one <= goal]
        if good:
            return min((tries[place] for place in good), key=lambda one: _moved(vectors, labels, centres, one))
        least = int(np.argmin(inertias))
        best, found = tries[least], inertias[least]
    return fresh


def _with(centres: NDArray[np.float64], place: int, one: NDArray[np.float64]) -> NDArray[np.float64]:
    changed = centres.copy()
    changed[place] = one
    return changed


def _moved(
    vectors: NDArray[np.int16], labels: NDArray[np.int64], old: NDArray[np.float64], new: NDArray[np.float64]
) -> int:
    """Return how many vectors would be in another segment than before, given who inherits whose id."""
    heirs = {heir: before for before, heir in match(old, new)}
    found, _ = nearest(vectors, new)
    carried = np.array([heirs.get(place, -1) for place in range(len(new))])
    return int((carried[found] != labels).sum())
