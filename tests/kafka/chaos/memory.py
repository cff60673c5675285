"""What memory the processes of a chaos run take, looked at while it goes on."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from types import TracebackType
from typing import Self

import psutil
import redis

from tests.kafka.chaos.faults import System

MB = 1e6
_SECONDS = 5.0


@dataclass(frozen=True)
class Sample:
    """The memory at one moment, in MB.

    Attributes
    ----------
    minute
        Minutes since the first look.
    events
        Records that are committed in Redis, over all partitions.
    faults
        How many there were so far.
    worker
        Resident memory of the first worker.
    others
        The largest resident memory of the other workers.
    used
        What the data of Redis take (``used_memory``).
    redis, broker
        Resident memory of Redis and of the broker.
    """

    minute: float
    events: int
    faults: int
    worker: float
    others: float
    used: float
    redis: float
    broker: float


MEMORY = ("worker", "others", "used", "redis", "broker")


class MemoryWatch:
    """Looks at the memory of a system's processes every few seconds while the block runs.

    Attributes
    ----------
    samples
        What was found, in order; there is none of a moment at which a process was down.
    """

    def __init__(self, system: System) -> None:
        self.samples: list[Sample] = []
        self._system, self._ended = system, threading.Event()
        self._thread = threading.Thread(target=self._run, name="memory", daemon=True)

    def __enter__(self) -> Self:
        """Begin."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        began = time.monotonic()
        while not self._ended.wait(_SECONDS):
            try:
                self.samples.append(self._look((time.monotonic() - began) / 60))
            except (psutil.Error, redis.RedisError):
                continue  # a process was killed just now: the next look finds it again

    def _look(self, minute: float) -> Sample:
        system = self._system
        first, *others = (_resident(worker.pid) for worker in system.workers)
        positions = system.positions()
        if positions is None:
            raise redis.ConnectionError
        return Sample(
            minute,
            sum(positions.values()),
            system.counts.total(),
            first,
            max(others),
            system.redis.admin.info("memory")["used_memory"] / MB,
            _resident(system.redis.pid),
            _resident(system.broker.pid),
        )


def growth(samples: Sequence[Sample], name: str) -> float:
    """Return the median of a memory over the last quarter of the samples, as a multiple of that over the second."""
    values = [getattr(sample, name) for sample in samples]
    quarter = max(len(values) // 4, 1)
    return float(median(values[-quarter:]) / median(values[quarter : 2 * quarter] or values))


def table(samples: Sequence[Sample], rows: int = 10) -> str:
    """Return a Markdown table: each row is the median of a part of the samples, the last one how each memory grew."""
    head = ("minutes", "events", "faults", "worker, MB", "others, MB", "data in Redis, MB", "Redis, MB", "broker, MB")
    lines = [head, ("---",) * len(head)]
    rows = min(rows, len(samples))
    for number in range(rows):
        part = samples[len(samples) * number // rows : len(samples) * (number + 1) // rows]
        last = part[-1]
        found = (f"{median(getattr(sample, name) for sample in part):,.1f}" for name in MEMORY)
        lines.append((f"to {last.minute:.1f}", f"{last.events:,}", f"{last.faults}", *found))
    grown = (f"{growth(samples, name):.2f} ×" for name in MEMORY)
    lines.append(("last quarter to second", "", "", *grown))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _resident(pid: int) -> float:
    return float(psutil.Process(pid).memory_info().rss) / MB
