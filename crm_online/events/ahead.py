"""Times that lie too far ahead of their log: one mistyped year must not make all customers look lapsed.

A log has no clock but its own events. Whoever has one, as the service and Kafka's broker do, needs none of this but
:func:`before_clock`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from crm_online.events.columns import EventColumns, concat, timeless

TOO_FAR = "time too far ahead of the log"
"""Why an event is a reject that lies too far ahead."""

TOO_FAR_BY_CLOCK = "time too far ahead of the clock"
"""The same, where there is a clock."""

WINDOW = 1000
"""How many events from a leap in time on are looked at before it is believed or not."""

VOUCHING = 2
"""Distinct customers that must have events there for a leap to be believed."""

MOST_VOUCHING = 20
"""The same at most, for a leap of more than ``LONGEST`` in a log of short pauses."""

SPARSE = 20
"""How many usual pauses of its events a log may leap, where that is more than the limit."""

LONGEST = 366 * 86_400_000
"""The longest leap in ms that a log is allowed for its usual pauses: years are what is mistyped."""

REMEMBERED = 20
"""Pauses of a log that are remembered from step to step, the last ones."""


class Verdict(NamedTuple):
    """What is to be done with the events of a chunk.

    Attributes
    ----------
    far
        bool[n]: those that are refused as too far ahead.
    watermark
        The largest event time after it, in ms.
    held
        Index of the event from which on they wait for what the log brings next; ``None`` if none does.
    pauses
        The last pauses of the log, in ms.
    """

    far: NDArray[np.bool_]
    watermark: int | None
    held: int | None = None
    pauses: tuple[int, ...] = ()


def judge(
    events: EventColumns,
    watermark: int | None,
    limit: int | None,
    pauses: Sequence[int] = (),
    following: Callable[[int], tuple[Sequence[EventColumns], bool]] = lambda _: ((), True),
) -> Verdict:
    """Judge the times of a chunk's events, and move the watermark on by those that are accepted.

    A log goes on from where it was: an event may lie up to ``limit`` after the one before it in time, and in a log
    that always pauses for long up to ``SPARSE`` usual pauses, at most ``LONGEST``. A greater leap is believed if the
    log goes on from there, as after a shop was closed: if ``VOUCHING`` customers have events there, and at least half
    of the ``WINDOW`` events from the leap on lie beyond it. A leap of more than ``LONGEST`` is believed only if they
    have different times, since what a system writes for "never" is one date, and if there are as many customers as the
    log has pauses in that time, ``MOST_VOUCHING`` at most: a busy shop is not closed for years and then has two.
    Where the log ends before that is known, the events beyond the leap are held back: what the log brings next decides.

    A log that is sorted from the newest event to the oldest has what is beyond a leap first, and then no more.

    An erasure or objection is never too far ahead: whoever asks for it gets it, whatever the date says. But it
    vouches for nothing, and one that lies more than ``limit`` after all else does not move the watermark.

    Parameters
    ----------
    events
        The chunk's events, in the order of the rows.
    watermark
        The largest event time of the log before the chunk, in ms; ``None`` if there is none.
    limit
        Longest leap in ms that needs nothing to vouch for it; ``None`` for any.
    pauses
        What this returned for the chunk before.
    following
        Returns the events that follow the chunk in the log, so many as its argument, or all that there are, and
        whether the log ends with them.
    """
    exempt = timeless(events)
    far, held = np.zeros(len(events), bool), None
    if limit is not None:
        span = _Span(events, watermark, pauses)
        # Of a log's very first events only those that follow can say whether they lie ahead of it.
        missing = span.missing(limit) if watermark is not None else max(1, WINDOW - len(events))
        if missing and len(events):
            more, ended = following(missing)
            longer = _Span(concat([events, *more]), watermark, pauses) if more else span
            beyond = longer.beyond(limit)
            far = beyond[: len(events)]
            if ended:
                held = _tail(beyond, len(events))
    kept = np.arange(len(events)) < (len(events) if held is None else held)
    accepted = events.time[~far & ~exempt & kept]
    if limit is not None:
        pauses = (*pauses, *np.diff(_steps(accepted, watermark)).tolist())[-REMEMBERED:]
    watermark = _latest(accepted, watermark)
    if limit is not None:
        exempt &= events.time <= (-1 if watermark is None else watermark + limit)
    return Verdict(far & kept, _latest(events.time[exempt & kept], watermark), held, tuple(pauses))


def before_clock(
    events: EventColumns, watermark: int | None, latest: int | None
) -> tuple[NDArray[np.bool_], int | None]:
    """Judge the times of events by a clock: what lies before ``latest``, in ms, is no mistyped year.

    Returns
    -------
    tuple
        Which are too far ahead, bool[n]; and the watermark after the others, which an erasure or objection
        that lies after ``latest`` does not move.
    """
    if latest is None:
        return np.zeros(len(events), bool), _latest(events.time, watermark)
    after = events.time > (latest if watermark is None else max(latest, watermark))
    return after & ~timeless(events), _latest(events.time[~after], watermark)


class _Span:
    """A run of a log's events without the timeless ones, with the clock of the log before it."""

    def __init__(self, events: EventColumns, watermark: int | None, pauses: Sequence[int]) -> None:
        chosen = np.flatnonzero(~timeless(events))
        self._events, self._chosen = events, chosen
        self.times = events.time[chosen]
        self._has_watermark = watermark is not None
        self._steps = _steps(self.times, watermark)
        self._usual = np.sort([*pauses, *np.diff(self._steps).tolist()])[:-1]

    def missing(self, limit: int) -> int:
        """Return how many more events must be seen to judge leaps of more than ``limit``; 0 if there are none."""
        firsts = [int((self.times >= high).argmax()) for _, high, _ in self._leaps(limit)]
        return max(1, max(firsts) + WINDOW - len(self.times)) if firsts else 0

    def beyond(self, limit: int) -> NDArray[np.bool_]:
        """Return which of all events lie beyond all leaps that are believed; no erasure or objection does."""
        usual = self._usual
        longest = max(limit, min(SPARSE * int(np.median(usual)), LONGEST)) if len(usual) else limit
        far = np.zeros(len(self.times), bool)
        # What lies before a leap that is believed is believed too: the log has gone on beyond it.
        for low, high, end in reversed(self._leaps(longest)):
            if self._believed(low, high, end):
                break
            far = self.times >= high
        found = np.zeros(len(self._events), bool)
        found[self._chosen] = far
        return found

    def _leaps(self, longest: int) -> list[tuple[int, int, int]]:
        """Return each leap of more than ``longest``: the times before and after it, and the one before the next."""
        places = np.flatnonzero(np.diff(self._steps) > longest).tolist()
        ends = [*places, len(self._steps) - 1][1:]
        steps = self._steps.tolist()
        return [(steps[place], steps[place + 1], steps[end]) for place, end in zip(places, ends, strict=True)]

    def _believed(self, low: int, high: int, end: int) -> bool:
        first = int((self.times >= high).argmax())
        times = self.times[first : first + WINDOW]
        beyond = times >= high
        falling = int(np.sign(np.diff(times)).sum()) < -1  # apart from the fall from the leap itself
        if falling:
            times = times[: int(np.flatnonzero(beyond)[-1]) + 1]
            beyond = beyond[: len(times)]
        if 2 * int(beyond.sum()) < len(times):
            return False
        if not (first or falling or self._has_watermark):
            return True  # a log may begin anywhere
        there = np.flatnonzero(beyond & (times <= end))
        vouching = VOUCHING
        if high - low > LONGEST:
            if len(np.unique(times[there])) < VOUCHING:
                return False
            if not falling and len(self._usual):
                vouching = int(np.clip(LONGEST // max(int(np.median(self._usual)), 1), VOUCHING, MOST_VOUCHING))
        return len({self._customer(int(index)) for index in self._chosen[first + there]}) >= vouching

    def _customer(self, index: int) -> tuple[str, str]:
        """Return whose an event is; without a customer it is its basket's."""
        events = self._events
        if events.customer[index] >= 0:
            return "customer", events.customers[events.customer[index]]
        if events.basket[index] >= 0:
            return "basket", events.baskets[events.basket[index]]
        return "event", events.event_ids[index]


def _tail(beyond: NDArray[np.bool_], own: int) -> int | None:
    """Return from which of the first ``own`` events on all to the log's end lie beyond a leap; ``None`` from none."""
    normal = np.flatnonzero(~beyond)
    first = int(normal[-1]) + 1 if len(normal) else 0
    return first if first < own and len(beyond) - first < WINDOW else None


def _steps(times: NDArray[np.int64], watermark: int | None) -> NDArray[np.int64]:
    """Return the distinct times from the watermark on, in order."""
    steps = np.unique(times)
    return steps if watermark is None else np.concatenate(([watermark], steps[steps > watermark]))


def _latest(times: NDArray[np.int64], watermark: int | None) -> int | None:
    latest = [int(times.max())] if len(times) else []
    return max(latest if watermark is None else [watermark, *latest], default=None)
