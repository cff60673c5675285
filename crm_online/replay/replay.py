"""A replay: logs in, steps through every partition, changes out; it goes on where it stopped."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pandas as pd

from crm_online.engine.state import NAME as STATE
from crm_online.engine.state import PartitionState
from crm_online.events.in_order import OrderedLog, in_order
from crm_online.events.intake import Intake
from crm_online.events.log import check_log
from crm_online.events.options import NO_OPTIONS, LogOptions
from crm_online.events.source import Source
from crm_online.replay.files import ChangeFiles
from crm_online.replay.frames import FRAME, as_paths
from crm_online.replay.logs import open_logs
from crm_online.replay.partitions import SOURCES, ReplayPartitions
from crm_online.replay.result import Progress, ReplayResult
from crm_online.replay.run import ReplayRun, Share, unpublished
from crm_online.settings import Settings, refuse_conflict
from crm_online.step import Entry
from crm_online.store import Store, open_store


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
        ordered = stack.enter_context(in_order(paths, options)) if options.in_order else None
        if ordered:
            paths, options = [ordered.path], NO_OPTIONS
        store = stack.enter_context(open_store(state))
        refuse_conflict(_settings_of(store, settings), settings)
        partitions = settings.replay.partitions
        files = None
        if out is not None:  # a folder that cannot be used is refused before another replay loses its partitions
            begins = {number: unpublished(store.partition(number)) - 1 for number in range(partitions)}
            files = stack.enter_context(ChangeFiles(Path(out), store.meta().id, begins))
        sources = _sources(
            store, settings, paths, options, another=another, ordered=ordered.source if ordered else None
        )
        write = files.write if files else _discard
        claimed = ReplayPartitions.claim(store, settings, partitions, lambda pipeline: pipeline.publish(write))
        run = ReplayRun(claimed, files, settings, intake, speed, on_progress)
        run.publish_left_over()
        opened = list(zip(paths, sources, strict=True))
        for number, (path, source) in enumerate(opened):
            share = Share(number / len(paths), 1 / len(paths))
            run.log(path, source, share, options, run.later(opened[number + 1 :], options))
        run.finish(sources[-1])
        if store.needs_compaction():
            store.compact()
        result = run.result()
        result.durable = store.durable
        if ordered:
            _add_ordered(result, ordered)
        if isinstance(logs, pd.DataFrame):
            result.position = {FRAME: result.position[str(paths[0])]}
        return result


def logs_of(store: Store) -> list[Source] | None:
    """Return the logs that a state knows; ``None`` if something else feeds it, such as events that were sent to it."""
    partition = store.partition(0)
    known = [Source(**json.loads(raw)) for _, raw in partition.hash_all(SOURCES)]
    return known if known or not partition.positions() else None


def _sources(
    store: Store,
    settings: Settings,
    logs: Sequence[Path],
    options: LogOptions,
    *,
    another: bool,
    ordered: Source | None,
) -> list[Source]:
    """Return which log each file is, as far as the state knows it."""
    known = logs_of(store) or []
    states = [
        PartitionState.decode(store.partition(number).value(STATE)) for number in range(settings.replay.partitions)
    ]
    watermark = max((state.watermark for state in states if state.watermark is not None), default=None)
    return open_logs(logs, known, options, watermark, another=another, ordered=ordered)


def _add_ordered(result: ReplayResult, ordered: OrderedLog) -> None:
    """Add what was found out while the rows were put in order, and name them by where they come from."""
    result.position = {ordered.source.name: result.position[str(ordered.path)]}
    if result.events:  # not again where all of them were read before
        rejected = sum(ordered.rejects.reasons.values())
        result.rejects, result.rejected, result.events = ordered.rejects, rejected, result.events + rejected


def _settings_of(store: Store, settings: Settings) -> Mapping[str, Any]:
    """Return the settings that shaped the state: those in force, if it is new."""
    stored: Mapping[str, Any] = json.loads(
        store.initialise(
            settings.replay.partitions, json.dumps(settings.shaping(), sort_keys=True), repeatable=True
        ).settings
    )
    return stored


def _discard(partition: int, entries: Sequence[Entry]) -> None:
    """Publish changes nowhere, for a replay without files."""
