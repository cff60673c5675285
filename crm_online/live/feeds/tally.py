"""The moves, rule changes and rejects among the kept changes: added as they come, forgotten as they are trimmed."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Final

from crm_online.answers.segments import Flow, SegmentFlows
from crm_online.answers.service import RejectedRecord, Rejects
from crm_online.live.feeds.events import BLANK, MOVE, REJECT, RULE, FeedEvent
from crm_online.step import ChangeId
from crm_online.store.entries import RejectSearch

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
    """A change of a rule that is kept: its id, what became of it and when, and its figures from then on."""

    rule: str
    change: str
    time: str
    support: float
    confidence: float
    lift: float


@dataclass(slots=True)
class _Window:
    """The changes of one kind that are kept of one partition, in order."""

    changes: deque[_Counted] = field(default_factory=deque)
    times: deque[str | None] = field(default_factory=deque)
    details: deque[TalliedMove | TalliedRule | None] = field(default_factory=deque)


class Tally:
    """Counts and details of the changes that are kept, over all partitions.

    A reject has no time of its own: it is as late as the last move or change of a rule before it, or the first one, if
    there is none before.
    """

    def __init__(self) -> None:
        self._windows: dict[tuple[int, str], _Window] = {}
        self._counts: Counter[_Counted] = Counter()
        self._known: dict[_Counted, _Counted] = {}
        self._first: dict[int, str] = {}
        self._latest: dict[int, str] = {}
        self._rejects: deque[FeedEvent] = deque(maxlen=REJECTS)

    def add(self, event: FeedEvent) -> None:
        """Count a change."""
        counted, partition = _counted(event), event.partition
        if counted is None:
            return
        counted = self._known.setdefault(counted, counted)
        self._counts[counted] += 1
        if event.kind == REJECT:
            self._rejects.append(event)
        # The changes of a step have the same time: one text of it is enough.
        time = None if event.kind == REJECT else event.value["time"]
        if time is not None and time != self._latest.get(partition):
            self._latest[partition] = time
            self._first.setdefault(partition, time)
        window, time = self._windows.setdefault((partition, counted.kind), _Window()), self._latest.get(partition)
        window.changes.append(counted)
        window.times.append(time)
        window.details.append(_detail(event, time))

    def keep(self, partition: int, most: Mapping[str, int]) -> None:
        """Subtract the changes that were trimmed: all but the last of a partition, ``most`` of each kind."""
        for (number, kind), window in self._windows.items():
            trimmed = number == partition and len(window.changes) > most.get(kind, 0)
            while number == partition and len(window.changes) > most.get(kind, 0):
                window.times.popleft()
                window.details.popleft()
                self._counts[window.changes.popleft()] -= 1
            if trimmed and kind == REJECT:
                held = [event for event in self._rejects if event.partition == partition]
                gone = {event.id for event in held[: max(len(held) - len(window.changes), 0)]}
                self._hold(event for event in self._rejects if event.id not in gone)

    def forget(self, erasures: Mapping[str, ChangeId]) -> None:
        """Forget whose the moves of erased customers were, and rejects that name them, up to the erasure.

        Parameters
        ----------
        erasures
            The customers, and the change that says so of each; what comes later in its partition stays.
        """
        search = RejectSearch(erasures)
        self._hold(
            event
            for event in self._rejects
            if event.kind != BLANK and not any(_is_before(event, erasures[name]) for name in search.named(event.data))
        )
        for window in self._windows.values():
            gone = set[str]()
            for detail in reversed(window.details):
                if isinstance(detail, TalliedMove) and detail.customer in erasures:
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
        asked, first_kept = datetime.fromisoformat(since) if since else None, self.kept_since
        ordered = sorted(pairs.items(), key=lambda pair: (-pair[1], pair[0][0], pair[0][1] or ""))
        return SegmentFlows(
            since=max(asked, first_kept) if asked and first_kept else first_kept,
            moves=pairs.total(),
            flows=[Flow(from_=left, to=entered, moves=count) for (left, entered), count in ordered],
            reasons=dict(sorted(reasons.items())),
            first_segments=first,
        )

    @property
    def kept_since(self) -> datetime | None:
        """The time of the oldest move that is kept; ``None``: there is none."""
        return min(self._oldest(MOVE), default=None)

    @property
    def complete_since(self) -> datetime | None:
        """From when on the moves of all partitions are kept; ``None``: there are none."""
        return max(self._oldest(MOVE), default=None)

    @property
    def rules_complete_since(self) -> datetime | None:
        """From when on the changes of rules are kept; ``None``: there are none."""
        return max(self._oldest(RULE), default=None)

    def _oldest(self, kind: str) -> Iterator[datetime]:
        for (_, one), window in self._windows.items():
            if one == kind and window.times and window.times[0] is not None:
                yield datetime.fromisoformat(window.times[0])

    def counted(self, since: str, until: str = EVER) -> Counter[_Counted]:
        """Count what is kept since a time, and before another."""
        found = Counter[_Counted]()
        for (partition, _), window in self._windows.items():
            found.update(islice(window.changes, *self._between(partition, window, since, until)))
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
        reasons = {one.reason: count for one, count in self._counts.most_common() if one.kind == REJECT and count}
        return Rejects(
            rejected=rejected,
            reasons=reasons,
            rejects=[RejectedRecord(**event.value) for event in islice(reversed(self._rejects), most)],
        )

    def _hold(self, rejects: Iterable[FeedEvent]) -> None:
        self._rejects = deque(list(rejects), maxlen=REJECTS)

    def _details(self, since: str, until: str) -> Iterator[TalliedMove | TalliedRule | None]:
        for (partition, _), window in self._windows.items():
            yield from islice(window.details, *self._between(partition, window, since, until))

    def _between(self, partition: int, window: _Window, since: str, until: str) -> tuple[int, int]:
        """Return the places of the first change since a time, and of the first one after it not before another."""
        begin = end = len(window.times)
        for place, time in zip(range(len(window.times) - 1, -1, -1), reversed(window.times), strict=True):
            at = time or self._first.get(partition)
            if at is None or at < since:
                break
            begin = place
            if at >= until:
                end = place
        return begin, end


def _is_before(event: FeedEvent, erasure: ChangeId) -> bool:
    """Tell whether a change came before an erasure; one of another partition did, as it was read before."""
    return event.partition != erasure.partition or event.id < erasure


def _counted(event: FeedEvent) -> _Counted | None:
    if event.kind == MOVE:
        return _Counted(MOVE, event.value["reason"], event.value["from"], event.value["to"])
    if event.kind == RULE:
        return _Counted(RULE, event.value["change"])
    return _Counted(REJECT, event.value["reason"]) if event.kind == REJECT else None


def _detail(event: FeedEvent, time: str | None) -> TalliedMove | TalliedRule | None:
    value = event.value
    if event.kind == MOVE:
        more = (value["event_type"], value["idle_days"], value["spending"])
        return TalliedMove(event.key, value["from"], value["to"], value["reason"], time or "", *more)
    if event.kind == RULE:
        figures = value["support"], value["confidence"], value["lift"]
        return TalliedRule(event.key, value["change"], time or "", *figures)
    return None
