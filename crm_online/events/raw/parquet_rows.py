"""Parquet files into raw rows, some rows at a time, whatever their row groups are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from crm_online.errors import UnreadableLog
from crm_online.events.cells import as_json
from crm_online.events.raw.lines import RawRows, as_text
from crm_online.events.raw.unpacking import first_line


def read_parquet(path: Path, columns: Sequence[str], begin: int, size: int) -> Iterator[RawRows]:
    """Yield the rows of a Parquet file from row ``begin`` on, ``size`` at a time; only some columns.

    A column may be a path into nested ones, such as ``customer.id``.
    """
    for table, row, total in _tables(path, columns, begin, size):
        # Integers among nulls would become floats, and large ids other ids.
        cells = {name: _column(table, name) for name in columns}
        frame = pd.DataFrame(
            {
                name: _decoded(column) if _is_bytes(column) else column.to_pandas(integer_object_nulls=True)
                for name, column in cells.items()
            }
        )
        yield RawRows(row, row + len(table), table=frame, progress=(row + len(table)) / total)


def read_parquet_objects(path: Path, begin: int, size: int) -> Iterator[RawRows]:
    """Yield the rows of a Parquet file from row ``begin`` on as JSON objects, nested values included."""
    for table, row, total in _tables(path, None, begin, size):
        lines = [as_json(value).encode("utf-8", "replace") for value in table.to_pylist()]
        yield RawRows(row, row + len(table), lines=lines, progress=(row + len(table)) / total)


def parquet_columns(path: Path) -> list[str]:
    """Return the columns of a Parquet file."""
    with _parquet(path) as file:
        return list(file.schema_arrow.names)


def parquet_paths(path: Path) -> dict[str, bool]:
    """Return the columns of a Parquet file and the paths to what they hold; whether each goes through a list."""
    found: dict[str, bool] = {}

    def walk(name: str, kind: pa.DataType, listed: bool) -> None:
        if pa.types.is_struct(kind):
            for place in range(kind.num_fields):
                walk(f"{name}.{kind.field(place).name}", kind.field(place).type, listed)
        elif pa.types.is_list(kind) or pa.types.is_large_list(kind):
            walk(name, kind.value_type, True)
        found[name] = listed

    with _parquet(path) as file:
        for one in file.schema_arrow:
            walk(one.name, one.type, False)
    return found


def _tables(path: Path, columns: Sequence[str] | None, begin: int, size: int) -> Iterator[tuple[pa.Table, int, int]]:
    """Yield tables of ``size`` rows, the row where each begins, and how many rows the file has."""
    with _parquet(path) as file:
        total = file.metadata.num_rows
        chosen = None if columns is None else _outermost(columns, file.schema_arrow.names)
        group = row = 0
        while group < file.num_row_groups and row + file.metadata.row_group(group).num_rows <= begin:
            row += file.metadata.row_group(group).num_rows
            group += 1
        skip, row = begin - row, max(begin, row)
        waiting: list[pa.RecordBatch] = []
        held = 0
        groups = list(range(group, file.num_row_groups))
        try:
            batches = file.iter_batches(size, row_groups=groups, columns=chosen)
            for whole in batches if groups else ():
                batch = whole.slice(min(skip, len(whole)))
                skip -= len(whole) - len(batch)
                waiting.append(batch)
                held += len(batch)
                while held >= size:
                    table = pa.Table.from_batches(waiting)
                    yield table.slice(0, size), row, total
                    row, held = row + size, held - size
                    waiting = table.slice(size).to_batches()
            if held:
                yield pa.Table.from_batches(waiting), row, total
        except (pa.ArrowException, OSError) as error:
            raise UnreadableLog(f"{path} is not a whole Parquet file: {first_line(error)}") from error


def _outermost(columns: Sequence[str], names: Sequence[str]) -> list[str]:
    """Return the columns that paths begin in."""
    return list(dict.fromkeys(name if name in names else name.split(".")[0] for name in columns))


@contextmanager
def _parquet(path: Path) -> Iterator[pq.ParquetFile]:
    try:
        file = pq.ParquetFile(path)
    except (pa.ArrowException, OSError) as error:
        raise UnreadableLog(f"{path} is not a Parquet file: {first_line(error)}") from error
    with file:
        yield file


def _column(table: pa.Table, name: str) -> pa.ChunkedArray[Any]:
    if name in table.column_names:
        return table.column(name)
    top, *inner = name.split(".")
    nested: pa.ChunkedArray[Any] = pc.struct_field(table.column(top), inner)
    return nested


def _is_bytes(column: pa.ChunkedArray[Any]) -> bool:
    """Return whether a column holds bytes, or texts that are no UTF-8."""
    if pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type):
        return True
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        try:
            column.validate(full=True)
        except pa.ArrowInvalid:
            return True
    return False


def _decoded(column: pa.ChunkedArray[Any]) -> pd.Series[str]:
    values = column.cast(pa.large_binary()).to_pylist()
    return pd.Series([None if value is None else as_text(value) for value in values], dtype=object)
