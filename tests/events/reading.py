"""Reads small logs written by tests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from crm_online.events import models
from crm_online.events.columns import EventColumns, concat
from crm_online.events.log import Chunk, EventClock, LogReader
from crm_online.events.objects import native_of
from crm_online.events.options import LogOptions
from crm_online.events.presets import JsonPreset, Refusal
from crm_online.events.problems import first_problem
from crm_online.events.rejects import RejectedRow
from crm_online.events.source import open_source


@dataclass
class Read:
    """All that came out of a log."""

    chunks: list[Chunk]

    @property
    def events(self) -> EventColumns:
        return concat([chunk.events for chunk in self.chunks])

    @property
    def rejects(self) -> list[RejectedRow]:
        return [reject for chunk in self.chunks for reject in chunk.rejects]

    @property
    def reasons(self) -> list[tuple[str, str | None]]:
        return [(reject.reason, reject.field) for reject in self.rejects]

    @property
    def rows(self) -> int:
        return sum(chunk.end - chunk.begin for chunk in self.chunks)


def read(
    path: Path,
    *,
    preset: str | None = None,
    mapping: Mapping[str, str] | None = None,
    sep: str | None = None,
    time_format: str | None = None,
    decimal: str | None = None,
    where: Sequence[tuple[str, str]] = (),
    begin: int = 0,
    size: int = 2000,
    watermark: int | None = None,
    max_ahead: int | None = None,
    later: Iterable[EventColumns] = (),
) -> Read:
    """Read a log to its end; every row is an event or a reject, never both, or not asked for."""
    options = LogOptions(preset, mapping, sep, time_format, decimal, tuple(where))
    return read_as(path, options, begin=begin, size=size, watermark=watermark, max_ahead=max_ahead, later=later)


def read_as(
    path: Path,
    options: LogOptions,
    *,
    begin: int = 0,
    size: int = 2000,
    watermark: int | None = None,
    max_ahead: int | None = None,
    later: Iterable[EventColumns] = (),
) -> Read:
    """Read a log to its end as :func:`read` does."""
    reader = LogReader(path, open_source(path), options, size=size)
    chunks = list(reader.chunks(begin, EventClock(watermark), max_ahead=max_ahead, later=later))
    for chunk in chunks:
        assert chunk.events.position.tolist() == sorted(chunk.events.position.tolist())
        rows = sorted([*chunk.events.position.tolist(), *(reject.row for reject in chunk.rejects)])
        every = range(chunk.begin, chunk.end + chunk.half_written)
        assert rows == (list(every) if not options.where else sorted(set(rows) & set(every)))
        assert len(rows) + chunk.left_out == len(every)
    return Read(chunks)


def event_of(value: object, preset: JsonPreset | None = None) -> models.Event | Refusal:
    """Return the event of a decoded JSON value, or why it is none, by the models alone."""
    native = native_of(value, preset)
    if isinstance(native, Refusal):
        return native
    try:
        return models.EVENT.validate_python(native)
    except ValidationError as error:
        return Refusal(*first_problem(error))


def taken(value: Mapping[str, object], preset: JsonPreset) -> models.Event:
    """Return the event of a JSON object, which must be one."""
    found = event_of(value, preset)
    assert not isinstance(found, Refusal), found
    return found


def refused(value: Mapping[str, object], preset: JsonPreset) -> Refusal:
    """Return why a JSON object is no event, which it must not be."""
    found = event_of(value, preset)
    assert isinstance(found, Refusal), found
    return found
