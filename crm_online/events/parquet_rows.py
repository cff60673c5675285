"""Parquet files into raw rows, some rows at a time, whatever their row groups are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from crm_online.errors import UnreadableLog
from crm_online.events.files import RawRows, as_text, first_line


def read_parquet(path: Path, columns: Sequence[str], begin: int, size: int) -> Iterator[RawRows]:
    """Yield the rows of a Parquet file from row ``begin`` on, ``size`` at a time; only some columns."""
    with _parquet(path) as file:
        total = file.metadata.num_rows
        group = row = 0
        while group < file.num_row_groups and row + file.metadata.row_group(group).num_rows <= begin:
            row += file.metadata.row_group(group).num_rows
            group += 1
        skip, row = begin - row, max(begin, row)
        waiting: list[pa.RecordBatch] = []
        held = 0
        groups = list(range(group, file.num_row_groups))
        try:
            batches = file.iter_batches(size, row_groups=groups, columns=list(columns))
            for whole in batches if groups else ():
                batch = whole.slice(min(skip, len(whole)))
                skip -= len(whole) - len(batch)
                waiting.append(batch)
                held += len(batch)
                while held >= size:
                    table = pa.Table.from_batches(waiting)
                    yield _rows(table.slice(0, size), row, total)
                    row, held = row + size, held - size
                    waiting = table.slice(size).to_batches()
            if held:
                yield _rows(pa.Table.from_batches(waiting), row, total)
        except (pa.ArrowException, OSError) as error:
            raise UnreadableLog(f"{path} is not a whole Parquet file: {first_line(error)}") from error


def parquet_columns(path: Path) -> list[str]:
    """Return the columns of a Parquet file."""
    with _parquet(path) as file:
        return list(file.schema_arrow.names)


@contextmanager
def _parquet(path: Path) -> Iterator[pq.ParquetFile]:
    try:
        file = pq.ParquetFile(path)
    except (pa.ArrowException, OSError) as error:
        raise UnreadableLog(f"{path} is not a Parquet file: {first_line(error)}") from error
    with file:
        yield file


def _rows(table: pa.Table, begin: int, total: int) -> RawRows:
    end = begin + len(table)
    # Integers beside nulls would become floats, and large ids other ids.
    frame = pd.DataFrame(
        {
            name: _decoded(column) if _is_bytes(column) else column.to_pandas(integer_object_nulls=True)
            for name, column in zip(table.column_names, table.columns, strict=True)
        }
    )
    return RawRows(begin, end, table=frame, progress=end / total)


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
