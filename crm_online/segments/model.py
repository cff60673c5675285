"""Versions of the model: a scale, fitted centres, and segment ids that survive refits."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crm_online.errors import StateCorrupt, StateTooNew
from crm_online.segments.kmeans import fit, nearest
from crm_online.segments.number import Choice, Score
from crm_online.segments.reported import DIED
from crm_online.segments.sums import ABSENT, SegmentSums
from crm_online.segments.vectors import Scale

FORMAT = 1

STARTS = 10
"""k-means++ starts of a fit that is meant to be adopted."""

GAIN = 0.02
"""Share of J on the sample that a refit must save to be adopted."""

SAME_WITHIN = 0.75
"""A centre that moved further than this share of the way to its nearest neighbour is another segment."""

SAME_SHARE = 0.5
"""Share of the smaller one's customers that two segments have in common if they are the same."""


@dataclass(frozen=True, slots=True)
class Model:
    """One version of the model; never changed.

    Attributes
    ----------
    version
        From 1, one more at each refit.
    scale
        How features become vectors in this version.
    ids
        The k segments' ids, ``s1``, ``s2``…; a label is an index of this list.
    fitted
        The fitted centres, k rows of d, in vector units of this version's scale.
    as_of
        The event time of the fit, in ms.
    parent
        The version that it replaced; ``None`` for the first.
    numbered
        How many ids have ever been given: an id that died is not given again.
    choice
        Why there are so many segments; ``None`` if the settings say how many.
    """

    version: int
    scale: Scale
    ids: tuple[str, ...]
    fitted: tuple[tuple[float, ...], ...]
    as_of: int
    parent: int | None
    numbered: int
    choice: Choice | None = None

    @property
    def k(self) -> int:
        """The number of segments."""
        return len(self.ids)

    def centres(self) -> NDArray[np.float64]:
        """Return the fitted centres in vector units, shape (k, d)."""
        return np.array(self.fitted, dtype=np.float64).reshape(self.k, len(self.scale.names))

    def current(self, centroids: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the centroids, shape (k, d), with the fitted centre where a segment is empty (NaN)."""
        return np.where(np.isnan(centroids), self.centres(), centroids)

    def widened(self, names: Sequence[str]) -> Model:
        """Return the same version over more features, which were 0 so far; see :meth:`Scale.widened`."""
        fitted = tuple(centre + (0.0,) * len(names) for centre in self.fitted)
        return replace(self, scale=self.scale.widened(names), fitted=fitted)

    def labels_of(self, ids: Sequence[str]) -> NDArray[np.int64]:
        """Return this version's label for each of another one's segments, shape (len(ids) + 2,).

        Segments that died get ``DIED``. The last two entries serve the labels ``DIED`` and
        ``ABSENT``, so that an array of reported labels can index the result as it is.
        """
        labels = [self.ids.index(one) if one in self.ids else DIED for one in ids]
        return np.array([*labels, DIED, ABSENT], dtype=np.int64)

    def to_json(self) -> bytes:
        """Return the model as one line of JSON."""
        return json.dumps({"format": FORMAT, **asdict(self)}, separators=(",", ":")).encode()

    @classmethod
    def from_json(cls, data: bytes | str) -> Model:
        """Read what :meth:`to_json` wrote.

        Raises
        ------
        StateTooNew
            If a newer version of crm-online wrote it.
        StateCorrupt
            If it is something else.
        """
        try:
            value = json.loads(data)
            form = int(value["format"])
            if form > FORMAT:
                raise StateTooNew(f"the model has format {form}, known is up to {FORMAT}")
            model = cls(
                version=int(value["version"]),
                scale=Scale.from_json(json.dumps(value["scale"])),
                ids=tuple(str(one) for one in value["ids"]),
                fitted=tuple(tuple(float(x) for x in centre) for centre in value["fitted"]),
                as_of=int(value["as_of"]),
                parent=None if value["parent"] is None else int(value["parent"]),
                numbered=int(value["numbered"]),
                choice=_choice(value.get("choice")),
            )
        except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
            raise StateCorrupt("the model of the segments cannot be read") from error
        d = len(model.scale.names)
        if not model.ids or len(model.fitted) != model.k or any(len(centre) != d for centre in model.fitted):
            raise StateCorrupt("the model of the segments has centres that do not fit its ids or features")
        if not np.isfinite(model.centres()).all():
            raise StateCorrupt("the model of the segments has centres that are not finite")
        return model


def _choice(value: dict[str, Any] | None) -> Choice | None:
    """Return what :func:`dataclasses.asdict` made of a choice."""
    if value is None:
        return None
    scores = tuple(Score(int(one["k"]), float(one["strength"]), float(one["explained"])) for one in value["scores"])
    return Choice(int(value["k"]), str(value["method"]), str(value["reason"]), scores)


def next_check(points: int) -> int:
    """Return at how many points to check for a better model, if the last check was at so many: twice that.

    A fresh sample differs little from one of half as many points, and checks stay few.
    """
    return 2 * points


def first_fit(
    raw: NDArray[np.float64],
    scale: Scale,
    k: int,
    *,
    as_of: int,
    starts: int = STARTS,
    seed: int = 0,
) -> Model:
    """Return version 1, fitted to a sample; ids go by size on the sample, the largest first.

    Parameters
    ----------
    raw
        The sample's features in natural units, shape (n, d).
    scale
        The scale of the sample, as :meth:`Scale.fit` or :meth:`Scale.common` takes it.
    k
        Number of segments; there are fewer if the sample has fewer distinct points.
    as_of
        Event time, in ms.
    starts, seed
        As for :func:`crm_online.segments.kmeans.fit`.
    """
    vectors = scale.encode(raw)
    centres = fit(vectors, k, starts=starts, seed=seed)
    centres = centres[_by_size(vectors, centres)]
    ids = tuple(f"s{number}" for number in range(1, len(centres) + 1))
    return Model(1, scale, ids, rows_of(centres), as_of, None, len(ids))


def translate(centroids: NDArray[np.float64], old: Scale, new: Scale) -> NDArray[np.float64]:
    """Return centroids of one scale in vector units of another over the same features, shape (k, d).

    A feature that did not vary in the old scale is at its mean there.
    """
    result = np.zeros(centroids.shape)
    for number, (before, after) in enumerate(zip(old.units(), new.units(), strict=True)):
        offset = centroids[:, number] / before if before else 0.0
        result[:, number] = (offset + old.means[number] - new.means[number]) * after
    return result


def translate_sums(sums: SegmentSums, old: Scale, new: Scale) -> SegmentSums:
    """Return sums in one scale as sums in another over the same features, as float64.

    Members whose vectors are no longer known are not rounded again, so each segment's part of J is what it was.
    """
    before, after = np.array(old.units()), np.array(new.units())
    stretch = np.divide(after, before, out=np.zeros_like(after), where=before > 0)
    shift = (np.array(old.means) - np.array(new.means)) * after
    members = sums.W.astype(np.float64)[:, None]
    totals = stretch * sums.S + shift * members
    squares = stretch**2 * sums.Q + 2 * stretch * shift * sums.S + shift**2 * members
    return SegmentSums(members[:, 0], totals, squares)


def match(
    old: NDArray[np.float64], new: NDArray[np.float64], *, same_within: float = SAME_WITHIN
) -> list[tuple[int, int]]:
    """Return pairs (old, new) of centroids that are the same segment, at least total distance.

    What is in no pair died, or was born. Two that are paired by the Hungarian method are still not
    the same if they are further apart than ``same_within`` times the distance from the old one to
    its nearest old neighbour, or from the new one to its nearest new neighbour.

    Parameters
    ----------
    old, new
        Centroids in one common space, shapes (k, d) and (k', d).
    same_within
        See above.
    """
    from scipy.optimize import linear_sum_assignment

    distance = _distances_between(old, new)
    limits = np.minimum(_neighbour_distances(old)[:, None], _neighbour_distances(new)[None, :]) * same_within
    rows, columns = linear_sum_assignment(distance)
    return [(int(i), int(j)) for i, j in zip(rows, columns, strict=True) if distance[i, j] <= limits[i, j]]


def heirs(
    old: NDArray[np.float64], new: NDArray[np.float64], before: NDArray[np.int64], after: NDArray[np.int64]
) -> list[tuple[int, int]]:
    """Return pairs (old, new) of segments that are the same: most customers stay, at one moment, under the same id.

    Two are the same that share half of the customers of the smaller one; what is left is paired by :func:`match`.

    Parameters
    ----------
    old, new
        Centroids in one common space, shapes (k, d) and (k', d).
    before, after
        Label of each customer by the old and by the new ones, shapes (n,).
    """
    from scipy.optimize import linear_sum_assignment

    shared = np.zeros((len(old), len(new)), np.int64)
    np.add.at(shared, (before, after), 1)
    least = np.minimum(shared.sum(axis=1)[:, None], shared.sum(axis=0)[None, :]) * SAME_SHARE
    rows, columns = linear_sum_assignment(shared, maximize=True)
    matched = zip(rows.tolist(), columns.tolist(), strict=True)
    pairs = [(one, other) for one, other in matched if shared[one, other] and shared[one, other] >= least[one, other]]
    gone, born = {one for one, _ in pairs}, {other for _, other in pairs}
    return sorted(pairs + [(one, other) for one, other in match(old, new) if one not in gone and other not in born])


def inherit(
    model: Model, old: NDArray[np.float64], vectors: NDArray[np.int16], centres: NDArray[np.float64]
) -> tuple[tuple[str, ...], list[int], int]:
    """Return ids for new centres, the order of centres that goes with them, and how many ids were ever given.

    Segments that survive keep their order; those born follow, the largest first.
    """
    pairs = heirs(old, centres, nearest(vectors, old)[0], nearest(vectors, centres)[0])
    kept = [new for _, new in pairs]
    born = [new for new in _by_size(vectors, centres) if new not in kept]
    ids = [model.ids[one] for one, _ in pairs]
    ids += [f"s{model.numbered + number}" for number in range(1, len(born) + 1)]
    return tuple(ids), kept + born, model.numbered + len(born)


def _by_size(vectors: NDArray[np.int16], centres: NDArray[np.float64]) -> list[int]:
    """Return the centres' indexes, the one with most of the vectors first."""
    labels, _ = nearest(vectors, centres)
    sizes = np.bincount(labels, minlength=len(centres))
    return [int(index) for index in np.argsort(-sizes, kind="stable")]


def _distances_between(some: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the distances between two sets of centroids."""
    difference = some[:, None, :] - others[None, :, :]
    result: NDArray[np.float64] = np.sqrt((difference * difference).sum(axis=2))
    return result


def _neighbour_distances(centroids: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return each centroid's distance to its nearest neighbour; infinite for a single one."""
    distance = _distances_between(centroids, centroids)
    np.fill_diagonal(distance, np.inf)
    result: NDArray[np.float64] = distance.min(axis=1)
    return result


def rows_of(centres: NDArray[np.float64]) -> tuple[tuple[float, ...], ...]:
    """Return an array as nested tuples."""
    return tuple(tuple(float(x) for x in centre) for centre in centres)
