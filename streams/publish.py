"""A log onto the events topic: what its rows hold as native events, each under its key, in the order of the rows."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from crm_online.events.intake import Intake
from crm_online.events.log import START, Chunk, EventClock, LogReader, check_log
from crm_online.events.native import keys, to_native
from crm_online.events.options import NO_OPTIONS, LogOptions
from crm_online.events.rejects import RejectTally
from crm_online.events.source import open_source
from crm_online.replay import Progress
from crm_online.settings import Settings
from streams.admin import ensure_topics
from streams.batches import BatchProducer
from streams.topics import EVENTS, topic_name


@dataclass(slots=True)
class PublishResult:
    """What was put on the topic.

    ``events`` are the rows read, ``published`` and ``rejected`` what became of them, ``rejects`` why;
    ``partitions`` is how many the topic has.
    """

    topic: str
    partitions: int
    events: int = 0
    published: int = 0
    rejected: int = 0
    seconds: float = 0.0
    events_per_second: float = 0.0
    rejects: RejectTally = field(default_factory=RejectTally)

    def as_dict(self) -> dict[str, object]:
        """Return the result as JSON values; of the rejects how many there were for each reason."""
        values = asdict(self)
        values["reject_reasons"] = values.pop("rejects")["reasons"]
        return values


async def publish(
    paths: Sequence[Path],
    *,
    settings: Settings,
    options: LogOptions = NO_OPTIONS,
    speed: float | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> PublishResult:
    """Put event logs on the events topic; topics that are missing are made.

    Rows are rejected as a replay would reject them, and are not published. When this returns, every event is on the
    topic, once. What is published again is there again: of that, the engine knows an event only among the last 16 of
    its customer.

    Parameters
    ----------
    paths
        Files, published one after the other.
    settings
        The settings in force.
    options
        How to read the files.
    speed
        How many times faster than event time to go; ``None`` for as fast as possible.
    on_progress
        Called after each chunk of rows.

    Raises
    ------
    InputError, SettingsError, BrokerError
        See :mod:`crm_online.errors`.
    """
    logs = [Path(path) for path in paths]
    for path in logs:  # what cannot be read so is refused before anything is published
        check_log(path, options)
    result = PublishResult(topic_name(settings.kafka.prefix, EVENTS), await ensure_topics(settings))
    started = time.monotonic()
    pace = _Pace(speed) if speed else None
    clock = START
    intake = Intake.of(settings)
    ahead = settings.events.max_ahead
    latest = None if ahead is None else int(time.time() * 1000) + ahead  # as the broker's clock will judge
    async with BatchProducer(settings.kafka, result.topic, result.partitions) as batches:
        for number, path in enumerate(logs):
            reader = LogReader(path, open_source(path), options, intake, settings.replay.step)
            for chunk in reader.chunks(clock=clock, latest=latest):
                clock = EventClock(chunk.watermark)
                await _send(chunk, batches, pace)
                result.events += len(chunk.events) + len(chunk.rejects)
                result.published += len(chunk.events)
                result.rejected += len(chunk.rejects)
                result.rejects.add(chunk.rejects)
                if on_progress:
                    rate = result.events / max(time.monotonic() - started, 1e-9)
                    on_progress(Progress((number + chunk.progress) / len(logs), result.events, rate))
    result.seconds = round(time.monotonic() - started, 3)
    result.events_per_second = round(result.published / max(result.seconds, 1e-3), 1)
    return result


async def _send(chunk: Chunk, batches: BatchProducer, pace: _Pace | None) -> None:
    """Send the events of a chunk: at once, or each when it is due."""
    names, values = keys(chunk.events), to_native(chunk.events)
    due = pace.due(chunk) if pace else None
    if due is None:
        await batches.add(names, values)
        return
    begin = 0
    while begin < len(values):
        await asyncio.sleep(max(0.0, due[begin] - time.monotonic()))
        end = max(begin + 1, int(np.searchsorted(due, time.monotonic(), side="right")))
        await batches.add(names[begin:end], values[begin:end])
        await batches.flush()
        begin = end


class _Pace:
    """When each event is due: so many times faster than event time, from the first event on.

    Parameters
    ----------
    speed
        How many times faster.
    """

    def __init__(self, speed: float) -> None:
        self._speed = speed
        self._from: tuple[float, int] | None = None
        self._latest = 0

    def due(self, chunk: Chunk) -> NDArray[np.float64] | None:
        """Return when each event of a chunk is due on the monotonic clock, in s, never before the one ahead of it."""
        if not len(chunk.events) or chunk.watermark is None:
            return None
        times = np.minimum(chunk.events.time, chunk.watermark)  # an erasure may be dated years ahead of the log
        if self._from is None:
            self._from = (time.monotonic(), int(times[0]))
        started, first = self._from
        times = np.maximum.accumulate(np.maximum(times, self._latest))
        self._latest = int(times[-1])
        due: NDArray[np.float64] = started + (times - first) / 1000 / self._speed
        return due
