"""Counts of the moves and rejects among the kept changes: added as they come, subtracted as they are trimmed."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any, Final

from crm_online.answers.segments import Flow, SegmentFlows
from crm_online.answers.service import RejectedRecord, Rejects
from crm_online.live.feeds.events import MOVE, FeedEvent

_EVER: Final = "9"
REJECTS: Final = 1000
"""Rejects of which more than the reason is held."""


@dataclass(frozen=True, slots=True)
class _Counted:
    """What is counted of a change: a move and its reason, a reject's reason, or what became of a rule."""

    kind: str
    reason: str
    left: str | None = None
    entered: str | None = None

    @property
    def moved(self) -> bool:
        """Whether it is a move."""
        return self.kind == MOVE


@dataclass(slots=True)
class _Window:
    """The changes that are kept of one partition, in order; None: nothing to count."""

    changes: deque[_Counted | None] = field(default_factory=deque)
    times: deque[str | None] = field(default_factory=deque)


class Tally:
    """Counts of the changes that are kept, over all partitions."""

    def __init__(self) -> None:
        self._windows: dict[int, _Window] = {}
        self._counts: Counter[_Counted] = Counter()
        self._known: dict[_Counted, _Counted] = {}
        self._rejects: deque[Mapping[str, Any]] = deque(maxlen=REJECTS)

    def add(self, event: FeedEvent) -> None:
        """Count a change."""
        window = self._windows.setdefault(event.partition, _Window())
        counted, time = _counted(event), event.value.get("time")
        if counted is not None:
            counted = self._known.setdefault(counted, counted)
            self._counts[counted] += 1
        if event.kind == "reject":
            self._rejects.append(event.value)
        # The moves of a step have the same time: one text of it is enough.
        same = window.times and window.times[-1] == time
        window.changes.append(counted)
        window.times.append(window.times[-1] if same else time)

    def keep(self, partition: int, most: int) -> None:
        """Subtract the changes that were trimmed: all but the last ``most`` changes of a partition."""
        window = self._windows.setdefault(partition, _Window())
        while len(window.changes) > most:
            window.times.popleft()
            gone = window.changes.popleft()
            if gone is not None:
                self._counts[gone] -= 1

    def flows(self, since: str | None = None, reasons: Collection[str] = ()) -> SegmentFlows:
        """Return who moved from where to where.

        Parameters
        ----------
        since
            Only moves since this time, as changes have it; ``None``: all that are kept.
        reasons
            Only moves for one of these reasons; where there are none, for any.
        """
        kept = self._counts if since is None else self.counted(since)
        counts = {
            counted: count
            for counted, count in kept.items()
            if counted.moved and count and (not reasons or counted.reason in reasons)
        }
        pairs, reasons = Counter[tuple[str, str | None]](), Counter[str]()
        first = 0
        for counted, count in counts.items():
            if counted.left is None:
                first += count if counted.entered is not None else 0
            else:
                pairs[counted.left, counted.entered] += count
                reasons[counted.reason] += count
        oldest = [next((time for time in window.times if time), None) for window in self._windows.values()]
        first_kept = min((datetime.fromisoformat(time) for time in oldest if time), default=None)
        begun = datetime.fromisoformat(since) if since else None
        ordered = sorted(pairs.items(), key=lambda pair: (-pair[1], pair[0][0], pair[0][1] or ""))
        return SegmentFlows(
            since=max(begun, first_kept) if begun and first_kept else first_kept,
            moves=pairs.total(),
            flows=[Flow(from_=left, to=entered, moves=count) for (left, entered), count in ordered],
            reasons=dict(sorted(reasons.items())),
            first_segments=first,
        )

    def counted(self, since: str, until: str = _EVER) -> Counter[_Counted]:
        """Count what is kept since a time, and before another; changes of a partition are in order of time.

        A rule's change has no time of its own: it is as late as the last move before it.
        """
        found = Counter[_Counted]()
        for window in self._windows.values():
            waiting = Counter[_Counted]()
            for counted, time in zip(reversed(window.changes), reversed(window.times), strict=True):
                if counted is not None and not counted.moved:
                    waiting[counted] += 1
                if time is None:
                    continue
                if time < since:
                    break
                if time < until:
                    found += waiting
                    if counted is not None and counted.moved:
                        found[counted] += 1
                waiting.clear()
        return found

    def rejects(self, rejected: int, most: int) -> Rejects:
        """Return the last rejects; ``rejected`` is how many there were in all."""
        reasons = {one.reason: count for one, count in self._counts.most_common() if one.kind == "reject" and count}
        return Rejects(
            rejected=rejected,
            reasons=reasons,
            rejects=[RejectedRecord(**value) for value in islice(reversed(self._rejects), most)],
        )


def _counted(event: FeedEvent) -> _Counted | None:
    if event.kind == MOVE:
        return _Counted(MOVE, event.value["reason"], event.value["from"], event.value["to"])
    if event.kind == "rule":
        return _Counted("rule", event.value["change"])
    return _Counted("reject", event.value["reason"]) if event.kind == "reject" else None
