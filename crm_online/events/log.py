"""A log into chunks: always the same rows in a chunk, so that a replay takes the same steps again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from crm_online.events.ahead import TOO_FAR, Leap, judge
from crm_online.events.columns import EventColumns
from crm_online.events.formats import reader_of
from crm_online.events.options import AS_IT_IS, LogOptions
from crm_online.events.reader import HALF_WRITTEN
from crm_online.events.rejects import Reject
from crm_online.events.source import Source, open_source


@dataclass(frozen=True, slots=True)
class Chunk:
    """What some rows of a log hold.

    Attributes
    ----------
    source
        The log.
    begin, end
        The range of its rows, from 0.
    events, rejects
        What validated, and what did not; together, all of the rows, and the half-written one.
    watermark
        The largest event time of the log so far, in ms, but for erasures that lie far ahead of all else;
        ``None`` before the first event.
    leap
        Events at its end that were refused as too far ahead, and may be vouched for yet.
    progress
        Share of the file that has been read.
    unknown_fields
        How often each field occurred that no event has.
    half_written
        Whether the last reject is a last line that was written by half: it lies at ``end``, and is read
        again when the log is gone on with, since it may be whole by then.
    left_out
        How many of the rows were not asked for: neither events nor rejects.
    """

    source: Source
    begin: int
    end: int
    events: EventColumns
    rejects: list[Reject]
    watermark: int | None
    leap: Leap | None
    progress: float
    unknown_fields: dict[str, int] = field(default_factory=dict)
    half_written: bool = False
    left_out: int = 0


def read_log(
    path: Path,
    source: Source,
    *,
    options: LogOptions = AS_IT_IS,
    begin: int = 0,
    size: int = 2000,
    watermark: int | None = None,
    max_ahead: int | None = None,
    leap: Leap | None = None,
) -> Iterator[Chunk]:
    """Yield a log in chunks.

    Parameters
    ----------
    path, source
        The file, and which log it is.
    options
        How to read it.
    begin, size
        First row, and rows in a chunk.
    watermark
        The largest event time of the rows before ``begin``.
    max_ahead
        How far an event may lie ahead of the log, in ms; what lies further is rejected, see
        :func:`crm_online.events.ahead.judge`.
    leap
        What the chunk before ``begin`` had.

    Raises
    ------
    InputError
        If the file cannot be read so.
    """
    reader = reader_of(path, source, options)
    for rows, events, refused, unknown, left_out in reader.chunks(begin, size):
        far, watermark, leap = judge(events, watermark, max_ahead, leap)
        for row in events.position[far].tolist():
            refused[row - rows.begin] = (TOO_FAR, "time")
        events = events.select(~far) if far.any() else events
        rejects = [reader.reject(rows, place, *refused[place]) for place in sorted(refused)]
        half = bool(rejects) and rejects[-1].reason == HALF_WRITTEN
        end = rows.end - half
        yield Chunk(source, rows.begin, end, events, rejects, watermark, leap, rows.progress, unknown, half, left_out)


def check_log(path: Path, options: LogOptions = AS_IT_IS) -> None:
    """Raise what :func:`read_log` would raise before its first chunk."""
    reader = reader_of(path, open_source(path), options)
    next(reader.chunks(0, 1), None)
