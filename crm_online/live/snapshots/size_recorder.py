"""How large the segments were since the service began to look."""

from __future__ import annotations

from typing import TypedDict

from crm_online.events.times import to_short_iso

MOST = 2000
"""Points that are kept; when there are more, every second one goes."""


class SizePoint(TypedDict):
    """Sizes by segment at a time, as ``answers.segments.Sizes`` has them."""

    as_of: str
    sizes: dict[str, int]


class SizeRecorder:
    """Points in ascending order of time; where the state was put back in time, the later ones go.

    Examples
    --------
    >>> history = SizeRecorder()
    >>> history.add(1000, {"s1": 3})
    >>> history.add(2000, {"s1": 3})
    >>> history.add(3000, {"s1": 4})
    >>> [point["sizes"]["s1"] for point in history.points]
    [3, 4]
    """

    def __init__(self) -> None:
        self.points: list[SizePoint] = []
        self._times: list[int] = []

    def add(self, as_of: int, sizes: dict[str, int]) -> None:
        """Add the sizes as of a time in ms, if they are others than before."""
        while self._times and self._times[-1] >= as_of:
            self._times.pop()
            self.points.pop()
        if self.points and self.points[-1]["sizes"] == sizes:
            return
        self._times.append(as_of)
        self.points.append(SizePoint(as_of=to_short_iso(as_of), sizes=sizes))
        if len(self.points) > MOST:
            # The last one stays: it has the current sizes.
            keep = slice((len(self.points) - 1) % 2, None, 2)
            self.points, self._times = self.points[keep], self._times[keep]
