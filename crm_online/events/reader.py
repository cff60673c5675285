"""Rows of one log into events and rejects, in the one way that fits it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from crm_online.events import files, models
from crm_online.events.cells import as_json, plain
from crm_online.events.columns import EventColumns, concat, count_unknown, from_events, whole_baskets
from crm_online.events.csv_rows import read_csv
from crm_online.events.files import RawRows
from crm_online.events.json_rows import Refused, json_table, native_events, preset_events, whole_lines
from crm_online.events.parquet_rows import read_parquet
from crm_online.events.presets import JsonPreset, TablePreset
from crm_online.events.rejects import Reject, cut
from crm_online.events.source import Source
from crm_online.events.table import events_of, validated

JSON = frozenset({".jsonl", ".ndjson", ".json"})
HALF_WRITTEN = "half-written last line"
_FIELDS = {role: f"items.0.{role}" for role in ("item", "quantity", "price")}


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads one file in one way: as a table or as JSON lines of a preset, as baskets, or as native JSON lines."""

    path: Path
    source: Source
    sep: str | None
    table: TablePreset | None
    columns: Mapping[str, str]
    baskets: bool = False
    objects: JsonPreset | None = None

    def chunks(self, begin: int, size: int) -> Iterator[tuple[RawRows, EventColumns, Refused, dict[str, int]]]:
        """Yield rows, the events among them, the others, and how often each unknown field occurred."""
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
                refused[last] = (HALF_WRITTEN, None)
            yield rows, events, refused, unknown

    def reject(self, rows: RawRows, place: int, reason: str, name: str | None) -> Reject:
        """Return the reject of a row, by its place within the rows."""
        row = rows.begin + place
        line = rows.numbers[place] if rows.numbers else row + 1
        if rows.lines:
            raw: str | bytes = rows.lines[place]
        else:
            assert rows.table is not None
            cells = {column: rows.table[column].iloc[place] for column in rows.table.columns}
            raw = as_json({column: None if _is_nan(value) else value for column, value in cells.items()})
        return Reject(reason, name, f"{self.source.name}:{line}", cut(raw), row)

    def rows(self, begin: int, size: int) -> Iterator[RawRows]:
        """Yield the raw rows from row ``begin`` on."""
        suffix = files.suffix_of(self.path)
        if suffix == ".parquet":
            return read_parquet(self.path, list(dict.fromkeys(self.columns.values())), begin, size)
        if self.table is not None and suffix not in JSON:
            return read_csv(self.path, self.sep, begin, size)
        return files.read_lines(self.path, begin, size)

    def _from_table(self, preset: TablePreset, rows: RawRows, refused: Refused) -> EventColumns:
        table = rows.table
        if table is None:
            table = json_table(rows, list(dict.fromkeys(self.columns.values())), refused)
        whole = np.array([place for place in range(len(table)) if place not in refused], np.int64)
        if len(whole) < len(table):
            table = table.iloc[whole].reset_index(drop=True)
        named, odd = plain(pd.DataFrame({role: table[column] for role, column in self.columns.items()}), "attributes")
        lines = preset.lines(named, self.path.parent)
        lines.refused |= {row: (why, _FIELDS.get(role, role)) for row, (why, role) in odd.items()}
        events, failed, _ = events_of(lines, rows.begin + whole, self.source.id)
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
        lines = whole_lines(rows, refused)
        events = preset_events(lines, self.objects, refused) if self.objects else native_events(lines, refused)
        count_unknown(events.values(), unknown)
        return from_events(list(events.values()), [rows.begin + place for place in events], self.source.id)


def _is_nan(value: object) -> bool:
    return isinstance(value, float) and math.isnan(value)
