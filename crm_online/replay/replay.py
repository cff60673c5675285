"""A replay: logs in, steps through every partition, changes out; it goes on where it stopped."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from crm_online.engine.stages import Stage, StageClock
from crm_online.engine.state import NAME as STATE
from crm_online.engine.state import PartitionState
from crm_online.events.columns import EventColumns
from crm_online.events.intake import Intake
from crm_online.events.log import Chunk, LogReader, check_log
from crm_online.events.options import NO_OPTIONS, LogOptions
from crm_online.events.rejects import RejectTally
from crm_online.events.source import Source
from crm_online.replay.files import ChangeFiles
from crm_online.replay.frames import FRAME, as_paths
from crm_online.replay.logs import open_logs
from crm_online.replay.partitions import LOGS, ReplayPartitions
from crm_online.settings import Settings, refuse_conflict
from crm_online.step import ChangeId, Entry, Put
from crm_online.store import PartitionStore, Store, open_store
from crm_online.store.entries import is_blank
from crm_online.store.keys import META, SEQUENCE

HALF_WRITTEN = "half-written"
"""The row of each log whose half-written line was a reject, and which is read again when the log is gone on with."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a replay is: share of the log's bytes, events so far, and events per second."""

    fraction: float
    events: int
    events_per_second: float


_COUNTED = (
    *("accepted", "rejected", "duplicates", "baskets", "doubtful_baskets"),
    *("segment_changes", "rule_changes"),
)


@dataclass(slots=True)
class ReplayResult:
    """What one run of a replay did.

    ``position`` is where it ended in each log, by the path that was given; ``epsilon`` the error that supports may
    have, and below which itemsets may be missing: 0 unless ``itemsets.max_bytes`` did not hold all baskets, or these
    have too many itemsets to try; ``durable`` whether Redis has each commit on disk before it answers, without which
    changes may be published again after a crash; ``rejects`` why rows were rejected; ``held`` how many events at the
    logs' ends wait for what comes next, as they lie far ahead of all others; ``lost`` how many changes the files lack,
    since they were made by runs without files and the state keeps them no more;
    ``stages`` how many microseconds of processor an event took, by :class:`~crm_online.engine.stages.Stage`;
    ``doubtful_baskets`` how many baskets, at most, are part of one that was forgotten already (``baskets.max_bytes``).
    """

    events: int = 0
    accepted: int = 0
    rejected: int = 0
    duplicates: int = 0
    baskets: int = 0
    customers: int = 0
    doubtful_baskets: int = 0
    held: int = 0
    lost: int = 0
    segment_changes: int = 0
    rule_changes: int = 0
    epsilon: float = 0.0
    seconds: float = 0.0
    events_per_second: float = 0.0
    durable: bool = True
    stages: dict[str, float] = field(default_factory=dict)
    position: dict[str, int] = field(default_factory=dict)
    rejects: RejectTally = field(default_factory=RejectTally)

    def as_dict(self) -> dict[str, object]:
        """Return the result as JSON values; of the rejects how many there were for each reason."""
        values = asdict(self)
        values["reject_reasons"] = values.pop("rejects")["reasons"]
        return values


def replay(
    logs: pd.DataFrame | Path | str | Sequence[Path | str],
    *,
    settings: Settings,
    state: str,
    options: LogOptions = NO_OPTIONS,
    another: bool = False,
    out: Path | None = None,
    speed: float | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> ReplayResult:
    """Replay event logs into a state.

    Parameters
    ----------
    logs
        A file, or files that are replayed one after the other; or a DataFrame, one row an order line (or an event),
        whose columns ``options`` may map. A frame with more rows than the last time goes on where that ended.
    settings
        The settings in force.
    state
        A folder, or the URL of a Redis.
    options
        How to read the logs.
    another
        Whether files that begin otherwise than a log of their name, which was replayed before, are other logs.
    out
        Folder for the JSONL files of changes; ``None`` for none.
    speed
        How many times faster than event time to go; ``None`` for as fast as possible.
    on_progress
        Called after each step.

    Raises
    ------
    InputError, SettingsError, StoreError, FenceError
        See :mod:`crm_online.errors`.
    """
    intake = Intake.of(settings)
    with ExitStack() as stack:
        paths = stack.enter_context(as_paths(logs))
        for path in paths:  # what cannot be read so is refused before anything is started
            check_log(path, options)
        store = stack.enter_context(open_store(state))
        refuse_conflict(_settings_of(store, settings), settings)
        partitions = settings.replay.partitions
        files = None
        if out is not None:  # a folder that cannot be used is refused before another replay loses its partitions
            begins = {number: unpublished(store.partition(number)) - 1 for number in range(partitions)}
            files = stack.enter_context(ChangeFiles(Path(out), store.meta().id, begins))
        sources = _sources(store, settings, paths, options, another=another)
        write = files.write if files else _discard
        claimed = ReplayPartitions.claim(store, settings, partitions, lambda pipeline: pipeline.publish(write))
        run = _Run(claimed, files, settings, intake, speed, on_progress)
        run.publish_left_over()
        opened = list(zip(paths, sources, strict=True))
        for number, (path, source) in enumerate(opened):
            share = Share(number / len(paths), 1 / len(paths))
            run.log(path, source, share, options, run.later(opened[number + 1 :], options))
        run.finish(sources[-1])
        result = run.result()
        result.durable = store.durable
        if isinstance(logs, pd.DataFrame):
            result.position = {FRAME: result.position[str(paths[0])]}
        return result


def unpublished(store: PartitionStore) -> int:
    """Return the number of the first change that was not published yet: that of the next one if all were."""
    outbox = store.outbox(most=1)
    (last,) = store.hash_get(META, [SEQUENCE])
    return outbox[0].sequence if outbox else int(last or 0) + 1


def logs_of(store: Store) -> list[Source] | None:
    """Return the logs that a state knows; ``None`` if something else feeds it, such as events that were sent to it."""
    partition = store.partition(0)
    known = [Source(**json.loads(raw)) for _, raw in partition.hash_all(LOGS)]
    return known if known or not partition.positions() else None


def _sources(
    store: Store, settings: Settings, logs: Sequence[Path], options: LogOptions, *, another: bool
) -> list[Source]:
    """Return which log each file is, as far as the state knows it."""
    known = logs_of(store) or []
    states = [
        PartitionState.decode(store.partition(number).value(STATE)) for number in range(settings.replay.partitions)
    ]
    watermark = max((state.watermark for state in states if state.watermark is not None), default=None)
    return open_logs(logs, known, options, watermark, another=another)


def _settings_of(store: Store, settings: Settings) -> Mapping[str, Any]:
    """Return the settings that shaped the state: those in force, if it is new."""
    stored: Mapping[str, Any] = json.loads(
        store.initialise(
            settings.replay.partitions, json.dumps(settings.shaping(), sort_keys=True), repeatable=True
        ).settings
    )
    return stored


@dataclass(frozen=True, slots=True)
class Share:
    """Where a log lies in all of them: how much was before it, and how much it is."""

    before: float
    size: float


class _Run:
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
            seconds=seconds, position=self._positions, rejects=self._rejects, held=self._held, lost=self._lost
        )
        for pipeline, before in zip(self._partitions.pipelines, self._before, strict=True):
            after = pipeline.engine.report()
            for name in _COUNTED:
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


def _discard(partition: int, entries: Sequence[Entry]) -> None:
    """Publish changes to nobody: the state has what holds, and no file what happened."""
