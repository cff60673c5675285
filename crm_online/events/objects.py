"""Rows as objects, for presets that take whole ones: JSON, or the cells of a table by column."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time
from typing import Any

import pandas as pd

from crm_online.events import models, times
from crm_online.events.conversion import Conversion
from crm_online.events.files import RawRows
from crm_online.events.json_rows import Refused, decoded, event_of, whole_lines
from crm_online.events.presets.preset import JsonPreset, Refusal
from crm_online.events.where import Where

Row = dict[str, object]


@dataclass(frozen=True, slots=True)
class Objects:
    """How the objects of a log become events.

    Attributes
    ----------
    preset
        What reads them.
    conversion
        How their times and numbers are written.
    where
        Which are asked for.
    """

    preset: JsonPreset
    conversion: Conversion
    where: Where

    def begun(self, rows: Callable[[int, int], Iterator[RawRows]], begin: int, size: int) -> Reading:
        """Return what reads on from row ``begin``: where rows share cells, those before it are read again."""
        reading = Reading(self)
        if begin and self.preset.fill:
            for some in rows(0, size):
                if some.begin >= begin:
                    break
                reading.objects(some, dict.fromkeys(some.broken, Refusal("")), begin)
        return reading


@dataclass(slots=True)
class Reading:
    """Reads the objects of a log in order.

    Attributes
    ----------
    how
        How they become events.
    shared
        What the rows of the last order have in common.
    """

    how: Objects
    shared: Row = field(default_factory=dict)

    def events(self, rows: RawRows, refused: Refused) -> tuple[dict[int, models.Event], int]:
        """Return the events of rows, by place, and how many were not asked for; what is no event is refused."""
        found = self.objects(rows, refused, rows.end)
        wanted = {place: value for place, value in found.items() if not self.how.where or self._fits(value)}
        self._convert(wanted, refused)
        events: dict[int, models.Event] = {}
        for place, value in wanted.items():
            event = event_of(value, self.how.preset) if place not in refused else Refusal(*refused[place])
            if isinstance(event, Refusal):
                refused[place] = event
            else:
                events[place] = event
        return events, len(found) - len(wanted)

    def objects(self, rows: RawRows, refused: Refused, end: int) -> dict[int, object]:
        """Return the values of rows before row ``end``, by place; lines that are no JSON are refused."""
        if rows.table is not None:
            found: dict[int, object] = {
                place: row for place, row in enumerate(_rows_of(rows.table)) if place not in refused
            }
        else:
            found, decode = {}, self.how.preset.decode
            for place, line in whole_lines(rows, refused).items():
                value = decode(rows.lines[place]) if decode else decoded(line)
                if isinstance(value, Refusal):
                    refused[place] = value
                else:
                    found[place] = value
        found = {place: value for place, value in found.items() if rows.begin + place < end}
        return {place: self._filled(value) for place, value in found.items()} if self.how.preset.fill else found

    def _filled(self, value: object) -> object:
        fill = self.how.preset.fill
        if fill is None or not isinstance(value, dict):
            return value
        same = fill.by not in value or value[fill.by] == self.shared.get(fill.by)
        if not same:
            self.shared = {}
        self.shared |= {name: value[name] for name in (fill.by, *fill.columns) if name in value}
        return {**self.shared, **value}

    def _fits(self, value: object) -> bool:
        return not isinstance(value, Mapping) or self.how.where.object_fits(value)

    def _convert(self, found: dict[int, object], refused: Refused) -> None:
        conversion, preset = self.how.conversion, self.how.preset
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


def joined(columns: Sequence[pd.Series[Any]]) -> pd.Series[Any]:
    """Return columns put together with a blank: a day and a time of day.

    Examples
    --------
    >>> joined([pd.Series(["2025-12-26", None]), pd.Series(["17:51", "9:00"])]).tolist()
    ['2025-12-26 17:51', '9:00']
    """
    cells = [[_text(cell) for cell in column.tolist()] for column in columns]
    texts = [" ".join(text for text in row if text) or None for row in zip(*cells, strict=True)]
    return pd.Series(texts, dtype=object)


def _text(cell: object) -> str:
    if isinstance(cell, datetime) and cell.time() == time():
        return cell.date().isoformat()
    return "" if cell is None or cell is pd.NaT or cell != cell else str(cell).strip()


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
