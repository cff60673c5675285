"""A run of events cut where event time goes on, so that no step lives through much time at once.

How many rows a step takes says nothing of the time that passes in them: two thousand rows are a morning of one shop
and a month of another. What is due by a time is done by then only if no step goes far past it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from crm_online.events.batch import Batch
from crm_online.events.columns import EventColumns, timeless


def slices(batch: Batch, before: int | None, span: int, also: Sequence[int] = ()) -> Iterator[Batch]:
    """Yield a batch in slices, in order; one slice, the batch, if time goes on little.

    A slice ends before the watermark enters a second bucket of event time beyond the one in which the slice begins,
    so that what is due at a bucket's beginning is late by less than one. Buckets in which nothing happens cost
    nothing: a watermark that leaps over many enters one. The last slice has what is no event.

    Parameters
    ----------
    batch
        The batch, its events in the order of their positions. An erasure or objection beyond its watermark
        moves no slice's.
    before
        The watermark before it, in ms.
    span
        Length of a bucket in ms.
    also
        Rows before which a slice ends in any case.
    """
    events = batch.events
    passed = _watermarks(events, before, batch.watermark)
    cuts = {row for row in also if batch.begin < row < batch.end}
    cuts.update(events.position[_first_beyond(passed, before, span)].tolist())
    cuts.discard(batch.begin)
    if not cuts:
        yield batch
        return
    low, started = 0, batch.begin
    for cut in sorted(cuts):
        high = int(np.searchsorted(events.position, cut))
        part = events.select(np.arange(low, high))
        yield Batch(batch.source, started, cut, part, watermark=int(passed[high - 1]) if high else before)
        low, started = high, cut
    yield replace(batch, begin=started, events=events.select(np.arange(low, len(events))))


def _watermarks(events: EventColumns, before: int | None, after: int | None) -> NDArray[np.int64]:
    """Return the watermark after each event, int64[n]."""
    lowest = int(events.time.min(initial=0)) if before is None else before
    times = np.where(timeless(events), lowest, events.time)
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
