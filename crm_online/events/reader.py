"""Rows of one log into events and rejects, in the one way that fits it."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from pydantic import ValidationError

from crm_online.events import files, models
from crm_online.events.cells import as_json, plain
from crm_online.events.columns import EventColumns, concat, count_unknown, from_events, whole_baskets
from crm_online.events.csv_rows import read_csv
from crm_online.events.files import RawRows
from crm_online.events.parquet_rows import read_parquet
from crm_online.events.presets import TablePreset
from crm_online.events.rejects import Reject, cut
from crm_online.events.source import Source
from crm_online.events.table import events_of, validated

JSON = frozenset({".jsonl", ".ndjson", ".json"})
HALF_WRITTEN = "half-written last line"
_EMPTY = ("an empty line", None)
_FIELDS = {role: f"items.0.{role}" for role in ("item", "quantity", "price")}
Refused = dict[int, tuple[str, str | None]]
"""By row of a chunk, why it is no event, and the native field at fault."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads one file in one way: as a table of a preset, as baskets, or as native JSON lines."""

    path: Path
    source: Source
    sep: str | None
    table: TablePreset | None
    columns: Mapping[str, str]
    baskets: bool = False

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
            table = _json_table(rows, list(dict.fromkeys(self.columns.values())), refused)
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
        places = [place for place, line in enumerate(rows.lines) if place not in refused and line.strip()]
        for place, line in enumerate(rows.lines):
            if not line.strip():
                refused.setdefault(place, _EMPTY)
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
                    events.append(models.EVENT.validate_json(files.as_text(rows.lines[place])))
                    good.append(place)
                except ValidationError as error:
                    refused[place] = models.first_problem(error)
            places = good
        count_unknown(events, unknown)
        return from_events(events, [rows.begin + place for place in places], self.source.id)


def _json_table(rows: RawRows, columns: list[str], refused: Refused) -> pd.DataFrame:
    """Return a table of JSON lines; a column that no line has is empty."""
    found: list[dict[str, object]] = []
    for place, line in enumerate(rows.lines):
        value: object = None
        if not line.strip():
            refused.setdefault(place, _EMPTY)
        if place not in refused:
            try:
                value = json.loads(files.as_text(line), parse_constant=_no_number)
            except (ValueError, RecursionError):
                refused[place] = ("not JSON", None)
            else:
                if not isinstance(value, dict):
                    refused[place] = ("not a JSON object", None)
        found.append({name: value.get(name) for name in columns} if isinstance(value, dict) else {})
    return pd.DataFrame(found, columns=columns, dtype=object)


def _is_nan(value: object) -> bool:
    return isinstance(value, float) and math.isnan(value)


def _no_number(name: str) -> object:
    raise ValueError(f"{name} is no JSON")
