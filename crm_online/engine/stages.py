"""Processor time by stage: where the time of a step goes, so that the next bottleneck is seen."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum


class Stage(StrEnum):
    """What is done with events, in order."""

    DECODE = "decode"
    FETCH = "fetch"
    CUSTOMERS = "customers"
    SEGMENTS = "segments"
    PREDICTIONS = "predictions"
    ITEMSETS = "itemsets"
    RULES = "rules"
    COMMIT = "commit"
    PUBLISH = "publish"


class StageClock:
    """Adds up the processor seconds of the thread that measures; a stage within another one is not counted there.

    A step is measured by one thread at a time. Nothing that is computed depends on it.

    Examples
    --------
    >>> moments = iter([0.0, 1.0, 4.0, 6.0])
    >>> clock = StageClock(lambda: next(moments))
    >>> with clock.measure(Stage.CUSTOMERS), clock.measure(Stage.SEGMENTS):
    ...     pass
    >>> clock.take()
    {<Stage.CUSTOMERS: 'customers'>: 3.0, <Stage.SEGMENTS: 'segments'>: 3.0}
    """

    def __init__(self, clock: Callable[[], float] = time.thread_time) -> None:
        self._clock = clock
        self._seconds: dict[Stage, float] = {}
        self._stage: Stage | None = None
        self._since = 0.0

    @contextmanager
    def measure(self, stage: Stage) -> Iterator[None]:
        """Count what is done within for a stage."""
        outer = self._stage
        self._enter(stage)
        try:
            yield
        finally:
            self._enter(outer)

    def take(self) -> dict[Stage, float]:
        """Return the seconds of each stage since the last call."""
        seconds, self._seconds = self._seconds, {}
        return seconds

    def _enter(self, stage: Stage | None) -> None:
        now = self._clock()
        if self._stage is not None:
            self._seconds[self._stage] = self._seconds.get(self._stage, 0.0) + now - self._since
        self._stage, self._since = stage, now
