"""Customers as look-ups tell them, many at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crm_online.customers.records import NO_SEGMENT, Records
from crm_online.digits import digits
from crm_online.engine.changes import Reason, iso
from crm_online.engine.peers import PartitionSums, added
from crm_online.engine.scoring import FeatureReader
from crm_online.segments.kmeans import distances
from crm_online.segments.model import Model


@dataclass(frozen=True, slots=True, eq=False)
class Bearings:
    """What customers are described against.

    Attributes
    ----------
    reader
        Reads their features.
    as_of
        The time at which features are read, in ms.
    model
        The model in use; ``None`` before the first.
    centroids
        Its present centroids over all partitions, in vector units, shape (k, d); ``None`` without a model.
    """

    reader: FeatureReader
    as_of: int
    model: Model | None
    centroids: NDArray[np.float64] | None

    @classmethod
    def of(cls, reader: FeatureReader, as_of: int, model: Model | None, sums: Sequence[PartitionSums]) -> Bearings:
        """Return the bearings that the sums of all partitions give."""
        total, complete = added(sums, model.version) if model else (None, False)
        if model is None or total is None:
            return cls(reader, as_of, None, None)
        return cls(reader, as_of, model, model.current(total.centroids()) if complete else model.centres())


def told(
    names: Sequence[str], records: Records, segments: Sequence[str | None], bearings: Bearings
) -> list[dict[str, object]]:
    """Return customers as ``crm-online customer --json`` has them.

    Parameters
    ----------
    names, records, segments
        Their ids, their records, and the segments that they are reported to be in, row by row.
    bearings
        What they are described against.
    """
    features = list(bearings.reader.features)
    raw = bearings.reader.read(records, bearings.as_of).tolist()
    since, reported = records.since.tolist(), records.reported.tolist()
    events, last, moves = records.events.tolist(), records.last_event.tolist(), records.moves.tolist()
    ids = list(bearings.model.ids) if bearings.model else []
    away = _distances(records, bearings)
    return [
        {
            "customer_id": name,
            "segment": segments[row],
            "since": iso(since[row] * 1000) if reported[row] != NO_SEGMENT else None,
            "features": dict(zip(features, map(digits, raw[row]), strict=True)),
            "distances": dict(zip(ids, map(digits, far), strict=True)) if (far := away[row]) is not None else {},
            "history": [_move(*move) for move in moves[row] if move[0]],
            "events": events[row],
            "last_event": iso(last[row]),
        }
        for row, name in enumerate(names)
    ]


def _distances(records: Records, bearings: Bearings) -> list[list[float] | None]:
    """Return how far customers are from each centroid; ``None`` for those whom the model has not scored."""
    if bearings.model is None or bearings.centroids is None:
        return [None] * len(records)
    scored = records.scored_by(bearings.model.version).tolist()
    away = distances(records.vectors, bearings.centroids).tolist()
    return [far if here else None for far, here in zip(away, scored, strict=True)]


def _move(seconds: int, left: int, entered: int, reason: int) -> dict[str, object]:
    return {
        "time": iso(seconds * 1000),
        "from": f"s{left}" if left else None,
        "to": f"s{entered}" if entered else None,
        "reason": Reason(reason).word,
    }
