"""The logs of a replay: which are known, which are new, and which only look new."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from crm_online.errors import LogMadeAnew
from crm_online.events.columns import EventColumns, timeless
from crm_online.events.log import LogReader
from crm_online.events.options import LogOptions
from crm_online.events.source import Source, open_source

LATE: Final = 3_600_000
"""How late an event may be, in ms, in a log that goes on where another one of its name ended."""


def open_logs(
    paths: Sequence[Path],
    known: Sequence[Source],
    options: LogOptions,
    watermark: int | None,
    *,
    another: bool = False,
    ordered: Source | None = None,
) -> list[Source]:
    """Return which log each file is, and refuse one that was made anew.

    A log is known by its beginning. An export that was made again may begin otherwise, since it has the newest rows
    first or an early cell was corrected; then all its rows would count twice. So a file that has a known log's name and
    another beginning must go on in time where the state ends, as a rotated log does.

    Parameters
    ----------
    paths
        The files, in order.
    known
        The logs that the state knows.
    options
        How to read the files.
    watermark
        The largest event time of the state, in ms; ``None`` before the first event.
    another
        Whether files of a known name are other logs, whatever they hold.
    ordered
        Which log the file is, if it is one of logs in order of time.

    Raises
    ------
    LogMadeAnew
        If a file has the name of a known log that none of the files is, another beginning, and events of times that
        the state has seen.
    InputError
        If a file cannot be read.
    """
    sources = [ordered] if ordered else [open_source(path, known) for path in paths]
    lost = {log.name for log in known if log not in sources}
    for path, source in zip(paths, sources, strict=True):
        if another or watermark is None or source in known or source.name not in lost:
            continue
        if any(_seen(events, watermark) for events in LogReader(path, source, options).events()):
            if ordered:
                raise LogMadeAnew(
                    f"{source.name} in order of time is another log than the one that was replayed before: what is in "
                    "both would count twice. Replay it into a new --state; if it is another log, say --another-log"
                )
            raise LogMadeAnew(
                f"{path} begins otherwise than the log of this name that was replayed before: what is in both "
                "would count twice. If it was made anew, replay it into a new --state; "
                "if it is another log, say --another-log"
            )
    return sources


def _seen(events: EventColumns, watermark: int) -> bool:
    """Return whether events have a time that the state has seen, or none; timeless ones count once anyway."""
    seen = (events.time < watermark - LATE) | (events.time == 0)
    return bool((seen & ~timeless(events)).any())
