"""One run of a replay: logs chunk by chunk through all partitions, at the chosen speed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from crm_online.engine.stages import Stage, StageClock
from crm_online.events.columns import EventColumns
from crm_online.events.in_order import late
from crm_online.events.intake import Intake
from crm_online.events.log import Chunk, LogReader
from crm_online.events.options import LogOptions
from crm_online.events.rejects import RejectTally
from crm_online.events.source import Source
from crm_online.replay.files import ChangeFiles
from crm_online.replay.partitions import ReplayPartitions
from crm_online.replay.result import COUNTED, Progress, ReplayResult
from crm_online.settings import Settings
from crm_online.step import ChangeId, Put
from crm_online.store import PartitionStore
from crm_online.store.entries import is_blank
from crm_online.store.keys import META, SEQUENCE

HALF_WRITTEN = "half-written"
"""The row of each log whose half-written line was a reject, and which is read again when the log is gone on with."""


def unpublished(store: PartitionStore) -> int:
    """Return the number of the first change that was not published yet: that of the next one if all were."""
    outbox = store.outbox(most=1)
    (last,) = store.hash_get(META, [SEQUENCE])
    return outbox[0].sequence if outbox else int(last or 0) + 1


@dataclass(frozen=True, slots=True)
class Share:
    """The share of all files that come before one, and the share that it is itself."""

    before: float
    size: float


class ReplayRun:
    """One run of a replay over all partitions."""

    def __init__(
        self,
        partitions: ReplayPartitions,
        files: ChangeFiles | None,
        settings: Settings,
        intake: Intake,
        speed: float | None,
        on_progress: Callable[[Progress], None] | None,
    ) -> None:
        self._partitions, self._files, self._settings = partitions, files, settings
        self._speed, self._on_progress = speed, on_progress
        self._intake = intake
        self._started = time.monotonic()
        self._paced_from: tuple[float, int] | None = None
        self._events = 0
        self._before = [pipeline.engine.report() for pipeline in partitions.pipelines]
        self._positions: dict[str, int] = {}
        self._rejects = RejectTally()
        self._held = 0
        self._lost = 0
        self._late = 0

    def publish_left_over(self) -> None:
        """Write what was committed but not yet written: before a crash, or by runs without files."""
        for pipeline in self._partitions.pipelines:
            if self._files is not None:
                first = unpublished(pipeline.store)
                written = self._files.written[pipeline.partition]
                last = ChangeId(pipeline.partition, pipeline.last_change.epoch, written)
                kept = [entry for entry in pipeline.store.changes(last) if entry.sequence < first]
                self._lost += max(0, first - written - 1 - len(kept))
                self._files.write(pipeline.partition, [entry for entry in kept if not is_blank(entry)])
            self._partitions.publish(pipeline)

    def log(self, path: Path, source: Source, share: Share, options: LogOptions, later: Iterable[EventColumns]) -> None:
        """Run one log from where the partition with the least position stopped."""
        reached = min(self._partitions.positions(source.id))
        resumed = self._partitions.resume(source)
        reader = LogReader(path, source, options, self._intake, self._settings.replay.chunk)
        max_ahead = self._settings.events.max_ahead
        chunks = reader.chunks(resumed.row, resumed.before, max_ahead=max_ahead, later=later)
        self._positions[str(path)] = reached
        stages = self._partitions.stages
        while (chunk := _next(chunks, stages)) is not None:
            self._pace(chunk)
            self._chunk(chunk, source)
            self._positions[str(path)] = chunk.end
            self._held += chunk.held
            if chunk.end > reached:
                self._late += late(chunk.events, chunk.before.watermark)
            self._events += chunk.end - min(max(chunk.begin, reached), chunk.end)
            if self._on_progress:
                rate = self._events / max(time.monotonic() - self._started, 1e-9)
                self._on_progress(Progress(share.before + share.size * chunk.progress, self._events, rate))

    def later(self, logs: Sequence[tuple[Path, Source]], options: LogOptions) -> Iterator[EventColumns]:
        """Yield the events of the logs that come next."""
        size = self._settings.replay.chunk
        for path, source in logs:
            begin = min(self._partitions.positions(source.id))
            yield from LogReader(path, source, options, self._intake, size).events(begin)

    def finish(self, source: Source) -> None:
        """Finish what the end of the log allows: open baskets, lapses, a last check of the model, and rules."""
        if max(self._partitions.positions(source.id)):
            self._partitions.end_log(source.id)
            self._partitions.close()

    def result(self) -> ReplayResult:
        """Return what this run did."""
        seconds = round(time.monotonic() - self._started, 3)
        done = ReplayResult(
            seconds=seconds,
            position=self._positions,
            rejects=self._rejects,
            held=self._held,
            lost=self._lost,
            late=self._late,
        )
        for pipeline, before in zip(self._partitions.pipelines, self._before, strict=True):
            after = pipeline.engine.report()
            for name in COUNTED:
                setattr(done, name, getattr(done, name) + getattr(after, name) - getattr(before, name))
            done.customers += after.customers
            done.epsilon = max(done.epsilon, after.epsilon)
        done.events = done.accepted + done.rejected + done.duplicates
        spent = self._partitions.stages.take()
        done.stages = {stage.value: round(1e6 * spent.get(stage, 0) / max(done.events, 1), 2) for stage in Stage}
        done.events_per_second = round(done.events / max(done.seconds, 1e-3), 1)
        return done

    def _chunk(self, chunk: Chunk, source: Source) -> None:
        notes: list[Put] = []
        if chunk.half_written:  # such a line is met again until it is whole, and is a reject once
            name, row = source.id.encode(), str(chunk.end).encode()
            if self._partitions.pipelines[0].store.hash_get(HALF_WRITTEN, [name]) == [row]:
                chunk = replace(chunk, rejects=chunk.rejects[:-1])
            else:
                notes = [Put(HALF_WRITTEN, {name: row})]
        if chunk.end > self._partitions.positions(source.id)[0] or chunk.begin == chunk.end:
            self._rejects.add(chunk.rejects)
        self._partitions.replay(chunk, source, notes)

    def _pace(self, chunk: Chunk) -> None:
        """Wait until a chunk's events are due at the chosen speed."""
        if not self._speed or not len(chunk.events) or chunk.watermark is None:
            return
        times = np.minimum(chunk.events.time, chunk.watermark)  # an erasure may be dated years ahead of the log
        at = int(times.max())
        if self._paced_from is None:
            self._paced_from = (time.monotonic(), int(times.min()))
        started, first = self._paced_from
        wait = started + (at - first) / 1000 / self._speed - time.monotonic()
        if wait > 0:
            time.sleep(wait)


def _next(chunks: Iterator[Chunk], stages: StageClock) -> Chunk | None:
    with stages.measure(Stage.DECODE):
        return next(chunks, None)
