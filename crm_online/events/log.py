"""A log into chunks: always the same rows in a chunk, so that a replay takes the same steps again."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from crm_online.errors import InputError, NothingAccepted
from crm_online.events.ahead import TOO_FAR, TOO_FAR_BY_CLOCK, Verdict, before_clock, judge
from crm_online.events.batch import Batch
from crm_online.events.columns import EventColumns
from crm_online.events.formats import reader_of
from crm_online.events.intake import INTAKE, Intake
from crm_online.events.options import NO_OPTIONS, LogOptions
from crm_online.events.reader import HALF_WRITTEN, Reader
from crm_online.events.rejects import RejectTally
from crm_online.events.source import Source, open_source
from crm_online.events.window import Window

_LOOKED_AT = 2000
_REASONS = 3
_SLASHES = re.compile(r"(\d{1,2})/(\d{1,2})/\d{4} \d{1,2}:\d\d(:\d\d)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class EventClock:
    """The event clock of a log: the watermark in ms, and the last pauses of the log."""

    watermark: int | None = None
    pauses: Sequence[int] = ()


START: Final = EventClock()
"""The clock before the first event."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk(Batch):
    """What some rows of a log hold: all of them are events or rejects, and so is a half-written last one.

    Attributes
    ----------
    before
        The event clock before it.
    progress
        Share of the file that has been read.
    half_written
        Whether the last reject is a last line that was written by half: it lies at ``end``, and is read
        again when the log is gone on with, since it may be whole by then.
    left_out
        How many of the rows the filter leaves out: neither events nor rejects.
    held
        How many events at the end of the log are held back, since nothing vouches yet for how far they lie ahead
        of it: they begin at ``end``, and are read again when the log is gone on with.
    """

    before: EventClock
    progress: float
    half_written: bool = False
    left_out: int = 0
    held: int = 0


@dataclass(frozen=True, slots=True)
class LogReader:
    """Reads a log in chunks.

    Attributes
    ----------
    path, source
        The file, and which log it is.
    options
        How to read it.
    intake
        What is kept of its events and rejects.
    size
        Rows in a chunk.
    """

    path: Path
    source: Source
    options: LogOptions = NO_OPTIONS
    intake: Intake = INTAKE
    size: int = 2000

    def chunks(
        self,
        begin: int = 0,
        clock: EventClock = START,
        *,
        max_ahead: int | None = None,
        latest: int | None = None,
        later: Iterable[EventColumns] = (),
    ) -> Iterator[Chunk]:
        """Yield the log in chunks.

        Parameters
        ----------
        begin
            First row.
        clock
            The event clock of the log before that row.
        max_ahead
            How far an event may lie ahead of the log, in ms; what lies further is rejected, see
            :func:`crm_online.events.ahead.judge`.
        latest
            The latest time that a clock lets an event have, in ms: it judges instead of the log itself.
        later
            What comes after this log, if there is more: it decides on events that lie far ahead at the log's end.

        Raises
        ------
        InputError
            If the file cannot be read so.
        """
        reader = self._reader()
        watermark, pauses = clock.watermark, clock.pauses
        window = Window(reader.chunks(begin, self.size), later)
        for chunk in window:
            before = EventClock(watermark, pauses)
            if latest is None:
                judged = judge(chunk.events, watermark, max_ahead, pauses, window.following)
            else:
                judged = Verdict(*before_clock(chunk.events, watermark, latest))
            watermark, pauses, progress, held = judged.watermark, judged.pauses, chunk.rows.progress, 0
            if judged.held is not None:
                end = int(chunk.events.position[judged.held])
                held = len(chunk.events) - judged.held + window.rest()
                if end == chunk.rows.begin:
                    empty = EventColumns.empty()
                    yield Chunk(
                        *(self.source.id, end, end, empty, (), watermark, pauses),
                        before=before,
                        progress=progress,
                        held=held,
                    )
                    return
                chunk = next(reader.chunks(chunk.rows.begin, end - chunk.rows.begin))
            rows, events, refused, unknown, left_out = chunk
            far = judged.far[: len(events)]
            for row in events.position[far].tolist():
                refused[row - rows.begin] = (TOO_FAR if latest is None else TOO_FAR_BY_CLOCK, "time")
            events = events.select(~far) if far.any() else events
            rejects = [reader.reject(rows, place, *refused[place]) for place in sorted(refused)]
            half = bool(rejects) and rejects[-1].reason == HALF_WRITTEN
            yield Chunk(
                *(self.source.id, rows.begin, rows.end - half, events, rejects, watermark, pauses, unknown),
                before=before,
                progress=progress,
                half_written=half,
                left_out=left_out,
                held=held,
            )
            if held:
                return

    def events(self, begin: int = 0) -> Iterator[EventColumns]:
        """Yield the log's events from a row on, in chunks, whatever their times; errors as of :meth:`chunks`."""
        for chunk in self._reader().chunks(begin, self.size):
            yield chunk.events

    def _reader(self) -> Reader:
        return replace(reader_of(self.path, self.source, self.options), intake=self.intake)


def check_log(path: Path, options: LogOptions = NO_OPTIONS) -> None:
    """Raise what :meth:`LogReader.chunks` would raise before its first chunk, and if nothing in a log is an event.

    Nothing of a log is read for good before a row of it was accepted: with a wrong mapping no row would be left for
    the right one. Rows are looked at up to the first that is an event.

    Raises
    ------
    NothingAccepted
        If it has rows, and each of them is a reject or left out by the filter.
    InputError
        If the file cannot be read so.
    """
    source = open_source(path)
    reader = reader_of(path, source, options)
    tally, rows, left_out, shown = RejectTally(), 0, 0, ""
    for chunk in reader.chunks(0, _LOOKED_AT):
        if len(chunk.events):
            if options.mapping and options.time_format is None:
                _refuse_day_first(path, reader.cells(chunk.rows, "time"))
            return
        places = [place for place, (why, _) in sorted(chunk.refused.items()) if why != HALF_WRITTEN]
        tally.add(reader.reject(chunk.rows, place, *chunk.refused[place]) for place in places)
        rows += len(places)
        left_out += chunk.left_out
        if places and not shown:
            shown = reader.as_read(chunk.rows, places[0])
    if rows or left_out:
        raise NothingAccepted(_nothing(path, options, tally, rows, left_out, shown))


def _refuse_day_first(path: Path, cells: Sequence[object]) -> None:
    """Raise if times such as 3/4/2010 8:26, which are read month first, are rather those of a day in April."""
    found = [match for match in (_SLASHES.match(str(cell)) for cell in cells) if match]
    days_first = [match for match in found if int(match[1]) > 12]
    if len(days_first) > sum(int(match[2]) > 12 for match in found):
        first = days_first[0]
        clock = " %H:%M:%S" if first[3] else " %H:%M"
        raise InputError(
            f"the times of {path.name} are day first ({first[0]}), and are read month first: say "
            f"--time-format '%d/%m/%Y{clock}'"
        )


def _nothing(path: Path, options: LogOptions, tally: RejectTally, rows: int, left_out: int, shown: str) -> str:
    """Return one line on a log of which nothing was accepted."""
    chosen = ", ".join(f"{column}={value}" for column, value in options.where)
    if not rows:
        return f"none of the {left_out:,} rows of {path.name} has {chosen}, which --where asks for; nothing was read"
    common = sorted(tally.reasons.items(), key=lambda reason: -reason[1])[:_REASONS]
    reasons = "; ".join(f"{why} ({count:,})" for why, count in common)
    others = f", and {left_out:,} others are not asked for" if left_out else ""
    return (
        f"none of the {rows:,} rows of {path.name} is an event: {reasons}{others}; the first as read: {shown}; "
        f"nothing was read, and crm-online replay --check {shlex.quote(str(path))} shows how it could be"
    )
