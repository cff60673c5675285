"""A log into chunks: always the same rows in a chunk, so that a replay takes the same steps again."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

import numpy as np
import pandas as pd
from pydantic import ValidationError

from crm_online.errors import InputError, UnknownPreset
from crm_online.events import files, models
from crm_online.events.columns import EventColumns, concat, count_unknown, from_events, whole_baskets
from crm_online.events.files import RawRows
from crm_online.events.presets import BASKETS, NAMES, NATIVE, PRESETS, TablePreset
from crm_online.events.presets.mapped import preset_of
from crm_online.events.rejects import Reject, cut
from crm_online.events.source import Source, open_source
from crm_online.events.table import events_of, validated

_JSON = {".jsonl", ".ndjson", ".json"}
_HALF_WRITTEN = "half-written last line"
_FIRST_LINES = 1000
_VOUCHING = 10
Refused = dict[int, tuple[str, str | None]]


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
        The largest event time of the log so far, in ms; ``None`` before the first event.
    progress
        Share of the file that has been read.
    unknown_fields
        How often each field occurred that no event has.
    half_written
        Whether the last reject is a last line that was written by half: it lies at ``end``, and is read
        again when the log is gone on with, since it may be whole by then.
    """

    source: Source
    begin: int
    end: int
    events: EventColumns
    rejects: list[Reject]
    watermark: int | None
    progress: float
    unknown_fields: dict[str, int] = field(default_factory=dict)
    half_written: bool = False


def read_log(
    path: Path,
    source: Source,
    *,
    preset: str | None = None,
    mapping: Mapping[str, str] | None = None,
    sep: str | None = None,
    begin: int = 0,
    size: int = 2000,
    watermark: int | None = None,
    max_ahead: int | None = None,
) -> Iterator[Chunk]:
    """Yield a log in chunks.

    Parameters
    ----------
    path, source
        The file, and which log it is.
    preset
        One of :data:`crm_online.events.presets.NAMES`; ``None`` to go by the file.
    mapping
        Columns by native field, instead of a preset.
    sep
        What separates columns, or the items of a basket; ``None`` to go by the first line.
    begin, size
        First row, and rows in a chunk.
    watermark
        The largest event time of the rows before ``begin``.
    max_ahead
        How far an event may lie ahead of the log, in ms: of the watermark, or of the middle of its
        chunk if that is later and the chunk has ten events (the shop may have been closed). What lies
        further is rejected.

    Raises
    ------
    InputError
        If the file cannot be read so.
    """
    reader = _reader(path, source, preset, mapping, sep)
    for rows, events, refused, unknown in reader.chunks(begin, size):
        events, late = _not_ahead(events, watermark, max_ahead)
        for event in late:
            refused[int(event) - rows.begin] = ("time too far ahead of the log", "time")
        if len(events):
            latest = int(events.time.max())
            watermark = latest if watermark is None else max(watermark, latest)
        rejects = [reader.reject(rows, place, *refused[place]) for place in sorted(refused)]
        half = bool(rejects) and rejects[-1].reason == _HALF_WRITTEN
        end = rows.end - half
        yield Chunk(source, rows.begin, end, events, rejects, watermark, rows.progress, unknown, half)


def check_log(
    path: Path, *, preset: str | None = None, mapping: Mapping[str, str] | None = None, sep: str | None = None
) -> None:
    """Raise what :func:`read_log` would raise before its first chunk."""
    reader = _reader(path, open_source(path), preset, mapping, sep)
    next(reader.rows(0, 1), None)


def _not_ahead(events: EventColumns, watermark: int | None, max_ahead: int | None) -> tuple[EventColumns, list[int]]:
    """Return the events that are not too far ahead, and the positions of those that are."""
    if max_ahead is None or not len(events):
        return events, []
    middle = int(np.sort(events.time)[len(events) // 2])
    # A handful of events cannot vouch for each other; before the first event there is nothing else to go by.
    if watermark is not None:
        middle = max(watermark, middle) if len(events) >= _VOUCHING else watermark
    ahead = events.time > middle + max_ahead
    if not ahead.any():
        return events, []
    return events.select(~ahead), events.position[ahead].tolist()


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads one file in one way."""

    path: Path
    source: Source
    sep: str | None
    table: TablePreset | None
    columns: Mapping[str, str]
    baskets: bool = False

    def chunks(self, begin: int, size: int) -> Iterator[tuple[RawRows, EventColumns, Refused, dict[str, int]]]:
        for rows in self.rows(begin, size):
            refused: Refused = {place: (why, None) for place, why in rows.broken.items()}
            unknown: dict[str, int] = {}
            if self.table is not None:
                events = self._from_table(self.table, rows, refused)
            elif self.baskets:
                events = self._from_baskets(rows, refused)
            else:
                events = self._from_json(rows, refused, unknown)
            last = rows.end - rows.begin - 1
            if rows.unfinished and last in refused:
                refused[last] = (_HALF_WRITTEN, None)
            yield rows, events, refused, unknown

    def reject(self, rows: RawRows, place: int, reason: str, name: str | None) -> Reject:
        row = rows.begin + place
        line = row + 2 if suffix_has_header(self.path) and not self.baskets else row + 1
        if rows.lines:
            raw: str | bytes = rows.lines[place]
        else:
            assert rows.table is not None
            raw = rows.table.iloc[place].to_json(date_format="iso", force_ascii=False)
        return Reject(reason, name, f"{self.source.name}:{line}", cut(raw), row)

    def rows(self, begin: int, size: int) -> Iterator[RawRows]:
        suffix = files.suffix_of(self.path)
        if suffix == ".parquet":
            return files.read_parquet(self.path, list(self.columns.values()) or None, begin, size)
        if self.table is not None and suffix not in _JSON:
            return files.read_csv(self.path, self.sep, begin, size)
        return files.read_lines(self.path, begin, size)

    def _from_table(self, preset: TablePreset, rows: RawRows, refused: Refused) -> EventColumns:
        table = rows.table if rows.table is not None else _json_table(rows, list(self.columns.values()), refused)
        whole = np.array([place for place in range(len(table)) if place not in refused], np.int64)
        if len(whole) < len(table):
            table = table.iloc[whole].reset_index(drop=True)
        named = pd.DataFrame({role: table[column] for role, column in self.columns.items()})
        events, failed, _ = events_of(preset.lines(named, self.path.parent), rows.begin + whole, self.source.id)
        refused |= {int(whole[place]): why for place, why in failed.items()}
        return events

    def _from_baskets(self, rows: RawRows, refused: Refused) -> EventColumns:
        texts = {place: files.as_text(line) for place, line in enumerate(rows.lines) if place not in refused}
        baskets, odd = {}, []
        for place, text in texts.items():
            items = [item for item in map(str.strip, text.split(self.sep)) if item]
            if not items:
                refused[place] = ("a basket without items", None)
            elif text.isprintable() and max(map(len, items)) <= models.MAX_ID:
                baskets[place] = items
            else:
                lines = [{"item": item} for item in items]
                odd.append((place, {"type": "purchase", "time": "1970-01-01", "items": lines}))
        events, places = validated(odd, refused)
        ids = [f"{self.source.id}-{rows.begin + place}" for place in baskets]
        whole = whole_baskets(list(baskets.values()), [rows.begin + place for place in baskets], ids)
        if not events:
            return whole
        merged = concat([whole, from_events(events, [rows.begin + place for place in places], self.source.id)])
        return merged.select(np.argsort(merged.position, kind="stable"))

    def _from_json(self, rows: RawRows, refused: Refused, unknown: dict[str, int]) -> EventColumns:
        places = [place for place, line in enumerate(rows.lines) if place not in refused and line.strip()]
        for place, line in enumerate(rows.lines):
            if not line.strip():
                refused.setdefault(place, ("an empty line", None))
        lines = [rows.lines[place].strip() for place in places]
        try:
            # Events that share a line, or are spread over lines, must not pass because their number fits.
            if not all(line.startswith(b"{") and line.endswith(b"}") for line in lines):
                raise ValueError("a line is no JSON object")
            events = models.EVENTS.validate_json(b"[" + b",".join(lines) + b"]")
            if len(events) != len(places):
                raise ValueError("a line holds more than one event")
        except ValueError:
            # One bad line spoils the batch: each line is looked at by itself.
            events, good = [], []
            for place in places:
                try:
                    events.append(models.EVENT.validate_json(rows.lines[place]))
                    good.append(place)
                except ValidationError as error:
                    refused[place] = models.first_problem(error)
            places = good
        count_unknown(events, unknown)
        return from_events(events, [rows.begin + place for place in places], self.source.id)


def suffix_has_header(path: Path) -> bool:
    """Return whether the rows of such a file stand below a header."""
    return files.suffix_of(path) not in {*_JSON, ".parquet"}


def _reader(
    path: Path, source: Source, preset: str | None, mapping: Mapping[str, str] | None, sep: str | None
) -> _Reader:
    suffix = files.suffix_of(path)
    if preset is not None and preset not in NAMES:
        near = get_close_matches(preset, NAMES, 1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(NAMES)}"
        raise UnknownPreset(f"no preset {preset!r}; {hint}")
    if preset is not None and mapping:
        raise InputError("--preset and --map say the same thing in two ways: give one of them")
    if preset == BASKETS:
        return _Reader(path, source, sep or _separator(path), None, {}, baskets=True)
    if preset == NATIVE or (preset is None and not mapping and suffix in _JSON):
        return _Reader(path, source, sep, None, {})
    if mapping and suffix in _JSON:
        return _Reader(path, source, sep, preset_of(mapping), dict(mapping))
    columns = files.parquet_columns(path) if suffix == ".parquet" else files.csv_columns(path, sep)
    table = preset_of(mapping) if mapping else PRESETS[preset] if preset else _guessed(path, columns)
    return _Reader(path, source, sep, table, table.found(columns) if columns or suffix == ".parquet" else {})


def _separator(path: Path) -> str | None:
    """Return what separates the items of baskets: a comma if the first lines have any, else blanks."""
    first = next(files.read_lines(path, 0, _FIRST_LINES), None)
    return "," if first is not None and any(b"," in line for line in first.lines) else None


def _guessed(path: Path, columns: list[str]) -> TablePreset:
    for preset in PRESETS.values():
        if preset.fits(columns) or not columns:
            return preset
    there = ", ".join(name[:40] for name in columns[:20])
    raise InputError(
        f"{path.name} fits no preset: say --preset ({', '.join(NAMES)}) or --map; its columns are: {there}"
    )


def _json_table(rows: RawRows, columns: list[str], refused: Refused) -> pd.DataFrame:
    """Return a table of JSON lines; a column that no line has is empty."""
    found: list[dict[str, object]] = []
    for place, line in enumerate(rows.lines):
        value: object = None
        if place not in refused:
            try:
                value = json.loads(line)
            except (ValueError, RecursionError):
                refused[place] = ("not JSON", None)
            else:
                if not isinstance(value, dict):
                    refused[place] = ("not a JSON object", None)
        found.append({name: value.get(name) for name in columns} if isinstance(value, dict) else {})
    return pd.DataFrame(found, columns=columns, dtype=object)
