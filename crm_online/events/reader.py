"""Rows of one log into events and rejects, in the one way that fits it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from crm_online.events import models
from crm_online.events.building import anonymous_baskets, from_events
from crm_online.events.cells import as_json, joined, plain
from crm_online.events.columns import EventColumns, concat
from crm_online.events.conversion import NO_CONVERSION, Conversion
from crm_online.events.intake import INTAKE, Intake
from crm_online.events.objects import ObjectReader, json_table, native_lines
from crm_online.events.presets import TablePreset
from crm_online.events.raw.csv_rows import read_csv
from crm_online.events.raw.json_documents import read_objects
from crm_online.events.raw.layout import FileFormat, Layout
from crm_online.events.raw.lines import RawRows, as_text, read_lines
from crm_online.events.raw.parquet_rows import read_parquet, read_parquet_objects
from crm_online.events.raw.sheet_rows import read_sheet
from crm_online.events.rejects import Refused, RejectedRow
from crm_online.events.row_filter import NO_FILTER, RowFilter
from crm_online.events.source import Source
from crm_online.events.table import events_of, validated

_SHOWN = 400
HALF_WRITTEN = "half-written last line"
_FIELDS = {role: f"items.0.{role}" for role in ("item", "quantity", "price")} | {"amount": "items.0.price"}


class DecodedRows(NamedTuple):
    """What some rows hold.

    Attributes
    ----------
    rows
        The rows.
    events
        The events among them.
    refused
        Why the others are none.
    unknown
        How often each field occurred that no event has.
    left_out
        How many rows the filter leaves out.
    """

    rows: RawRows
    events: EventColumns
    refused: Refused
    unknown: dict[str, int]
    left_out: int


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads one file in one way: as a table, as objects of a preset, as baskets, or as native JSON lines."""

    path: Path
    source: Source
    layout: Layout
    sep: str | None = None
    table: TablePreset | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    baskets: bool = False
    objects: ObjectReader | None = None
    conversion: Conversion = NO_CONVERSION
    where: RowFilter = NO_FILTER
    combined: frozenset[str] = frozenset()
    intake: Intake = INTAKE

    def chunks(self, begin: int, size: int) -> Iterator[DecodedRows]:
        """Yield rows, and what they hold."""
        objects = self.objects.at(begin, self.rows, size) if self.objects else None
        for rows in self.rows(begin, size):
            refused: Refused = {place: (why, None) for place, why in rows.broken.items()}
            unknown: dict[str, int] = {}
            if self.table is not None:
                events, left_out = self._from_table(self.table, rows, refused)
            elif self.baskets:
                events, left_out = self._from_baskets(rows, refused), 0
            else:
                name = self.source.id
                found, left_out = (
                    objects.events(rows, name, refused) if objects else (native_lines(rows, name, refused), 0)
                )
                events, unknown = found.events, found.count_unknown()
            if barred := dict(self.intake.refused(events)):
                refused |= {int(events.position[index]) - rows.begin: why for index, why in barred.items()}
                events = events.select(~np.isin(np.arange(len(events)), [*barred]))
            last = rows.end - rows.begin - 1
            if rows.unfinished and last in refused:
                refused[last] = (HALF_WRITTEN, None)
            yield DecodedRows(rows, self.intake.events(events), refused, unknown, left_out)

    def reject(self, rows: RawRows, place: int, reason: str, name: str | None) -> RejectedRow:
        """Return the reject of a row, by its place within the rows."""
        row = rows.begin + place
        line = rows.numbers[place] if rows.numbers else row + 1
        if rows.lines:
            raw: str | bytes = rows.lines[place]
        else:
            assert rows.table is not None
            cells = {column: rows.table[column].iloc[place] for column in rows.table.columns}
            raw = as_json({column: None if _is_nan(value) else value for column, value in cells.items()})
        return RejectedRow(reason, name, f"{self.source.name}:{line}", self.intake.row(raw), row)

    def as_read(self, rows: RawRows, place: int) -> str:
        """Return what a row was read as, for a person: the fields of a table, or the beginning of the row."""
        if rows.table is None and self.table is None:
            return as_text(rows.lines[place])[:_SHOWN]
        table = rows.table
        if table is None:
            table = json_table(rows, self._needed(), {})
        if self.table is None:
            cells = {str(name): table[name].iloc[place] for name in table.columns}
        else:
            cells = {role: self._column(table, column).iloc[place] for role, column in self.columns.items()}
        return ", ".join(f"{name}={str(cell)[:40]!r}" for name, cell in cells.items() if not _is_nan(cell))[:_SHOWN]

    def cells(self, rows: RawRows, role: str) -> list[object]:
        """Return the cells of a column of a table by its role; none where rows are no table."""
        if rows.table is None or self.table is None or role not in self.columns:
            return []
        found: list[object] = self._column(rows.table, self.columns[role]).tolist()
        return found

    def rows(self, begin: int, size: int) -> Iterator[RawRows]:
        """Yield the raw rows from row ``begin`` on."""
        kind = self.layout.kind
        if kind is FileFormat.PARQUET:
            if self.objects is not None:
                return read_parquet_objects(self.path, begin, size)
            return read_parquet(self.path, self._needed(), begin, size)
        if kind is FileFormat.SHEET:
            return read_sheet(self.path, begin, size)
        if kind is FileFormat.DOCUMENT:
            return read_objects(self.path, self.layout.place, begin, size)
        rows_of_table = self.table is not None or (self.objects is not None and self.objects.preset.tables)
        if kind is FileFormat.CSV and rows_of_table:
            return read_csv(self.path, self.sep, begin, size)
        return read_lines(self.path, begin, size)

    def _needed(self) -> list[str]:
        names = [*self.columns.values(), *self.where.columns]
        return list(dict.fromkeys(part for name in names for part in self._parts(name)))

    def _parts(self, name: str) -> list[str]:
        return name.split("+") if name in self.combined else [name]

    def _from_table(self, preset: TablePreset, rows: RawRows, refused: Refused) -> tuple[EventColumns, int]:
        table = json_table(rows, self._needed(), refused) if rows.table is None else rows.table
        chosen = np.ones(len(table), bool)
        chosen[list(refused)] = False
        if self.where:
            cells = {name: self._column(table, name).tolist() for name in self.where.columns}
            chosen &= self.where.matching_rows(len(table), cells)
        places = np.flatnonzero(chosen)
        left_out = len(table) - len(places) - len(refused)
        if len(places) < len(table):
            table = table.iloc[places].reset_index(drop=True)
        roles = pd.DataFrame({role: self._column(table, column) for role, column in self.columns.items()})
        cleaned, odd = plain(roles, "attributes")
        converted, unfit = self.conversion.table(cleaned, preset.times, preset.numbers)
        lines = preset.lines(converted, self.path.parent)
        lines.refused |= {row: (why, _FIELDS.get(role, role)) for row, (why, role) in {**unfit, **odd}.items()}
        events, failed = events_of(lines, rows.begin + places, self.source.id)
        refused |= {int(places[row]): why for row, why in failed.items()}
        return events, left_out

    def _column(self, table: pd.DataFrame, name: str) -> pd.Series[Any]:
        """Return a column, or those that ``Date+Time`` names, put together."""
        return table[name] if name in table else joined([table[part] for part in self._parts(name)])

    def _from_baskets(self, rows: RawRows, refused: Refused) -> EventColumns:
        texts = {place: as_text(line) for place, line in enumerate(rows.lines) if place not in refused}
        baskets, odd = {}, []
        for place, text in texts.items():
            items = [item for item in map(str.strip, text.split(self.sep)) if item]
            if not items:
                refused[place] = ("a basket without items", None)
            elif text.isprintable() and max(map(len, items)) <= models.MAX_ID and len(items) <= models.MAX_LINES:
                baskets[place] = items
            else:
                lines = [{"item": item} for item in items]
                odd.append((place, {"type": "purchase", "time": "1970-01-01", "items": lines}))
        events, places = validated(odd, refused)
        ids = [f"{self.source.id}-{rows.begin + place}" for place in baskets]
        found = anonymous_baskets(list(baskets.values()), [rows.begin + place for place in baskets], ids)
        if not events:
            return found
        merged = concat([found, from_events(events, [rows.begin + place for place in places], self.source.id)])
        return merged.select(np.argsort(merged.position, kind="stable"))


def _is_nan(value: object) -> bool:
    return isinstance(value, float) and math.isnan(value)
