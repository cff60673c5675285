"""The first rows of a log, to see what it is: its JSON objects, the paths to what they hold, all rows as columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from crm_online.events import paths
from crm_online.events.objects import decoded
from crm_online.events.raw.csv_rows import read_csv
from crm_online.events.raw.json_documents import read_objects
from crm_online.events.raw.layout import FileFormat, Layout
from crm_online.events.raw.lines import RawRows, read_lines
from crm_online.events.raw.parquet_rows import read_parquet_objects
from crm_online.events.raw.sheet_rows import read_sheet

FIRST = 1000
"""How many rows are looked at."""
_SEARCHED = 100_000

Cells = list[object]


@dataclass(frozen=True, slots=True)
class FirstRows:
    """The first rows of a log as columns.

    Attributes
    ----------
    columns
        By column, or path in an object, its cells, one a row: ``None`` where one is empty, and of a list the first.
    listed
        Paths that go through a list.
    count
        How many rows there are.
    """

    columns: Mapping[str, Cells]
    listed: frozenset[str]
    count: int

    def filled(self, name: str) -> Cells:
        """Return the cells of a column that are not empty."""
        return [cell for cell in self.columns.get(name, ()) if cell is not None]

    def texts(self, name: str) -> list[str]:
        """Return the cells of a column that are texts."""
        return [cell for cell in self.filled(name) if isinstance(cell, str)]


NO_ROWS = FirstRows({}, frozenset(), 0)


def first_rows(path: Path, layout: Layout, sep: str | None) -> FirstRows:
    """Return the first rows of a log.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    if layout.is_json or layout.kind is FileFormat.PARQUET:
        objects = list(first_objects(path, layout))
        found: dict[str, bool] = {}
        for value in objects:
            _add_leaves(value, found)
        columns = {name: [_first(paths.at(value, name)) for value in objects] for name in found}
        return FirstRows(columns, frozenset(name for name, listed in found.items() if listed), len(objects))
    chunks = read_sheet(path, 0, FIRST) if layout.kind is FileFormat.SHEET else read_csv(path, sep, 0, FIRST)
    first = next(chunks, None)
    if first is None or first.table is None:
        return NO_ROWS
    columns = {str(name): [_cell(cell) for cell in first.table[name].tolist()] for name in first.table.columns}
    return FirstRows(columns, frozenset(), len(first.table))


def first_objects(path: Path, layout: Layout, most: int = FIRST) -> Iterator[Mapping[str, object]]:
    """Yield the objects among the first rows of a log."""
    for rows in _raw_rows(path, layout):
        for place, line in enumerate(rows.lines):
            if rows.begin + place >= most:
                return
            value = decoded(line) if place not in rows.broken else None
            if isinstance(value, Mapping):
                yield value


def paths_of(path: Path, layout: Layout, needed: Iterable[str] = ()) -> dict[str, bool]:
    """Return the paths to what the first objects hold, and whether each goes through a list.

    A path that is needed and that none of them has is searched for among more objects: some fields are rare.
    """
    needed, found = list(needed), dict[str, bool]()
    objects = list(first_objects(path, layout))
    for value in objects:
        _add_leaves(value, found)
        _add_paths(value, needed, found)
    rare = [name for name in needed if found and name not in found and "+" not in name]
    for value in islice(first_objects(path, layout, _SEARCHED), len(objects), None) if rare else ():
        _add_paths(value, rare, found)
        if all(name in found for name in rare):
            break
    return found


def _raw_rows(path: Path, layout: Layout) -> Iterator[RawRows]:
    if layout.kind is FileFormat.PARQUET:
        return read_parquet_objects(path, 0, 100)
    if layout.kind is FileFormat.DOCUMENT:
        return read_objects(path, layout.place, 0, 100)
    return read_lines(path, 0, 1)


def _add_leaves(value: Mapping[str, object], found: dict[str, bool]) -> None:
    for name, listed in paths.leaves(value).items():
        found[name] = found.get(name, False) or listed


def _add_paths(value: Mapping[str, object], names: Iterable[str], found: dict[str, bool]) -> None:
    """Add the paths that an object has: to a whole object, or written in another way."""
    for name in names:
        if name in value:
            found.setdefault(name, False)
        elif (part := paths.at(value, name)) is not paths.MISSING and part != []:
            found[name] = found.get(name, False) or _crosses(value, name)


def _crosses(value: Mapping[str, object], name: str) -> bool:
    """Return whether a path goes through all members of a list."""
    part: object = value
    for step in paths.steps_of(name):
        if isinstance(part, list):
            if not step.isdecimal():
                return True
            part = part[int(step)]
        elif isinstance(part, dict):
            part = part.get(step)
    return False


def _first(part: object) -> object:
    while isinstance(part, list):
        part = part[0] if part else None
    return None if part is paths.MISSING else _cell(part)


def _cell(cell: object) -> object:
    if cell is None or cell != cell:
        return None
    return (cell.strip() or None) if isinstance(cell, str) else cell
