"""The turn of a worker's partitions to step: they step one at a time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Protocol


class QueuedPartition(Protocol):
    """A partition with something to step through: :class:`streams.assigned.AssignedPartition`."""

    async def process(self) -> None:
        """Step through what has waited longest."""


class StepTurn:
    """What the partitions of a worker share so that they step one at a time.

    Parameters
    ----------
    enqueue
        Queues a partition for its ``process``; waits while too many are queued.

    Attributes
    ----------
    lock
        Held by the partition whose step is under way.
    progressed
        When any partition last made progress, in seconds of the monotonic clock.
    stopped
        Whether no more steps are done.
    """

    def __init__(self, enqueue: Callable[[QueuedPartition], Awaitable[None]]) -> None:
        self.enqueue = enqueue
        self.lock = asyncio.Lock()
        self.progressed = time.monotonic()
        self.stopped = False

    async def wait_for_step(self) -> None:
        """Wait until no step is under way."""
        async with self.lock:
            pass
