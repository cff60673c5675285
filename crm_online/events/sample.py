"""The first JSON objects of a log, to see what it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from crm_online.events import files
from crm_online.events.files import RawRows
from crm_online.events.json_documents import read_objects
from crm_online.events.json_rows import decoded
from crm_online.events.layout import FileFormat, Layout
from crm_online.events.parquet_rows import read_parquet_objects

FIRST = 1000
"""How many rows tell what a log is."""


def first_objects(path: Path, layout: Layout, most: int = FIRST) -> Iterator[Mapping[str, object]]:
    """Yield the objects among the first rows of a log."""
    for rows in _rows(path, layout):
        for place, line in enumerate(rows.lines):
            if rows.begin + place >= most:
                return
            value = decoded(line) if place not in rows.broken else None
            if isinstance(value, Mapping):
                yield value


def _rows(path: Path, layout: Layout) -> Iterator[RawRows]:
    if layout.kind is FileFormat.PARQUET:
        return read_parquet_objects(path, 0, 100)
    if layout.kind is FileFormat.DOCUMENT:
        return read_objects(path, layout.place, 0, 100)
    return files.read_lines(path, 0, 1)
