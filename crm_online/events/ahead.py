"""Times that lie too far ahead of their log: one mistyped year must not make everybody look lapsed."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from crm_online.events.columns import EventColumns, Kind

TOO_FAR = "time too far ahead of the log"
"""Why an event is a reject that lies too far ahead."""

VOUCHING = 10
"""Most events that must lie beyond a leap in time for it to be believed."""

SPARSE = 20
"""How many usual pauses of its events a log may leap, where that is more than the limit."""

LONGEST = 366 * 86_400_000
"""The longest leap in ms that a log is allowed for its usual pauses: years are what is mistyped."""


class Leap(NamedTuple):
    """Events that were refused with nothing normal after them: the latest of their times in ms, and how many."""

    latest: int
    events: int


class Judged(NamedTuple):
    """Which events of a chunk are too far ahead, the watermark after it in ms, and what may be vouched for yet."""

    far: NDArray[np.bool_]
    watermark: int | None
    leap: Leap | None


def judge(events: EventColumns, watermark: int | None, limit: int | None, leap: Leap | None = None) -> Judged:
    """Judge the times of a chunk's events, and move the watermark on by those that are taken.

    An erasure is never too far ahead: whoever asks to be forgotten is, whatever the date says. But it vouches
    for nothing, and one that lies more than ``limit`` after all else does not move the watermark.

    Parameters
    ----------
    events
        The chunk's events, in the order of the rows.
    watermark
        The largest event time of the log before the chunk, in ms; ``None`` if there is none.
    limit
        Longest leap in ms that needs nothing to vouch for it; ``None`` for any.
    leap
        That of the chunk before.
    """
    erasing = events.kind == Kind.ERASE
    far = np.zeros(len(events), bool)
    if limit is not None:
        far[~erasing], leap = too_far_ahead(events.time[~erasing], watermark, limit, leap)
    watermark = _latest(events.time[~far & ~erasing], watermark)
    if limit is not None:
        erasing &= events.time <= (-1 if watermark is None else watermark + limit)
    return Judged(far, _latest(events.time[erasing], watermark), leap)


def _latest(times: NDArray[np.int64], watermark: int | None) -> int | None:
    latest = [int(times.max())] if len(times) else []
    return max(latest if watermark is None else [watermark, *latest], default=None)


def too_far_ahead(
    times: NDArray[np.int64], watermark: int | None, limit: int, leap: Leap | None = None
) -> tuple[NDArray[np.bool_], Leap | None]:
    """Return which events of a chunk lie further ahead of the log than what came before them explains.

    A log goes on from where it was: an event may lie up to ``limit`` after the one before it in time. A
    greater leap is believed if the log goes on from there, as after a shop was closed: if at least half of
    the events from the leap on lie beyond it, and as many of them vouch for it as came before it, at most
    ``VOUCHING`` with those that were refused at the end of earlier chunks. In a log that always pauses for
    long, the limit is ``SPARSE`` usual pauses, at most ``LONGEST``.

    Parameters
    ----------
    times
        Event times in ms in the order of the rows, shape (n,).
    watermark
        The largest event time of the log before the chunk; ``None`` if there is none.
    limit
        Longest leap in ms that needs nothing to vouch for it.
    leap
        What this returned for the chunk before.

    Returns
    -------
    tuple
        Which are too far ahead, bool[n], and the leap that the next chunk may vouch for.

    Examples
    --------
    >>> day = 86_400_000
    >>> too_far_ahead(np.array([0, 1, 27000, 2, 3]) * day, None, 30 * day)[0].tolist()
    [False, False, True, False, False]
    >>> too_far_ahead(np.array([0, 1, 90, 91, 92]) * day, None, 30 * day)[0].tolist()
    [False, False, False, False, False]
    """
    far = np.zeros(len(times), bool)
    if not len(times):
        return far, leap
    steps = np.unique(times)
    if watermark is not None:
        steps = np.concatenate(([watermark], steps[steps > watermark]))
    pauses = np.diff(steps)
    usual = np.sort(pauses)[:-1]
    longest = max(limit, min(SPARSE * int(np.median(usual)), LONGEST)) if len(usual) else limit
    for low, high in zip(steps[:-1][pauses > longest].tolist(), steps[1:][pauses > longest].tolist(), strict=True):
        beyond: NDArray[np.bool_] = times >= high
        first = int(beyond.argmax())
        after, normal = beyond[first:], int((times[:first] <= low).sum())
        earlier = leap.events if leap and not normal and abs(high - leap.latest) <= longest else 0
        vouching, needed = int(after.sum()) + earlier, VOUCHING if watermark is not None else normal + 1
        if 2 * vouching < len(after) + earlier or vouching < min(VOUCHING, needed):
            return beyond, Leap(int(times[beyond].max()), vouching) if after.all() else None
    return far, None
