"""How large the segments were over event time, as the partition that fits models keeps it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from crm_online.engine.changes import to_json
from crm_online.errors import StateCorrupt
from crm_online.step import Append, Drop, Write

NAME = "sizes"
"""Name of the key: a list, the oldest first."""
MOST = 512
"""Points that are kept; when there are more, every second one goes."""
_HOUR = 3_600_000


class RecordedSizes:
    """Sizes of whole models only, at times that are an hour and a 256th of the history's length apart, or further.

    Parameters
    ----------
    stored
        The points as they are stored, the oldest first.

    Examples
    --------
    >>> history = RecordedSizes([])
    >>> for hour in range(2000):
    ...     _ = list(history.record(hour * 3_600_000, ["s1"], np.array([hour])))
    >>> 200 < len(history.points) <= MOST, history.points[-1][1]["s1"] > 1985
    (True, True)
    """

    def __init__(self, stored: Sequence[bytes]) -> None:
        self.points = [decode(raw) for raw in stored]

    def record(self, now: int, ids: Sequence[str], sizes: NDArray[np.int64]) -> Iterator[Write]:
        """Add the sizes at a time in ms, if the last point is old enough; ids and sizes are those of one model."""
        if self.points:
            first, last = self.points[0][0], self.points[-1][0]
            if now - last < max(_HOUR, 2 * (now - first) // MOST):
                return
        self.points.append((now, dict(zip(ids, sizes.tolist(), strict=True))))
        if len(self.points) > MOST:
            self.points = self.points[(len(self.points) - 1) % 2 :: 2]
            yield Drop(NAME)
            yield Append(NAME, [_encode(*point) for point in self.points])
        else:
            yield Append(NAME, [_encode(*self.points[-1])])


def decode(raw: bytes) -> tuple[int, dict[str, int]]:
    """Return the time, in ms, and the sizes by segment of a stored point.

    Raises
    ------
    StateCorrupt
        If it is something else.
    """
    try:
        time, sizes = json.loads(raw)
        return int(time), {str(one): int(size) for one, size in sizes.items()}
    except (ValueError, TypeError, AttributeError) as error:
        raise StateCorrupt("the history of the segments' sizes cannot be read") from error


def _encode(time: int, sizes: dict[str, int]) -> bytes:
    return to_json([time, sizes])
