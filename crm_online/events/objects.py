"""Raw rows as objects, JSON or the cells of a table by column, and objects as events: native, or by a preset."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

import pandas as pd
from pydantic import ValidationError
from pydantic_core import from_json

from crm_online.events import models, paths, times
from crm_online.events.conversion import Conversion
from crm_online.events.decoding import DecodedEvents, decode_lines, decode_objects, native_event
from crm_online.events.presets.preset import JsonPreset, Refusal
from crm_online.events.problems import first_problem
from crm_online.events.raw.lines import RawRows, as_text
from crm_online.events.rejects import Refused
from crm_online.events.row_filter import RowFilter

Row = dict[str, object]
_EMPTY = "an empty line"


@dataclass(slots=True)
class ObjectReader:
    """Reads the objects of a log, in order, as events.

    Attributes
    ----------
    preset
        How an object is an event.
    conversion
        How times and numbers are written.
    where
        Which objects are read.
    shared
        What the rows of the last order have in common.
    """

    preset: JsonPreset
    conversion: Conversion
    where: RowFilter
    shared: Row = field(default_factory=dict)

    def at(self, begin: int, rows: Callable[[int, int], Iterator[RawRows]], size: int) -> ObjectReader:
        """Return a reader that goes on from row ``begin``: where rows share cells, those before it are read again."""
        reader = replace(self, shared={})
        if begin and self.preset.fill:
            for some in rows(0, size):
                if some.begin >= begin:
                    break
                reader._objects(some, dict.fromkeys(some.broken, Refusal("")), begin)
        return reader

    def events(self, rows: RawRows, source_id: str, refused: Refused) -> tuple[DecodedEvents, int]:
        """Return the events of rows, and how many rows are left out; what is no event is refused."""
        found = self._objects(rows, refused, rows.end)
        chosen = {place: value for place, value in found.items() if not self.where or self._fits(value)}
        self._convert(chosen, refused)
        natives: dict[int, Mapping[str, object]] = {}
        for place, value in chosen.items():
            native = native_of(value, self.preset) if place not in refused else Refusal(*refused[place])
            if isinstance(native, Refusal):
                refused[place] = native
            else:
                natives[place] = native
        every = range(rows.begin, rows.end)
        events = decode_objects(natives, lambda place: _judged(natives[place]), every, source_id, refused)
        return events, len(found) - len(chosen)

    def _objects(self, rows: RawRows, refused: Refused, end: int) -> dict[int, object]:
        """Return the values of rows before row ``end``, by place; lines that are no JSON are refused."""
        found: dict[int, object] = {}
        if rows.table is not None:
            found = {place: row for place, row in enumerate(_rows_of(rows.table)) if place not in refused}
        else:
            decode = self.preset.decode
            for place, line in nonblank_lines(rows, refused).items():
                value = decode(rows.lines[place]) if decode else decoded(line)
                if isinstance(value, Refusal):
                    refused[place] = value
                else:
                    found[place] = value
        found = {place: value for place, value in found.items() if rows.begin + place < end}
        return {place: self._filled(value) for place, value in found.items()} if self.preset.fill else found

    def _filled(self, value: object) -> object:
        fill = self.preset.fill
        if fill is None or not isinstance(value, dict):
            return value
        if fill.by in value and value[fill.by] != self.shared.get(fill.by):
            self.shared = {}
        self.shared |= {name: value[name] for name in (fill.by, *fill.columns) if name in value}
        return {**self.shared, **value}

    def _fits(self, value: object) -> bool:
        return not isinstance(value, Mapping) or self.where.matches(value)

    def _convert(self, found: dict[int, object], refused: Refused) -> None:
        conversion, preset = self.conversion, self.preset
        if not conversion:
            return
        objects = {place: dict(value) for place, value in found.items() if isinstance(value, Mapping)}
        for name in preset.times if conversion.time else ():
            places = [place for place, value in objects.items() if value.get(name) is not None]
            read = conversion.time.read([objects[place][name] for place in places]) if conversion.time else ()
            for place, ms in zip(places, read, strict=True):
                if ms == times.NONE and conversion.time:
                    refused[place] = Refusal(f"time does not fit --time-format {conversion.time.text}", "time")
                objects[place][name] = times.to_iso(int(ms)) if ms != times.NONE else None
        for value in objects.values():
            value |= {name: conversion.number_of(value[name]) for name in preset.numbers if name in value}
        found |= objects


def native_of(value: object, preset: JsonPreset | None = None) -> Mapping[str, object] | Refusal:
    """Return the native object that a decoded JSON value is, or why it is none; the object need not be a valid event.

    Parameters
    ----------
    value
        What a JSON reader made: any value.
    preset
        Whose object it is; ``None`` for a native event.
    """
    if not isinstance(value, dict):
        return Refusal("not a JSON object")
    return preset.event(value) if preset else value


def decoded(line: bytes) -> object:
    """Return the value of a line, or a :class:`~crm_online.events.presets.preset.Refusal`.

    It is read as pydantic reads native events: to a depth of 200, without NaN and infinity, without halves of
    surrogate pairs, which the standard library would all let through.
    """
    try:
        value: object = from_json(as_text(line), allow_inf_nan=False)
    except ValueError:
        return Refusal("not JSON")
    return value


def nonblank_lines(rows: RawRows, refused: Refused) -> dict[int, bytes]:
    """Return the lines that may be events, by place; empty ones are refused."""
    for place, line in enumerate(rows.lines):
        if not line.strip():
            refused.setdefault(place, Refusal(_EMPTY))
    return {place: line.strip() for place, line in enumerate(rows.lines) if place not in refused}


def native_lines(rows: RawRows, source_id: str, refused: Refused) -> DecodedEvents:
    """Return the events of rows of native JSON; what is none is refused."""
    lines = {place: line for place, line in enumerate(rows.lines) if place not in refused}

    def judge(place: int) -> models.Event | Refusal:
        line = lines[place].strip()
        return native_event(as_text(line)) if line else Refusal(_EMPTY)

    return decode_lines(lines, judge, range(rows.begin, rows.end), source_id, refused)


def json_table(rows: RawRows, columns: list[str], refused: Refused) -> pd.DataFrame:
    """Return what JSON lines have at some paths as a table; a column that no line has is empty."""
    found: list[dict[str, object]] = [{}] * len(rows.lines)
    for place, line in nonblank_lines(rows, refused).items():
        try:
            value = json.loads(as_text(line), parse_constant=_no_number)
        except (ValueError, RecursionError):
            refused[place] = Refusal("not JSON")
            continue
        if isinstance(value, dict):
            found[place] = {name: _at(value, name) for name in columns}
        else:
            refused[place] = Refusal("not a JSON object")
    return pd.DataFrame(found, columns=columns, dtype=object)


def _judged(native: Mapping[str, object]) -> models.Event | Refusal:
    try:
        return models.EVENT.validate_python(native)
    except ValidationError as error:
        return Refusal(*first_problem(error))


def _at(value: Mapping[str, object], path: str) -> object:
    part = paths.at(value, path)
    return None if part is paths.MISSING else part


def _no_number(name: str) -> object:
    raise ValueError(f"{name} is no JSON")


def _rows_of(table: pd.DataFrame) -> Iterator[Row]:
    """Yield rows without their empty cells; texts are stripped."""
    columns = [(str(name), table[name].tolist()) for name in table.columns]
    for place in range(len(table)):
        row: Row = {}
        for name, cells in columns:
            cell = cells[place]
            if isinstance(cell, str):
                cell = cell.strip()
            if cell is not None and cell != "" and cell == cell:
                row[name] = cell if isinstance(cell, str | int | float | bool) else str(cell)
        yield row
