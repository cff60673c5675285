"""What decided a move: how each feature pulled at the moment at which it was reported.

Centroids move on, and models are fitted anew, so it cannot be computed later: it is kept with the change.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crm_online.engine.change_json import figure_list, text
from crm_online.errors import StateCorrupt
from crm_online.segments.kmeans import distances
from crm_online.segments.model import Model
from crm_online.segments.vectors import RESOLUTION

_CENTROID_DIGITS = 4


@dataclass(frozen=True, slots=True)
class MoveGeometry:
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

    @classmethod
    def decode(cls, raw: bytes) -> MoveGeometry:
        """Read what :func:`encoded_geometries` wrote; raises ``StateCorrupt`` for anything else."""
        try:
            return cls(**json.loads(raw))
        except (ValueError, TypeError) as error:
            raise StateCorrupt("what decided a move cannot be read") from error


def encoded_geometries(
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
    natural = [figure_list(centroid, _CENTROID_DIGITS) for centroid in model.scale.decode(centroids).tolist()]
    pairs = np.stack([far[order, left], far[order, entered]], axis=1)
    columns = zip(left.tolist(), entered.tolist(), pulls.tolist(), pairs.tolist(), strict=True)
    return [
        (
            f'{{"against":{text(model.ids[one])},"left":{natural[one]},"entered":{natural[to]},'
            f'"pulls":{figure_list(pull)},"distances":{figure_list(pair)}}}'
        ).encode()
        for one, to, pull, pair in columns
    ]
