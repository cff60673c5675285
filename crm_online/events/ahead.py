"""Times that lie too far ahead of their log: one mistyped year must not make everybody look lapsed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

VOUCHING = 10
"""Most events that a leap in time must be followed by before it is believed."""

SPARSE = 20
"""How many usual pauses of its events a log may leap, where that is more than the limit."""


def too_far_ahead(times: NDArray[np.int64], watermark: int | None, limit: int) -> NDArray[np.bool_]:
    """Return which events of a chunk lie further ahead of the log than the events before them explain.

    A log goes on from where it was: an event may lie up to ``limit`` after the one before it in time. A
    greater leap is believed if the log goes on from there, as after a shop was closed: if at least half of
    the events from the leap to the chunk's end lie beyond it, and as many of them vouch for it as came
    before it, at most ``VOUCHING``. In a log that always pauses for long, the limit is ``SPARSE`` usual pauses.

    Parameters
    ----------
    times
        Event times in ms in the order of the rows, shape (n,).
    watermark
        The largest event time of the log before the chunk; ``None`` if there is none.
    limit
        Longest leap in ms that needs nothing to vouch for it.

    Examples
    --------
    >>> day = 86_400_000
    >>> too_far_ahead(np.array([0, 1, 27000, 2, 3]) * day, None, 30 * day).tolist()
    [False, False, True, False, False]
    >>> too_far_ahead(np.array([0, 1, 90, 91, 92]) * day, None, 30 * day).tolist()
    [False, False, False, False, False]
    """
    far = np.zeros(len(times), bool)
    steps = np.unique(times)
    if watermark is not None:
        steps = np.concatenate(([watermark], steps[steps > watermark]))
    pauses = np.diff(steps)
    if not len(pauses):
        return far
    usual = np.sort(pauses)[:-1]
    longest = max(limit, SPARSE * int(np.median(usual))) if len(usual) else limit
    for low, high in zip(steps[:-1][pauses > longest], steps[1:][pauses > longest], strict=True):
        beyond: NDArray[np.bool_] = times >= high
        leap = int(beyond.argmax())
        after = beyond[leap:]
        before = VOUCHING if watermark is not None else int((times[:leap] <= low).sum())
        if 2 * int(after.sum()) < len(after) or int(after.sum()) - 1 < min(VOUCHING - 1, before):
            return beyond
    return far
