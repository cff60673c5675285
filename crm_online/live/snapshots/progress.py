"""The status of the state: how far each partition is, and how many events come a second."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from crm_online import __version__
from crm_online.answers.service import PartitionStatus, Status
from crm_online.engine.state import PartitionState
from crm_online.events.times import to_short_iso

WINDOW = 10.0
"""Seconds over which the events per second are counted."""


@dataclass(frozen=True, slots=True)
class PartitionProgress:
    """One partition: its small state, its positions, and the ends of the topics, where workers store them."""

    state: PartitionState
    positions: Mapping[str, int]
    ends: Mapping[str, int]

    def status(self, number: int) -> PartitionStatus:
        """Return the partition's part of the status."""
        state = self.state
        lags = [max(0, end - self.positions.get(topic, 0)) for topic, end in self.ends.items()]
        return PartitionStatus(
            partition=number,
            watermark=None if state.watermark is None else _time(state.watermark),
            positions=dict(sorted(self.positions.items())),
            lag=sum(lags) if lags else None,
            accepted=state.accepted,
            rejected=state.rejected,
            duplicates=state.duplicates,
        )


class Rate:
    """Events a second, of a count that is observed now and then.

    Examples
    --------
    >>> rate = Rate()
    >>> rate.observe(100, now=0.0); rate.observe(400, now=2.0)
    >>> rate.per_second, rate.observe(50, now=3.0), rate.per_second
    (150.0, None, 0.0)
    """

    def __init__(self) -> None:
        self._counts: deque[tuple[float, int]] = deque()

    def observe(self, count: int, now: float | None = None) -> None:
        """Note the count; one that fell is that of another state."""
        now = time.monotonic() if now is None else now
        if self._counts and count < self._counts[-1][1]:
            self._counts.clear()
        self._counts.append((now, count))
        while len(self._counts) > 2 and self._counts[1][0] <= now - WINDOW:
            self._counts.popleft()

    @property
    def per_second(self) -> float:
        """What came in the last seconds, by the second."""
        (since, first), (now, last) = self._counts[0], self._counts[-1]
        return round((last - first) / (now - since), 1) if now > since else 0.0


def status(feed: str, progress: Sequence[PartitionProgress], per_second: float, min_customers: int) -> Status:
    """Return the status of the whole state."""
    states = [one.state for one in progress]
    partitions = [one.status(number) for number, one in enumerate(progress)]
    lags = [partition.lag for partition in partitions if partition.lag is not None]
    watermarks = [state.watermark for state in states if state.watermark is not None]
    return Status(
        version=__version__,
        feed=feed,
        watermark=_time(max(watermarks)) if watermarks else None,
        customers=sum(state.customers for state in states),
        min_customers=min_customers,
        baskets=sum(state.baskets for state in states),
        accepted=sum(state.accepted for state in states),
        rejected=sum(state.rejected for state in states),
        duplicates=sum(state.duplicates for state in states),
        segment_changes=sum(state.segment_changes for state in states),
        rule_changes=sum(state.rule_changes for state in states),
        events_per_second=per_second,
        lag=sum(lags) if len(lags) == len(partitions) else None,
        partitions=partitions,
    )


def _time(ms: int) -> datetime:
    return datetime.fromisoformat(to_short_iso(ms))
