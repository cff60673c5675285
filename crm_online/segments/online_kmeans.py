"""The engine's online k-means as an estimator of river, one point an observation."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from math import ceil, fabs, inf
from numbers import Integral, Real
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from river.base import Clusterer

from crm_online.segments.kmeans import distances
from crm_online.segments.model import Model, first_fit, next_check
from crm_online.segments.observations import Observations, Point, in_order
from crm_online.segments.online import OnlineSegments
from crm_online.segments.refits import ScaledSample, Search, refit
from crm_online.segments.sums import SegmentSums
from crm_online.segments.vectors import LIMIT, Scale

WARM_UP = 10
"""Points for each cluster that the first fit waits for, if the sample holds as many."""

HALFLIFE = 1000
"""After how many more points one counts half, by default."""

_HEAVY = 2.0**64

# Points are checked in blocks of this share of those that count; so many times the usual squared distance surprises.
_BLOCK = 0.25
_SURPRISING = 2.0

GREATEST_SEED = 2**32 - 1
"""The greatest seed: that of scikit-learn."""

GREATEST = 1e100
"""The greatest value of a feature: squares of what is greater may have no finite sum."""
_NOT_FINITE = f"features must be finite numbers, of at most {GREATEST:g}"


class OnlineKMeans(Clusterer):
    """Online k-means that seeds itself, looks for better centres, and knows its inertia exactly.

    It is what crm-online's engine does with customers, for points that come once and are not kept.
    The first ``10 * n_clusters`` points wait (``sample`` of them, if that is less); then centres are
    fitted to them with k-means++, and each point joins the nearest. From then on a point joins the
    cluster whose mean is nearest, and that mean moves. Whenever the number of points has doubled, and
    after each half-life, and when points lie much further off than those before, a fresh fit is made to a sample of
    the points so far, and adopted if it is better by enough.

    **It forgets**: a point counts half after ``halflife`` more points, a quarter after twice as many, in means,
    sizes, inertia and sample alike. So centres follow clusters that move, appear or vanish. A mean is then that of
    some ``2.9 * halflife`` points at most, which costs about ``n_clusters / (2.9 * halflife)`` of the inertia where
    nothing moves.

    **After a refit** the points in the sample are assigned anew. The others are not kept, so they
    stay, as sums, with the cluster that inherited theirs: clusters before and after are matched by the
    Hungarian method, and who has no heir goes to the nearest new centre. A cluster's number survives
    with it. So ``inertia_`` is the inertia of the assignment that was made, point by point, which a
    batch algorithm that sees all points again can beat.

    **Order matters** where it is not by chance: a place that fills has no centre of its own until the next check, and
    the points that came before it have left their trace in a mean.

    **Distances** are Euclidean in the units of the data; put a ``StandardScaler`` before it where
    these differ. Coordinates are whole multiples of 1/1024 of the largest standard deviation among
    the features of the sample, so sums of points that are not forgotten are exact. A
    coordinate more than 32 of these deviations from the mean counts as 32, until a refit takes a wider
    scale; so a feature that appears late, and with greater values than all others had, counts in full only
    from the next check on. A feature that is missing counts as 0; one that is new was 0 in all points before.
    It is made for tens or hundreds of features, not for thousands.

    Results depend on the points, their order and ``seed`` only, not on the order of features in a
    point, on ``PYTHONHASHSEED`` or on the number of processors.

    Parameters
    ----------
    n_clusters
        Number of clusters; there are fewer while the points have fewer distinct places.
    sample
        How many points are kept to fit centres to, at most.
    starts
        Number of k-means++ starts of a fit; the best is taken.
    refit_gain
        Share of the inertia on the sample that a refit must save to be adopted.
    seed
        Of the starts.
    halflife
        After how many more points one counts half, 1 or more; ``None``: none is ever forgotten, and the sample is
        uniform over all. (The ``halflife`` of river's ``KMeans`` is the share of the way that a centre moves.)

    Attributes
    ----------
    n_points : int
        Number of points learnt.

    References
    ----------
    Arthur and Vassilvitskii, k-means++: the advantages of careful seeding, SODA 2007.
    Cohen and Kaplan, Summarizing data using bottom-k sketches, PODC 2007.

    Examples
    --------
    >>> from crm_online import OnlineKMeans
    >>> places = [(1, 2), (1, 4), (1, 0), (-4, 2), (-4, 4), (-4, 0)]
    >>> model = OnlineKMeans(n_clusters=2)
    >>> for x, y in places * 10:
    ...     model.learn_one({"x": x, "y": y})
    >>> model.predict_one({"x": 0, "y": 0}), model.predict_one({"x": -4, "y": 4})
    (0, 1)
    >>> {label: [round(value, 2) for value in centre.values()] for label, centre in model.centers.items()}
    {0: [1.0, 2.0], 1: [-4.0, 2.0]}
    >>> round(model.inertia_)  # 40 points are 2 away from their centre, and the first count a little less
    157
    """

    def __init__(
        self,
        n_clusters: int = 5,
        sample: int = 4096,
        starts: int = 5,
        refit_gain: float = 0.02,
        seed: int = 0,
        halflife: float | None = HALFLIFE,
    ) -> None:
        _check_whole(n_clusters=n_clusters, sample=sample, starts=starts, seed=seed)
        if not 1 <= n_clusters <= sample:
            raise ValueError(f"n_clusters must be from 1 to the size of the sample, {sample}, not {n_clusters}")
        if starts < 1:
            raise ValueError(f"starts must be 1 or more, not {starts}")
        if not _is_share(refit_gain):
            raise ValueError(f"refit_gain is a share from 0 to 1, not {refit_gain!r}")
        if not 0 <= seed <= GREATEST_SEED:
            raise ValueError(f"seed must be from 0 to {GREATEST_SEED}, not {seed}")
        self.n_clusters = n_clusters
        self.sample = sample
        self.starts = starts
        self.refit_gain = refit_gain
        if not (halflife is None or _is_halflife(halflife)):
            raise ValueError(f"halflife is a number of points, 1 or more, or None, not {halflife!r}")
        self.seed = seed
        self.halflife = halflife
        self._observed = Observations(sample, halflife)
        self._next_check = self._block_end = min(WARM_UP * n_clusters, sample)
        self._at_block_start, self._usual_square = (0.0, 0.0), 0.0
        # The number of the point that weighs 1 in the sums; later ones weigh more, until all are faded to one of them.
        self._landmark = 0
        # The features' indexes in a vector, the clusters' numbers by segment, and the scale as arrays.
        self._columns: dict[Hashable, int] = {}
        self._numbers: list[int] = []
        self._means, self._units = np.zeros(0), np.zeros(0)
        self._segments: OnlineSegments | None = None

    @property
    def n_points(self) -> int:
        """The number of points learnt."""
        return self._observed.n

    @property
    def version(self) -> int:
        """The version of the model: 0 before the first fit, one more at each refit that was adopted."""
        return self._segments.model.version if self._segments else 0

    @property
    def centers(self) -> dict[int, dict[Any, float]]:
        """The mean of each cluster's points, by number and feature; nothing before the first fit."""
        if self._segments is None:
            return {}
        means = self._segments.model.scale.decode(self._segments.centroids()).tolist()
        return {number: dict(zip(self._columns, means[row], strict=True)) for number, row in self._by_number()}

    @property
    def sizes(self) -> dict[int, float]:
        """How many points each cluster has, as far as not forgotten, by number; nothing before the first fit."""
        if self._segments is None:
            return {}
        members = (self._segments.sums.W / self._weight(self.n_points)).tolist()
        return {number: members[row] for number, row in self._by_number()}

    @property
    def inertia_(self) -> float:
        """The sum of the points' squared distances to their clusters' means, each as far as it is not forgotten."""
        if self._segments is None:
            return 0.0
        unit = max(self._segments.model.scale.stds, default=1.0)
        return self._segments.sums.inertia() / self._weight(self.n_points) * unit**2

    def learn_one(self, x: Point) -> None:
        """Let a point join the cluster that is nearest.

        Raises
        ------
        ValueError
            If a value is no number, not finite, or beyond ``GREATEST``; the point is left out.
        """
        _check(x)
        observed = self._observed
        if observed.n == observed.planned:
            observed.plan(self._block_end)
        observed.n += 1
        kept = observed.kept(observed.n)
        if kept:
            observed.points[observed.n] = {feature: float(value) for feature, value in x.items()}
        if self._segments is not None:
            if not x.keys() <= self._columns.keys():
                self._widen(self._segments, x)
            row = self._segments.enter(self._vector(x), self._weight(observed.n))
            if kept:
                observed.rows[observed.n] = row
        if observed.n == self._block_end:
            self._end_block()

    def predict_one(self, x: Point) -> int:
        """Return the number of the nearest cluster; 0 before the first fit.

        A feature that no point had so far makes all clusters further by the same, so it is left out.

        Raises
        ------
        ValueError
            If a value is no number, not finite, or beyond ``GREATEST``.
        """
        _check(x)
        return 0 if self._segments is None else self._numbers[self._segments.nearest(self._vector(x))]

    def learn_many(self, X: pd.DataFrame | ArrayLike) -> None:  # noqa: N803
        """Let many points join their clusters, as the engine does in a step.

        All rows up to the next check for better centres, 4096 at most, are judged by the means as they
        are before them. That is much faster than one by one, and the means lag a little.

        Parameters
        ----------
        X
            A point a row: a frame, or an array of shape (n, d) whose features are named 0 to d - 1.

        Raises
        ------
        ValueError
            If a value is no number, not finite, or beyond ``GREATEST``; no point is learnt.
        """
        points = _frame(X)
        observed, begin = self._observed, 0
        while begin < len(points):
            if observed.n == observed.planned:
                observed.plan(self._block_end)
            some = points.iloc[begin : begin + observed.planned - observed.n]
            begin += len(some)
            kept = [index for index in range(len(some)) if observed.kept(observed.n + 1 + index)]
            for index, point in zip(kept, some.iloc[kept].astype(np.float64).to_dict("records"), strict=True):
                observed.points[observed.n + 1 + index] = point
            if self._segments is not None:
                if not self._columns.keys() >= set(points.columns):
                    self._widen(self._segments, points.columns)
                weights = np.array([self._weight(observed.n + 1 + index) for index in range(len(some))])
                rows = self._segments.join(self._vectors(self._segments, some), weights).tolist()
                observed.rows |= {observed.n + 1 + index: rows[index] for index in kept}
            observed.n += len(some)
            if observed.n == self._block_end:
                self._end_block()

    def predict_many(self, X: pd.DataFrame | ArrayLike) -> pd.Series[int]:  # noqa: N803
        """Return the numbers of the nearest clusters, with the index of ``X``; see :meth:`predict_one`.

        ``X`` is as for :meth:`learn_many`.
        """
        points = _frame(X)
        if self._segments is None:
            return pd.Series(0, index=points.index)
        rows = distances(self._vectors(self._segments, points), self._segments.centroids()).argmin(axis=1)
        return pd.Series(np.array(self._numbers)[rows], index=points.index)

    def _weight(self, number: int) -> float:
        """Return what a point weighs in the sums, where they are."""
        if self.halflife is None:
            return 1.0
        weight = 2.0 ** ((number - self._landmark) / self.halflife)
        if weight > _HEAVY:
            self._fade(number)
            return 1.0
        return float(weight)

    def _fade(self, landmark: int) -> None:
        """Let point number ``landmark`` be the one that weighs 1, and those before it less."""
        if self._segments is not None and self.halflife is not None:
            factor = 2.0 ** ((self._landmark - landmark) / self.halflife)
            self._segments.fade(factor)
            self._at_block_start = self._at_block_start[0] * factor, self._at_block_start[1] * factor
        self._landmark = landmark

    def _end_block(self) -> None:
        """Check for better centres when that is due, or when the last points lie further off than those before."""
        n, reach = self.n_points, inf if self.halflife is None else self.halflife
        if n == self._next_check or self._is_surprised():
            self._fit_or_refit()
            self._usual_square = self._mean_squared_distance()
        block = max(WARM_UP * self.n_clusters, int(min(n, reach) * _BLOCK))
        self._block_end = min(self._next_check, n + block)
        if self._segments is not None:
            self._at_block_start = self._segments.sums.inertia(), float(self._segments.sums.W.sum())

    def _is_surprised(self) -> bool:
        """Return whether the points of the block are much further from their means than it is usual."""
        if self._segments is None:
            return False
        inertia, weight = self._at_block_start
        more = self._segments.sums.inertia() - inertia, float(self._segments.sums.W.sum()) - weight
        return more[0] > _SURPRISING * self._usual_square * more[1]

    def _mean_squared_distance(self) -> float:
        """Return the mean squared distance of the points that are kept from the nearest mean."""
        if self._segments is None:
            return 0.0
        raw = self._observed.matrix(self._columns)
        distance = distances(self._segments.model.scale.encode(raw), self._segments.centroids()).min(axis=1)
        return float((distance * distance).mean())

    def _fit_or_refit(self) -> None:
        """Fit the first centres to the points that waited, or refit where that is better by enough."""
        observed, before = self._observed, self._segments
        self._fade(observed.n)
        self._next_check = next_check(observed.n)
        if self.halflife is not None:
            least = max(ceil(self.halflife), min(WARM_UP * self.n_clusters, self.sample))
            self._next_check = min(self._next_check, observed.n + least)
        if before is not None:
            observed.age()
        raw = observed.matrix(self._columns or observed.features())
        if before is None:
            self._columns = {feature: index for index, feature in enumerate(observed.features())}
            scale = Scale.common(raw, list(map(repr, self._columns)))
            model = first_fit(raw, scale, self.n_clusters, as_of=observed.n, starts=self.starts, seed=self.seed)
            self._numbers = list(range(model.k))
        else:
            sample = ScaledSample(raw, Scale.common(raw, before.model.scale.names), as_of=observed.n)
            search = Search(self.refit_gain, self.starts, self.seed)
            better = refit(before.model, before.centroids(), sample, self.n_clusters, search)
            if better is None:
                return
            model = better
            self._numbers = self._inherited(before.model, model)
        sums = SegmentSums.empty(model.k, len(model.scale.names), np.float64)
        self._adopt(OnlineSegments(model, sums), before, raw)

    def _adopt(self, segments: OnlineSegments, before: OnlineSegments | None, raw: NDArray[np.float64]) -> None:
        """Take a new version into use: points that are kept are assigned anew, the others inherited."""
        observed = self._observed
        weights = observed.weights(self._landmark)
        if before is not None:
            rows = np.array([observed.rows[number] for number in observed.points], np.int64)
            before.part(before.model.scale.encode(raw), rows, weights)
            segments.inherit(before)
        rows = segments.join(segments.model.scale.encode(raw), weights, segments.model.centres())
        observed.rows = dict(zip(observed.points, rows.tolist(), strict=True))
        self._use(segments)

    def _widen(self, segments: OnlineSegments, features: Iterable[Hashable]) -> None:
        """Let features in that were 0 in all points so far."""
        more = in_order(set(features) - self._columns.keys())
        self._columns |= {feature: index for index, feature in enumerate(more, len(self._columns))}
        segments.widen(list(map(repr, more)))
        self._use(segments)

    def _use(self, segments: OnlineSegments) -> None:
        self._segments, scale = segments, segments.model.scale
        self._means, self._units = np.array(scale.means), np.array(scale.units())

    def _vector(self, x: Point) -> NDArray[np.int16]:
        """Return the vector of one point, shape (d,): `Scale.encode` for one, but faster."""
        values = np.array([x.get(feature, 0.0) for feature in self._columns], np.float64)
        vector: NDArray[np.int16] = np.rint((values - self._means) * self._units).clip(-LIMIT, LIMIT).astype(np.int16)
        return vector

    def _vectors(self, segments: OnlineSegments, points: pd.DataFrame) -> NDArray[np.int16]:
        raw = points.reindex(columns=list(self._columns), fill_value=0.0).to_numpy(np.float64)
        return segments.model.scale.encode(raw)

    def _by_number(self) -> list[tuple[int, int]]:
        return sorted((number, row) for row, number in enumerate(self._numbers))

    def _inherited(self, before: Model, model: Model) -> list[int]:
        """Return the clusters' numbers: survivors keep theirs, those born get what is free, the lowest first."""
        kept = {one: number for one, number in zip(before.ids, self._numbers, strict=True) if one in model.ids}
        free = iter(sorted(set(range(self.n_clusters)) - set(kept.values())))
        return [kept[one] if one in kept else next(free) for one in model.ids]


def _check_whole(**numbers: object) -> None:
    for name, number in numbers.items():
        if not isinstance(number, Integral):
            raise ValueError(f"{name} must be a whole number, not {number!r}")


def _is_share(value: object) -> bool:
    return isinstance(value, Real) and 0 <= float(value) < 1


def _is_halflife(value: object) -> bool:
    return isinstance(value, Real) and 1 <= float(value) < inf


def _check(x: Point) -> None:
    try:
        finite = all(fabs(value) <= GREATEST for value in x.values())  # as a float, whatever its own type holds
    except TypeError as error:
        raise ValueError(_NOT_FINITE) from error
    if not finite:
        raise ValueError(_NOT_FINITE)


def _frame(points: pd.DataFrame | ArrayLike) -> pd.DataFrame:
    """Return points as a frame of finite numbers.

    Raises
    ------
    ValueError
        If they are something else.
    """
    if not isinstance(points, pd.DataFrame):
        array = np.asarray(points)
        if array.ndim != 2:
            raise ValueError(f"points are a frame, or an array of shape (n, d), not {array.shape}")
        points = pd.DataFrame(array)
    try:
        finite = (np.abs(points.to_numpy(np.float64)) <= GREATEST).all()
    except (TypeError, ValueError) as error:
        raise ValueError(_NOT_FINITE) from error
    if not finite:
        raise ValueError(_NOT_FINITE)
    return points
