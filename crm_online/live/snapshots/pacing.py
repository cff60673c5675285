"""How often a costly part is made again: so that it uses no more than its share of one core."""

from __future__ import annotations

import time
from collections.abc import Callable

SHARE = 0.1
"""The share of its time that a part may take: of two, a fifth of one core in all."""


class Pace:
    """When a part may be made again.

    Parameters
    ----------
    clock
        Seconds that only go up.
    used
        Processor seconds of the thread that makes it: while it waits for a store that hangs, it uses none.

    Examples
    --------
    >>> now, used = [0.0], [0.0]
    >>> pace = Pace(lambda: now[0], lambda: used[0])
    >>> pace.due
    True
    >>> with pace:
    ...     now[0], used[0] = 30.0, 2.0
    >>> pace.due
    False
    >>> now[0] = 48.0
    >>> pace.due
    True
    """

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, used: Callable[[], float] = time.thread_time
    ) -> None:
        self._clock, self._used = clock, used
        self._next, self._began = clock(), 0.0

    @property
    def due(self) -> bool:
        """Whether it may be made now."""
        return self._clock() >= self._next

    def __enter__(self) -> None:
        """Begin to make it."""
        self._began = self._used()

    def __exit__(self, *_: object) -> None:
        """End, whether it was made or not; the processor seconds since its begin decide when it may be made again."""
        self._next = self._clock() + (self._used() - self._began) * (1 / SHARE - 1)
