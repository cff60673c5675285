"""Text files into raw rows, some rows at a time: what all kinds of them have in common."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import IO

import pandas as pd

from crm_online.events.raw.unpacking import bytes_of
from crm_online.events.rejects import MAX_RAW

MAX_LINE = 1 << 20
"""Most bytes of a line; a longer one is a reject."""
TOO_LONG = f"the line is longer than {MAX_LINE} bytes"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(slots=True)
class RawRows:
    """Some rows of a file.

    Attributes
    ----------
    begin, end
        Their range in the file, from 0; a header is no row.
    lines
        The rows as they were, without line ends; empty for Parquet and spreadsheets, but where a preset takes
        whole objects: then each is a row as JSON.
    numbers
        The line, from 1, where each row begins, if that is not its number in the file.
    table
        The columns, for CSV, Parquet and spreadsheets; rows that are broken hold nothing there.
    broken
        By row within the range, why it cannot be used at all.
    unfinished
        Whether the last row has no line end.
    progress
        Share of the file that has been read.
    """

    begin: int
    end: int
    lines: list[bytes] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    table: pd.DataFrame | None = None
    broken: dict[int, str] = field(default_factory=dict)
    unfinished: bool = False
    progress: float = 1.0


def read_lines(path: Path, begin: int, size: int) -> Iterator[RawRows]:
    """Yield the lines of a text file from row ``begin`` on, ``size`` at a time."""
    with bytes_of(path) as (stream, raw, total):
        lines = lines_of(stream)
        row = sum(1 for _ in islice(lines, begin))
        while some := list(islice(lines, size)):
            rows = RawRows(row, row + len(some), progress=min(raw.tell() / total, 1.0) if total else 1.0)
            rows.unfinished = not some[-1].endswith(b"\n")
            rows.lines = [line.rstrip(b"\r\n") for line in some]
            if row == 0:
                rows.lines[0] = rows.lines[0].removeprefix(BYTE_ORDER_MARK)
            rows.broken = {place: TOO_LONG for place, line in enumerate(some) if isinstance(line, Beginning)}
            yield rows
            row += len(some)


class Beginning(bytes):
    """The beginning of a line that is too long; it ends like the line itself."""


def lines_of(stream: IO[bytes]) -> Iterator[bytes]:
    """Yield lines; of one that is too long only the beginning, so that memory stays bounded."""
    while line := stream.readline(MAX_LINE):
        if len(line) == MAX_LINE and not line.endswith(b"\n"):
            while (rest := stream.readline(MAX_LINE)) and not rest.endswith(b"\n"):
                pass
            line = Beginning(line[:MAX_RAW] + (b"\n" if rest else b""))
        yield line


def as_text(line: bytes) -> str:
    """Return a line as text: UTF-8, else Windows-1252, else Latin-1, which takes anything."""
    for encoding in ("utf-8", "cp1252"):
        try:
            return line.decode(encoding)
        except UnicodeDecodeError:
            continue
    return line.decode("latin-1")
