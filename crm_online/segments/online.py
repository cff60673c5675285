"""Online k-means: a model, the exact sums of its segments, and how points move between them.

It is what the engine runs in each partition, with customers as points whose vectors change, and what
:class:`crm_online.OnlineKMeans` runs on one observation after the other.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from crm_online.segments.kmeans import distances
from crm_online.segments.model import Model, translate, translate_sums
from crm_online.segments.reported import DIED
from crm_online.segments.sums import SegmentSums


class OnlineSegments:
    """The segments of one version of the model: what their members add up to, hence their centres and J.

    A new version is a new object: its segments are empty until the points have moved to it, one by
    one (:meth:`move_to_nearest`) or as the sums of those whose vectors are no longer known (:meth:`inherit`).

    Parameters
    ----------
    model
        The version in use.
    sums
        What the members add up to; there are none by default.

    Examples
    --------
    >>> from crm_online.segments.model import first_fit
    >>> from crm_online.segments.vectors import Scale
    >>> raw = np.array([[0.0], [2.0], [40.0], [44.0]])
    >>> scale = Scale.common(raw, ["x"])
    >>> segments = OnlineSegments(first_fit(raw, scale, 2, as_of=4))
    >>> segments.move_to_nearest(None, None, scale.encode(raw))[0].tolist()
    [0, 0, 1, 1]
    >>> segments.enter(scale.encode(np.array([[4.0]]))[0])
    0
    >>> scale.decode(segments.centroids()).round(1).tolist()
    [[2.0], [42.0]]
    """

    def __init__(self, model: Model, sums: SegmentSums | None = None) -> None:
        self.model = model
        self._sums = SegmentSums.empty(model.k, len(model.scale.names)) if sums is None else sums
        self._centroids: NDArray[np.float64] | None = None

    @property
    def sums(self) -> SegmentSums:
        """What the members of each segment add up to."""
        return self._sums

    def centroids(self) -> NDArray[np.float64]:
        """Return the present centroids S_k / W_k in vector units, shape (k, d); the fitted centre of an empty one."""
        if self._centroids is None:
            self._centroids = self.model.current(self._sums.centroids())
        return self._centroids.copy()

    def nearest(self, vector: NDArray[np.int16]) -> int:
        """Return the segment whose centroid is nearest to one vector, shape (d,); the lowest of equals."""
        if self._centroids is None:
            self._centroids = self.model.current(self._sums.centroids())
        # Features add up one after the other, as in `distances`, so that a point alone is no other than in a batch.
        difference = self._centroids.T - vector[:, None]
        difference *= difference
        return int(np.sqrt(np.add.reduce(difference)).argmin())

    def enter(self, vector: NDArray[np.int16], weight: float = 1) -> int:
        """Let one vector, shape (d,), into its nearest segment, and return it: faster than :meth:`move_to_nearest`."""
        label = self.nearest(vector)
        self._sums = self._sums.enter(vector, label, weight)
        if self._centroids is not None:
            self._centroids[label] = self._sums.S[label] / self._sums.W[label]
        return label

    def move_to_nearest(
        self,
        old: NDArray[np.int16] | None,
        labels: NDArray[np.integer] | None,
        new: NDArray[np.int16],
        centroids: NDArray[np.float64] | None = None,
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Let old vectors leave their segments, and new ones enter their nearest.

        All are judged by the centroids as they are before.

        Parameters
        ----------
        old, labels
            Vectors, shape (m, d), and the segments that they are in, shape (m,); ``ABSENT`` for none.
            ``None`` for both: none leave.
        new
            Vectors, shape (n, d).
        centroids
            In vector units, shape (k, d): those over all partitions. Those of these sums by default.

        Returns
        -------
        labels, distances
            The segment that each new vector has entered, shape (n,), the lowest of equals; and its distances to all
            centroids in (weighted) standard deviations, shape (n, k).
        """
        distance = distances(new, self.centroids() if centroids is None else centroids)
        entered: NDArray[np.int64] = distance.argmin(axis=1).astype(np.int64)
        self._move(self._sums.move(old, labels, new, entered))
        return entered, distance

    def join(
        self,
        vectors: NDArray[np.int16],
        weights: NDArray[np.float64],
        centroids: NDArray[np.float64] | None = None,
    ) -> NDArray[np.int64]:
        """Let vectors, shape (n, d), of some weights, shape (n,), into their nearest segments, and return these.

        All are judged by the centroids as they are before, or by those given, shape (k, d). The sums must be float64.
        """
        distance = distances(vectors, self.centroids() if centroids is None else centroids)
        labels: NDArray[np.int64] = distance.argmin(axis=1).astype(np.int64)
        self._move(self._sums.weigh(vectors, labels, weights))
        return labels

    def part(self, vectors: NDArray[np.int16], labels: NDArray[np.integer], weights: NDArray[np.float64]) -> None:
        """Let vectors leave that joined with these weights."""
        self._move(self._sums.weigh(vectors, labels, -weights))

    def fade(self, factor: float) -> None:
        """Let all members weigh ``factor`` as much; centres stay. The sums must be float64."""
        self._sums = self._sums.faded(factor)

    def leave(self, vectors: NDArray[np.int16], labels: NDArray[np.integer]) -> None:
        """Let vectors, shape (n, d), leave the segments that they are in, shape (n,)."""
        self._move(self._sums.move(vectors, labels, None, None))

    def inherit(self, before: OnlineSegments) -> None:
        """Take over the members of the version before whose vectors are no longer known, as sums.

        Those of a segment that survived stay with it; those of one that died go to the segment whose
        fitted centre is nearest to their mean. Within each, J stays what it was.
        """
        old, new = before.model.scale, self.model.scale
        heirs = self.model.labels_of(before.model.ids)[: before.model.k]
        means = np.rint(translate(before.centroids(), old, new))
        closest = distances(means, self.model.centres()).argmin(axis=1)
        translated = translate_sums(before.sums, old, new)
        self._move(self._sums + translated.regrouped(np.where(heirs == DIED, closest, heirs), self.model.k))

    def widen(self, names: Sequence[str]) -> None:
        """Let in features that were 0 in all members so far; the scale must be one of :meth:`Scale.common`."""
        self.model = self.model.widened(names)
        self._move(self._sums.widened(len(names)))

    def _move(self, sums: SegmentSums) -> None:
        self._sums, self._centroids = sums, None
