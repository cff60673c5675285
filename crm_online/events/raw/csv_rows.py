"""CSV files into raw rows: a row that is broken costs itself, and not the rows after it."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from crm_online.errors import InputError, UnreadableLog
from crm_online.events.raw.lines import BYTE_ORDER_MARK, MAX_LINE, TOO_LONG, Beginning, RawRows, as_text, lines_of
from crm_online.events.raw.unpacking import bytes_of

_SEPARATORS = ",;\t|"
_SEP_LINE = re.compile(r'"?sep=(.)"?', re.IGNORECASE)
_OPEN_QUOTE = "a quote that is not closed"


def read_csv(path: Path, sep: str | None, begin: int, size: int) -> Iterator[RawRows]:
    """Yield the rows of a CSV file from row ``begin`` on, ``size`` at a time; all cells are text.

    Blank lines are no rows. A row may go over several lines only if its quotes are right to the letter.
    """
    with bytes_of(path) as (stream, raw, total):
        lines = _Lines(lines_of(stream))
        header_line, sep = _header_of(lines, sep)
        if header_line is None:
            return
        sep = separator_of(sep, header_line)
        header = next(csv.reader([header_line], delimiter=sep))
        found = islice(_rows(lines, sep, len(header)), begin, None)
        nothing: list[str | None] = [None] * len(header)
        row = begin
        while some := list(islice(found, size)):
            cells: list[Sequence[str | None]] = [nothing if one.broken else one.cells for one in some]
            columns = list(zip(*cells, strict=True))
            yield RawRows(
                row,
                row + len(some),
                lines=[one.raw for one in some],
                numbers=[one.number for one in some],
                table=pd.DataFrame({name: pd.Series(columns[at], dtype=object) for at, name in enumerate(header)}),
                broken={place: one.broken for place, one in enumerate(some) if one.broken},
                unfinished=some[-1].unfinished,
                progress=min(raw.tell() / total, 1.0) if total else 1.0,
            )
            row += len(some)


def csv_columns(path: Path, sep: str | None) -> list[str]:
    """Return the columns of a CSV file; none of an empty one.

    Raises
    ------
    InputError
        If the header is not CSV, or its columns cannot be separated so.
    """
    with bytes_of(path) as (stream, _, _):
        header, sep = _header_of(_Lines(lines_of(stream)), sep)
    if header is None:
        return []
    sep = separator_of(sep, header)
    try:
        return next(csv.reader([header], delimiter=sep))
    except csv.Error as error:
        raise UnreadableLog(f"{path} has no header that is CSV: {error}") from error


def separator_of(sep: str | None, header: str) -> str:
    """Return what separates the columns: the option, else what the header has most of."""
    if sep and (len(sep) > 1 or sep in '"\r\n'):
        raise InputError(f"the columns of a CSV file are separated by one character, which {sep!r} is not")
    return sep or max(_SEPARATORS, key=header.count)


class _Row(NamedTuple):
    number: int
    raw: bytes
    cells: list[str]
    broken: str | None
    unfinished: bool


class _Lines:
    """Lines as text, for a CSV reader; they can be put back, to be read in another way."""

    def __init__(self, lines: Iterator[bytes]) -> None:
        self._lines, self._waiting = lines, list[bytes]()
        self.current: list[bytes] = []
        self.number = 0
        self.ended = False

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._waiting.pop() if self._waiting else next(self._lines, None)
        if line is None:
            self.ended = True
            raise StopIteration
        self.number += 1
        if self.number == 1:
            line = line.removeprefix(BYTE_ORDER_MARK)  # the header: its length is of no interest
        self.current.append(line)
        return as_text(line)

    def begin(self) -> int:
        """Begin a row; return the number of its first line."""
        self.current = []
        return self.number + 1

    def put_back(self) -> None:
        """Put all lines of the row back but the first."""
        self._waiting += self.current[:0:-1]
        self.number -= len(self.current) - 1
        self.current, self.ended = self.current[:1], False


def _header_of(lines: _Lines, sep: str | None) -> tuple[str | None, str | None]:
    """Return the header, and what separates columns: the option, or what a line ``sep=;`` of Excel names."""
    filled = (line for line in lines if line.strip())
    header = next(filled, None)
    named = _SEP_LINE.fullmatch(header.strip("\r\n")) if header else None
    return (next(filled, None), sep or named[1]) if named else (header, sep)


def _rows(lines: _Lines, sep: str, width: int) -> Iterator[_Row]:
    reader = csv.reader(lines, delimiter=sep)
    while True:
        number = lines.begin()
        broken: str | None = None
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            cells, broken = [], f"not a CSV row: {error}"
        open_at_end = lines.ended
        current = lines.current
        if broken is None and len(cells) != width:
            if not cells:
                continue
            broken = f"{len(cells)} fields where the header has {width}"
        if isinstance(current[0], Beginning):
            lines.put_back()
            current, broken, open_at_end = current[:1], TOO_LONG, False
        elif len(current) > 1 and _is_stray(current, sep, width, broken, open_at_end):
            lines.put_back()
            current, broken, open_at_end = current[:1], _OPEN_QUOTE, False
        elif open_at_end:
            broken = _OPEN_QUOTE
        raw = current[0] if len(current) == 1 else b"".join(current)[:MAX_LINE]
        yield _Row(number, raw.rstrip(b"\r\n"), cells, broken, open_at_end or not current[-1].endswith(b"\n"))


def _is_stray(current: list[bytes], sep: str, width: int, broken: str | None, open_at_end: bool) -> bool:
    """Return whether the quote that holds lines together is a stray one, so that they are rows by themselves.

    Where the file ends before the quote does, the row may be one that is still being written: only a line
    that is a row by itself says that it is not.
    """
    if any(isinstance(line, Beginning) for line in current):
        return True
    texts = [as_text(line) for line in current]
    if open_at_end:
        return any(len(cells) == width for cells in _alone(texts[1:], sep))
    if broken is None:
        try:
            return [len(cells) for cells in csv.reader(texts, delimiter=sep, strict=True)] != [width]
        except csv.Error:
            return True
    return current[-1].endswith(b"\n")


def _alone(texts: list[str], sep: str) -> Iterator[list[str]]:
    for text in texts:
        try:
            yield from csv.reader([text], delimiter=sep)
        except csv.Error:
            continue
