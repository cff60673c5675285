"""Spreadsheets into raw rows: the first sheet that has any; its first row that is as wide as a table is the header."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from itertools import chain, islice
from pathlib import Path

import pandas as pd

from crm_online.errors import InputError, UnreadableLog
from crm_online.events.raw.lines import RawRows
from crm_online.events.raw.unpacking import first_line

SHEETS = frozenset({".xlsx", ".xlsm", ".xlsb", ".xls", ".ods"})
"""How the names of spreadsheets end."""
_HEADER_WITHIN = 30
MAX_BYTES = 100 << 20
"""Largest spreadsheet in bytes: it is read whole, which takes up to ten times as much memory."""


def read_sheet(path: Path, begin: int, size: int) -> Iterator[RawRows]:
    """Yield the rows of a spreadsheet from row ``begin`` on, ``size`` at a time; empty rows are none."""
    header, rows = _header_and_rows(path)
    kept = islice(((number, cells) for number, cells in rows if any(cell != "" for cell in cells)), begin, None)
    row = begin
    while some := list(islice(kept, size)):
        columns = zip(*[[None if cell == "" else cell for cell in cells] for _, cells in some], strict=True)
        table = pd.DataFrame(
            {name: pd.Series(cells, dtype=object) for name, cells in zip(header, columns, strict=True)}
        )
        yield RawRows(row, row + len(some), numbers=[number for number, _ in some], table=table, progress=0.5)
        row += len(some)


def sheet_columns(path: Path) -> list[str]:
    """Return the columns of a spreadsheet; none of an empty one.

    Raises
    ------
    InputError
        If the extra that reads spreadsheets is not there, or the file is too large.
    UnreadableLog
        If it is no spreadsheet.
    """
    return _header_and_rows(path)[0]


def _header_and_rows(path: Path) -> tuple[list[str], Iterator[tuple[int, list[object]]]]:
    if find_spec("python_calamine") is None:
        raise InputError(f"{path.name} is a spreadsheet: pip install 'crm-online[xlsx]', or save it as CSV")
    if path.stat().st_size > MAX_BYTES:
        raise InputError(f"{path.name} is larger than {MAX_BYTES >> 20} MB, which is read whole: save it as CSV")
    import python_calamine

    try:
        book = python_calamine.CalamineWorkbook.from_path(str(path))
        for name in book.sheet_names:
            sheet = book.get_sheet_by_name(name)
            if not sheet.height:  # older versions of calamine give no rows of an empty sheet, but panic
                continue
            rows = enumerate(sheet.iter_rows(), 1)
            first = list(islice(rows, _HEADER_WITHIN))
            widths = [sum(cell != "" for cell in cells) for _, cells in first]
            # A title above the table is narrower than its header.
            place = next((at for at, width in enumerate(widths) if width and 2 * width >= max(widths)), None)
            if place is not None:
                header = [str(cell).strip() for cell in first[place][1]]
                return header, ((number, list(row)) for number, row in chain(first[place + 1 :], rows))
    except (python_calamine.CalamineError, OSError) as error:
        raise UnreadableLog(f"{path} is not a spreadsheet: {first_line(error)}") from error
    return [], iter(())
