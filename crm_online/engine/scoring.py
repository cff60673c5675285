"""Records into segments: customers are scored, the sums follow, and moves are emitted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crm_online.customers.feature import Feature
from crm_online.customers.inputs import FeatureInputs
from crm_online.customers.records import NO_SEGMENT, Records, stored_version
from crm_online.customers.registry import read_features
from crm_online.decay import Decay
from crm_online.engine.change_json import figure, figures, text, texts
from crm_online.engine.changes import Reason
from crm_online.engine.move_geometry import encoded_geometries
from crm_online.engine.step_context import StepContext
from crm_online.events.times import to_short_iso
from crm_online.segments.kmeans import distances
from crm_online.segments.online import OnlineSegments
from crm_online.segments.reported import Hysteresis, ReportedSegments, is_nearer_by, report
from crm_online.segments.sums import ABSENT
from crm_online.step import Topic

MS = 1000
_SCORED = ("vectors", "nearest", "reported", "since", "scored_at", "model_version", "moves")
"""What scoring changes in a record."""


@dataclass(frozen=True, slots=True)
class FeatureReader:
    """Reads the features in use: the sums that they need, and the sums' half-life, are the settings'."""

    features: dict[str, Feature]
    sums: list[str]
    decay: Decay

    def read(self, records: Records, as_of: int | NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the features of some customers in natural units, float64[n, d].

        Parameters
        ----------
        records
            The customers.
        as_of
            Time in ms, one for all or int64[n].
        """
        times = np.broadcast_to(np.asarray(as_of, np.int64), len(records))
        return read_features(self.features, FeatureInputs(records, self.sums, self.decay, times))


@dataclass(frozen=True, slots=True)
class Previous:
    """The version before: its segment ids, to which records that it scored refer, and its last centroids.

    The centroids are float64[k, d], in vector units of the version in use; there are none before the first refit.
    """

    ids: list[str]
    centroids: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Scorer:
    """Scores customers by one version of the model.

    Parameters
    ----------
    reader
        Reads the features.
    segments
        The model in use, and the partition's sums: they follow.
    previous
        The version before.
    centroids
        float64[k, d]: the present centroids over all partitions.
    hysteresis
        When a customer is reported in another segment.
    """

    reader: FeatureReader
    segments: OnlineSegments
    previous: Previous
    centroids: NDArray[np.float64]
    hysteresis: Hysteresis

    def score(
        self,
        step: StepContext,
        records: Records,
        ids: list[str],
        rows: NDArray[np.int64],
        reasons: NDArray[np.int64],
        causes: Mapping[int, Mapping[str, str]],
    ) -> NDArray[np.float64]:
        """Score some customers, in place, emit who moved, and return their distances to their nearest centroids.

        Parameters
        ----------
        step
            The step: whole seconds of its time count, and its changes get the moves.
        records, ids, rows
            The records at hand, the customers' ids row by row, and the rows to score.
        reasons
            The :class:`Reason` for which each row is scored.
        causes
            By row, the event that touched the customer.
        """
        model, seconds = self.segments.model, step.now // MS
        some = records.take(rows)
        raw = self.reader.read(some, seconds * MS)
        vectors = model.scale.encode(raw)
        current = some.scored_by(model.version)
        old_nearest = np.where(current & (some.nearest != NO_SEGMENT), some.nearest.astype(np.int64), ABSENT)
        nearest, distance = self.segments.move_to_nearest(some.vectors, old_nearest, vectors, self.centroids)
        order = np.arange(len(rows))

        reported = self._carried(some, current)
        reports = report(
            nearest,
            distance[order, nearest],
            distance[order, np.maximum(reported, 0)],
            ReportedSegments(reported, self._just_left(some), some.since * MS),
            np.full(len(rows), seconds * MS),
            self.hysteresis,
        )
        from_ids = self._reported_ids_before(some, current)
        reasons = np.where(
            self._would_move_without_refit(vectors, from_ids, reports.labels, reasons), int(Reason.LAPSE), reasons
        )
        changed = np.flatnonzero(reports.changed)
        geometries = encoded_geometries(
            model, self.centroids, vectors[changed], reports.labels[changed], reported[changed]
        )
        reasons = np.where(reports.orphaned, int(Reason.REFIT), reasons)[changed]
        to_ids = [model.ids[label] for label in reports.labels[changed].tolist()]
        prepend_moves(some, changed, seconds, [from_ids[index] for index in changed.tolist()], to_ids, reasons)
        columns = zip(
            changed.tolist(),
            to_ids,
            map(Reason, reasons.tolist()),
            figures(list(self.reader.features), raw[changed]),
            ((seconds * MS - some.last_event[changed]) / 86_400_000).tolist(),
            reports.margins[changed].tolist(),
            geometries,
            strict=True,
        )
        time, version = to_short_iso(seconds * MS), model.version
        for index, to_id, reason, features, idle, margin, geometry in columns:
            row = int(rows[index])
            if reason is Reason.EVENT:
                cause = texts(causes[row])
            elif reason is Reason.LAPSE:
                cause = f'{{"idle_days":{figure(idle)}}}'
            else:
                cause = f'{{"model_version":{version}}}'
            members = (
                f'"customer_id":{text(ids[row])},"from":{text(from_ids[index])},"to":{text(to_id)},'
                f'"reason":"{reason.label}","time":"{time}","margin":{figure(margin)},"features":{features},'
                f'"model_version":{version},"cause":{cause}'
            )
            step.changes.emit_json(Topic.SEGMENT_CHANGES, ids[row], members, geometry=geometry)
        some.vectors, some.nearest, some.reported = vectors, nearest.astype(np.uint8), reports.labels.astype(np.uint8)
        some.since, some.scored_at = reports.since // MS, np.full(len(rows), seconds)
        some.model_version = np.full(len(rows), stored_version(model.version), np.uint16)
        records.place(rows, some, _SCORED)
        nearest_distances: NDArray[np.float64] = distance[order, nearest]
        return nearest_distances

    def _carried(self, some: Records, current: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Return the reported segments as rows of this model: ABSENT for none, DIED if it is gone."""
        labels = np.where(some.reported == NO_SEGMENT, ABSENT, some.reported.astype(np.int64))
        carried, model = np.empty(len(labels), np.int64), self.segments.model
        for rows, ids in ((current, model.ids), (~current, self.previous.ids)):
            carried[rows] = model.labels_of(ids)[labels[rows]]
        return carried

    def _just_left(self, some: Records) -> NDArray[np.int64]:
        """Return the segments that customers left at their last move, as rows of this model."""
        row_of = {number_of(segment): row for row, segment in enumerate(self.segments.model.ids)}
        return np.array([row_of.get(number, ABSENT) for number in some.moves["left"][:, 0].tolist()], np.int64)

    def _would_move_without_refit(
        self,
        vectors: NDArray[np.int16],
        from_ids: list[str | None],
        labels: NDArray[np.int64],
        reasons: NDArray[np.int64],
    ) -> NDArray[np.bool_]:
        """Return who is scored for a refit, but would be in the same segment without it: time has passed."""
        before = self.previous
        candidates = np.flatnonzero(
            (reasons == int(Reason.REFIT)) & np.array([one is not None for one in from_ids], bool)
        )
        found = np.zeros(len(reasons), bool)
        if not len(candidates) or not len(before.centroids):
            return found
        distance = distances(vectors[candidates], before.centroids)
        row_of = {one: row for row, one in enumerate(before.ids)}
        was = np.array([row_of.get(from_ids[index] or "", 0) for index in candidates.tolist()], np.int64)
        entered = [row_of.get(self.segments.model.ids[label], ABSENT) for label in labels[candidates].tolist()]
        nearest, order = distance.argmin(axis=1), np.arange(len(candidates))
        beyond = is_nearer_by(distance[order, nearest], distance[order, was], self.hysteresis.min_margin)
        found[candidates] = (nearest == entered) & beyond
        return found

    def _reported_ids_before(self, some: Records, current: NDArray[np.bool_]) -> list[str | None]:
        """Return the segments, by id, that customers were reported in so far; ``None`` for none."""
        return [
            None if label == NO_SEGMENT else self.segments.model.ids[label] if same else self.previous.ids[label]
            for label, same in zip(some.reported.tolist(), current.tolist(), strict=True)
        ]


def prepend_moves(
    records: Records,
    rows: NDArray[np.int64],
    seconds: int,
    from_ids: Sequence[str | None],
    to_ids: Sequence[str],
    reasons: NDArray[np.int64],
) -> None:
    """Put a move in front of the last moves of each of some customers."""
    moves = records.moves[rows]
    moves[:, 1:] = moves[:, :-1].copy()
    moves["time"][:, 0] = max(seconds, 1)
    moves["left"][:, 0] = [number_of(one) for one in from_ids]
    moves["entered"][:, 0] = [number_of(one) for one in to_ids]
    moves["reason"][:, 0] = reasons
    records.moves[rows] = moves


def number_of(segment: str | None) -> int:
    """Return the number in a segment's id; 0 for none."""
    return int(segment.removeprefix("s")) if segment else 0
