"""The names of segments over time."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from crm_online.errors import StateCorrupt


@dataclass(frozen=True, slots=True)
class SegmentNames:
    """The names of segments over time, as they are kept.

    Attributes
    ----------
    times, names
        By segment, since when, in ms, it had which name, the oldest first.
    by_hand
        By segment, the name that somebody gave it: it holds at all times.
    """

    times: dict[str, list[int]] = field(default_factory=dict)
    names: dict[str, list[str]] = field(default_factory=dict)
    by_hand: dict[str, str] = field(default_factory=dict)

    @classmethod
    def stored(cls, raw: Sequence[bytes]) -> SegmentNames:
        """Return the names that are stored, see `crm_online.engine.owner.NAMES`.

        Raises
        ------
        StateCorrupt
            If they are something else.

        Examples
        --------
        >>> names = SegmentNames.stored([b'[0,"s1","Newcomers"]', b'[86400000,"s1","Big spenders"]'])
        >>> [names.at("s1", f"1970-01-0{day}T12:00:00Z") for day in (1, 2)], names.at("s2", "1970-01-01T00:00:00Z")
        (['Newcomers', 'Big spenders'], 's2')
        """
        found = cls()
        try:
            for time, segment, name in map(json.loads, raw):
                found.times.setdefault(segment, []).append(int(time))
                found.names.setdefault(segment, []).append(str(name))
        except (ValueError, TypeError) as error:
            raise StateCorrupt("the names of segments over time cannot be read") from error
        return found

    def at(self, segment: str | None, time: str) -> str | None:
        """Return the name that a segment had at a time; the first it got, if later; its id, if it never had one."""
        if segment is None:
            return None
        if segment in self.by_hand:
            return self.by_hand[segment]
        if segment not in self.names:
            return segment
        since = bisect_right(self.times[segment], int(datetime.fromisoformat(time).timestamp() * 1000))
        return self.names[segment][max(since - 1, 0)]

    def latest(self) -> dict[str, str]:
        """Return the last name of each segment, those that are gone too."""
        return {segment: names[-1] for segment, names in self.names.items()} | self.by_hand
