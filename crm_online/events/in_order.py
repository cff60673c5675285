"""Logs in order of time: exports are often by customer, or the newest first, and an engine lives through time once."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from heapq import merge
from pathlib import Path
from typing import IO

import numpy as np

from crm_online.errors import InputError
from crm_online.events.columns import EventColumns, concat, timeless
from crm_online.events.formats import reader_of
from crm_online.events.native import to_native
from crm_online.events.options import LogOptions
from crm_online.events.rejects import RejectTally
from crm_online.events.source import Source, open_source
from crm_online.settings.units import DAY

MOST_LATE = 0.05
"""Share of the events of a log that may be out of order without more being said of it."""

_KEY = 20
_ROWS = 2000
_RUN = 200_000


@dataclass(frozen=True, slots=True)
class OrderedLog:
    """What logs hold, in order of time.

    Attributes
    ----------
    path
        The file: native events as JSON lines, with the ids that they have where they come from.
    source
        Which log it is: known again while nothing in it is another, as a row that came in between moves all others.
    rejects
        The rows that are no events.
    """

    path: Path
    source: Source
    rejects: RejectTally


@contextmanager
def in_order(paths: Sequence[Path], options: LogOptions, run: int = _RUN) -> Iterator[OrderedLog]:
    """Give the events of all logs as one log in order of time while the context lasts; of one time, as they were read.

    Parameters
    ----------
    paths
        The files.
    options
        How to read them.
    run
        How many events are sorted in memory at a time; the sorted runs are merged from disk.

    Raises
    ------
    InputError
        If a file cannot be read, or there is no room to sort them.
    """
    with tempfile.TemporaryDirectory(prefix="crm-online-") as folder:
        try:
            ordered = _sorted(paths, options, run, Path(folder))
        except OSError as error:  # of the logs those that cannot be read are an InputError
            raise InputError(
                f"the rows cannot be sorted in {tempfile.gettempdir()}: {error.strerror or error}; nothing was read, "
                "and TMPDIR may name a folder with more room"
            ) from error
        yield ordered


def late(events: EventColumns, watermark: int | None) -> int:
    """Return how many events lie more than a day behind one that was read before: many logs have days only.

    Parameters
    ----------
    events
        The events.
    watermark
        The largest event time before them, in ms; ``None`` if there was none.
    """
    # Baskets without a time are out of no order, and an erasure may be dated years ahead.
    times = events.time[(events.time > 0) & ~timeless(events)]
    if not len(times):
        return 0
    latest = np.maximum.accumulate(np.concatenate([[watermark or 0], times]))[:-1]
    return int(np.count_nonzero(times < latest - DAY))


def _sorted(paths: Sequence[Path], options: LogOptions, run: int, folder: Path) -> OrderedLog:
    """Write the events of all logs in order of time: runs that fit into memory, then merged."""
    rejects = RejectTally()
    path, content, size = folder / "ordered.jsonl", blake2b(digest_size=6), 0
    with ExitStack() as stack:
        runs: list[IO[bytes]] = []
        for number, events in enumerate(_runs(paths, options, rejects, run)):
            file = stack.enter_context((folder / f"run-{number}").open("w+b"))
            order = np.argsort(events.time, kind="stable")
            times = events.time[order].tolist()
            lines = to_native(events.select(order))
            file.writelines(b"%020d%s\n" % (time, line) for time, line in zip(times, lines, strict=True))
            file.seek(0)
            runs.append(file)
        with path.open("wb") as out:
            for line in merge(*runs, key=lambda line: line[:_KEY]):
                out.write(line[_KEY:])
                content.update(line[_KEY:])
                size += len(line) - _KEY
    name = ", ".join(log.name for log in paths)
    return OrderedLog(path, Source(name, content.hexdigest(), size), rejects)


def _runs(paths: Sequence[Path], options: LogOptions, rejects: RejectTally, run: int) -> Iterator[EventColumns]:
    """Yield the events of logs in parts that fit into memory, and count what is none."""
    parts: list[EventColumns] = []
    for events in _events(paths, options, rejects):
        parts.append(events)
        if sum(map(len, parts)) >= run:
            yield concat(parts)
            parts = []
    if parts:
        yield concat(parts)


def _events(paths: Sequence[Path], options: LogOptions, rejects: RejectTally) -> Iterable[EventColumns]:
    for path in paths:
        reader = reader_of(path, open_source(path), options)
        for rows, events, refused, _, _ in reader.chunks(0, _ROWS):
            rejects.add(reader.reject(rows, place, *refused[place]) for place in sorted(refused))
            yield events
