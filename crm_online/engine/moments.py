"""What decided a move: how each feature pulled at the moment at which it was reported.

Centroids move on, and models are fitted anew, so it cannot be computed later: it is kept with the change.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from crm_online.digits import digits
from crm_online.engine.changes import to_json
from crm_online.errors import StateCorrupt
from crm_online.segments.kmeans import distances
from crm_online.segments.model import Model
from crm_online.segments.vectors import RESOLUTION

_CENTROID_DIGITS = 4


@dataclass(frozen=True, slots=True)
class Moment:
    """What decided one move; the features are in the order of the change's.

    Attributes
    ----------
    against
        The segment that pulls are measured against: the one left; the next nearest where there was none, or it is gone.
    left, entered
        The centroids of ``against`` and of the segment entered, in natural units.
    pulls
        By feature, the squared distance to ``against`` less that to the segment entered, in squared standard
        deviations. They add up to what the squared distances differ by.
    distances
        To ``against`` and to the segment entered, in standard deviations.
    """

    against: str
    left: Sequence[float]
    entered: Sequence[float]
    pulls: Sequence[float]
    distances: tuple[float, float]

    def encode(self) -> bytes:
        """Return it as JSON."""
        return to_json(asdict(self))

    @classmethod
    def decode(cls, raw: bytes) -> Moment:
        """Read what :meth:`encode` wrote; raises ``StateCorrupt`` for anything else."""
        try:
            return cls(**json.loads(raw))
        except (ValueError, TypeError) as error:
            raise StateCorrupt("what decided a move cannot be read") from error


def moments_of(
    model: Model,
    centroids: NDArray[np.float64],
    vectors: NDArray[np.int16],
    entered: NDArray[np.int64],
    reported: NDArray[np.int64],
) -> list[bytes]:
    """Return what decided some moves, encoded; empty where the model has one segment.

    Parameters
    ----------
    model, centroids
        The model that scored them, and the centroids that they were held against, float64[k, d].
    vectors
        int16[n, d]: the customers' vectors.
    entered, reported
        int64[n]: the segments entered, and those reported so far; below 0 where there is none, or it is gone.
    """
    n = len(vectors)
    if model.k < 2 or not n:
        return [b""] * n
    order = np.arange(n)
    far = distances(vectors, centroids)
    others = far.copy()
    others[order, entered] = np.inf
    left = np.where((reported >= 0) & (reported != entered), reported, others.argmin(axis=1))
    apart = [((vectors - centroids[rows]) / RESOLUTION) ** 2 for rows in (left, entered)]
    pulls = apart[0] - apart[1]
    natural = model.scale.decode(centroids).tolist()
    return [
        Moment(
            model.ids[one],
            [digits(value, _CENTROID_DIGITS) for value in natural[one]],
            [digits(value, _CENTROID_DIGITS) for value in natural[to]],
            [digits(value) for value in pulls[row].tolist()],
            (digits(float(far[row, one])), digits(float(far[row, to]))),
        ).encode()
        for row, (one, to) in enumerate(zip(left.tolist(), entered.tolist(), strict=True))
    ]
