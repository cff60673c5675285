"""The moves, rule changes and rejects among the kept changes: added as they come, forgotten as they are trimmed."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any, Final

from crm_online.answers.segments import Flow, SegmentFlows
from crm_online.answers.service import RejectedRecord, Rejects
from crm_online.live.feeds.events import MOVE, FeedEvent

EVER: Final = "9"
"""A time after all times."""
REJECTS: Final = 1000
"""Rejects of which more than the reason is held."""
BEHAVIOUR: Final = ("event", "lapse")
"""Reasons of moves that customers made; the others are the model's or the state's."""


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
class TalliedMove:
    """A move that is kept.

    Attributes
    ----------
    customer
        Whose; empty once they are erased.
    left, entered, reason
        From which segment to which, and why.
    time
        When, as changes have it.
    event_type, idle_days, spending
        After which kind of event, or after how many days without one; what they had spent, as the feature had it.
    """

    customer: str
    left: str | None
    entered: str | None
    reason: str
    time: str
    event_type: str | None
    idle_days: float | None
    spending: float | None


@dataclass(frozen=True, slots=True)
class TalliedRule:
    """A change of a rule that is kept: its id, what became of it, and its figures from then on."""

    rule: str
    change: str
    support: float
    confidence: float
    lift: float


@dataclass(slots=True)
class _Window:
    """The changes that are kept of one partition, in order; None: nothing to count."""

    changes: deque[_Counted | None] = field(default_factory=deque)
    times: deque[str | None] = field(default_factory=deque)
    details: deque[TalliedMove | TalliedRule | None] = field(default_factory=deque)


class Tally:
    """Counts and details of the changes that are kept, over all partitions."""

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
        window.details.append(_detail(event, window.times[-1]))

    def keep(self, partition: int, most: int) -> None:
        """Subtract the changes that were trimmed: all but the last ``most`` changes of a partition."""
        window = self._windows.setdefault(partition, _Window())
        while len(window.changes) > most:
            window.times.popleft()
            window.details.popleft()
            gone = window.changes.popleft()
            if gone is not None:
                self._counts[gone] -= 1

    def forget(self, customers: Collection[str]) -> None:
        """Forget whose the moves of erased customers were, up to the erasure; later ones stay."""
        for window in self._windows.values():
            gone = set[str]()
            for detail in reversed(window.details):
                if isinstance(detail, TalliedMove) and detail.customer in customers:
                    if detail.reason == "erase":
                        gone.add(detail.customer)
                    if detail.customer in gone:
                        detail.customer, detail.spending = "", None

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
        begun, first_kept = datetime.fromisoformat(since) if since else None, self.kept_since
        ordered = sorted(pairs.items(), key=lambda pair: (-pair[1], pair[0][0], pair[0][1] or ""))
        return SegmentFlows(
            since=max(begun, first_kept) if begun and first_kept else first_kept,
            moves=pairs.total(),
            flows=[Flow(from_=left, to=entered, moves=count) for (left, entered), count in ordered],
            reasons=dict(sorted(reasons.items())),
            first_segments=first,
        )

    @property
    def kept_since(self) -> datetime | None:
        """The time of the oldest change that has one; ``None``: there is none."""
        oldest = [next((time for time in window.times if time), None) for window in self._windows.values()]
        return min((datetime.fromisoformat(time) for time in oldest if time), default=None)

    @property
    def complete_since(self) -> datetime | None:
        """From when on the changes of all partitions are kept; ``None``: there are none."""
        oldest = [next((time for time in window.times if time), None) for window in self._windows.values()]
        return max((datetime.fromisoformat(time) for time in oldest if time), default=None)

    def counted(self, since: str, until: str = EVER) -> Counter[_Counted]:
        """Count what is kept since a time, and before another."""
        found = Counter[_Counted]()
        for window in self._windows.values():
            begin, end = _between(window, since, until)
            found.update(one for one in islice(window.changes, begin, end) if one is not None)
        return found

    def moves(self, since: str, until: str = EVER) -> Iterator[TalliedMove]:
        """Yield the moves that are kept since a time, and before another, each partition's in order."""
        for detail in self._details(since, until):
            if isinstance(detail, TalliedMove):
                yield detail

    def rules(self, since: str, until: str = EVER) -> Iterator[TalliedRule]:
        """Yield the changes of rules that are kept since a time, and before another, each partition's in order."""
        for detail in self._details(since, until):
            if isinstance(detail, TalliedRule):
                yield detail

    def rejects(self, rejected: int, most: int) -> Rejects:
        """Return the last rejects; ``rejected`` is how many there were in all."""
        reasons = {one.reason: count for one, count in self._counts.most_common() if one.kind == "reject" and count}
        return Rejects(
            rejected=rejected,
            reasons=reasons,
            rejects=[RejectedRecord(**value) for value in islice(reversed(self._rejects), most)],
        )

    def _details(self, since: str, until: str) -> Iterator[TalliedMove | TalliedRule | None]:
        for window in self._windows.values():
            yield from islice(window.details, *_between(window, since, until))


def _between(window: _Window, since: str, until: str) -> tuple[int, int]:
    """Return the places of the first change since a time, and of the first one after it not before another.

    Changes of a partition are in order of time. One without a time of its own, a rule's, is as late as the last move
    before it, or the first one, if there is none before.
    """
    begin = end = len(window.times)
    for place in range(len(window.times) - 1, -1, -1):
        time = window.times[place]
        if time is None:
            continue
        if time < since:
            return begin, end
        begin = place
        if time >= until:
            end = place
    return (0, 0 if end == begin else end) if begin < len(window.times) else (begin, end)


def _counted(event: FeedEvent) -> _Counted | None:
    if event.kind == MOVE:
        return _Counted(MOVE, event.value["reason"], event.value["from"], event.value["to"])
    if event.kind == "rule":
        return _Counted("rule", event.value["change"])
    return _Counted("reject", event.value["reason"]) if event.kind == "reject" else None


def _detail(event: FeedEvent, time: str | None) -> TalliedMove | TalliedRule | None:
    value = event.value
    if event.kind == MOVE:
        more = (value["event_type"], value["idle_days"], value["spending"])
        return TalliedMove(event.key, value["from"], value["to"], value["reason"], time or "", *more)
    if event.kind == "rule":
        return TalliedRule(event.key, value["change"], value["support"], value["confidence"], value["lift"])
    return None
