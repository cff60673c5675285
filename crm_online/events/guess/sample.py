"""The first rows of a log as columns of cells, whatever kind of file it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from crm_online.events import paths
from crm_online.events.csv_rows import read_csv
from crm_online.events.layout import FileFormat, Layout
from crm_online.events.sample import FIRST, first_objects
from crm_online.events.sheet_rows import read_sheet

Cells = list[object]


@dataclass(frozen=True, slots=True)
class FirstRows:
    """The first rows of a log.

    Attributes
    ----------
    columns
        By column, or path in an object, its cells, one a row: ``None`` where one is empty, and of a list the first.
    listed
        Paths that go through a list.
    rows
        How many there are.
    """

    columns: Mapping[str, Cells]
    listed: frozenset[str]
    rows: int

    def filled(self, name: str) -> Cells:
        """Return the cells of a column that are not empty."""
        return [cell for cell in self.columns.get(name, ()) if cell is not None]

    def texts(self, name: str) -> list[str]:
        """Return the cells of a column that are texts."""
        return [cell for cell in self.filled(name) if isinstance(cell, str)]


def sample_of(path: Path, layout: Layout, sep: str | None) -> FirstRows:
    """Return the first rows of a log.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    if layout.is_json or layout.kind is FileFormat.PARQUET:
        return _of_objects([*first_objects(path, layout)])
    chunks = read_sheet(path, 0, FIRST) if layout.kind is FileFormat.SHEET else read_csv(path, sep, 0, FIRST)
    first = next(chunks, None)
    if first is None or first.table is None:
        return FirstRows({}, frozenset(), 0)
    columns = {str(name): [_cell(cell) for cell in first.table[name].tolist()] for name in first.table.columns}
    return FirstRows(columns, frozenset(), len(first.table))


def _of_objects(objects: list[Mapping[str, object]]) -> FirstRows:
    places: dict[str, bool] = {}
    for value in objects:
        for name, listed in paths.leaves(value).items():
            places[name] = places.get(name, False) or listed
    columns = {name: [_first(paths.at(value, name)) for value in objects] for name in places}
    return FirstRows(columns, frozenset(name for name, listed in places.items() if listed), len(objects))


def _first(part: object) -> object:
    while isinstance(part, list):
        part = part[0] if part else None
    return None if part is paths.MISSING else _cell(part)


def _cell(cell: object) -> object:
    if cell is None or cell != cell:
        return None
    return (cell.strip() or None) if isinstance(cell, str) else cell
