"""A run of events cut where event time goes on, so that no step lives through much time at once.

How many rows a step takes says nothing of the time that passes in them: two thousand rows are a morning of one shop
and a month of another. What is due by a time is done by then only if no step goes far past it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crm_online.events.columns import EventColumns, Kind


@dataclass(frozen=True, slots=True)
class Slice:
    """Some rows of a run that follow on each other.

    Attributes
    ----------
    begin, end
        The range of rows.
    events
        Which events of the run lie in it.
    watermark
        The largest event time up to its end, in ms; ``None`` before the first event.
    """

    begin: int
    end: int
    events: slice
    watermark: int | None


def slices(
    events: EventColumns,
    begin: int,
    end: int,
    before: int | None,
    after: int | None,
    span: int,
    also: Sequence[int] = (),
) -> Iterator[Slice]:
    """Yield the rows ``begin`` to ``end`` in slices, in order; one slice if time goes on little.

    A slice ends before the watermark enters a second bucket of event time beyond the one in which the slice begins,
    so that what is due at a bucket's beginning is late by less than one. Buckets in which nothing happens cost
    nothing: a watermark that leaps over many enters one.

    Parameters
    ----------
    events
        The events among the rows, in the order of their positions.
    begin, end
        The range of rows.
    before, after
        The watermark before and after all of them, in ms. An erasure that lies beyond ``after`` moves nothing.
    span
        Length of a bucket in ms.
    also
        Rows before which a slice ends in any case.
    """
    passed = _watermarks(events, before, after)
    cuts = {row for row in also if begin < row < end}
    cuts.update(events.position[_first_beyond(passed, before, span)].tolist())
    low, started = 0, begin
    for cut in sorted(cuts - {begin}):
        high = int(np.searchsorted(events.position, cut))
        yield Slice(started, cut, slice(low, high), int(passed[high - 1]) if high else before)
        low, started = high, cut
    yield Slice(started, end, slice(low, len(events)), after)


def _watermarks(events: EventColumns, before: int | None, after: int | None) -> NDArray[np.int64]:
    """Return the watermark after each event, int64[n]."""
    lowest = int(events.time.min(initial=0)) if before is None else before
    times = np.where(events.kind == Kind.ERASE, lowest, events.time)
    return np.maximum(np.maximum.accumulate(np.minimum(times, lowest if after is None else after)), lowest)


def _first_beyond(passed: NDArray[np.int64], before: int | None, span: int) -> list[int]:
    """Return the indices of the events with which slices begin, but for the first slice."""
    firsts: list[int] = []
    buckets = passed // span
    if not len(buckets):
        return firsts
    reach = max(int(buckets[0]), (int(buckets[0]) if before is None else before // span) + 1)
    while (first := int(np.searchsorted(buckets, reach, side="right"))) < len(buckets):
        firsts.append(first)
        reach = max(int(buckets[first]), int(buckets[first - 1]) + 1)
    return firsts
