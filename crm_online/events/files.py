"""Files into raw rows: CSV, JSON lines, plain lines and Parquet, also compressed, some rows at a time."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import IO, cast

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import zstandard
from typing_extensions import Buffer

from crm_online.errors import UnreadableLog

MAX_LINE = 1 << 20
"""Most bytes of a line; a longer one is a reject."""
_SEPARATORS = ",;\t|"
_BINARY_LOOK = 8192
_PACKED_READ = 1 << 16
_PACKED = {".gz", ".zst"}


@dataclass(slots=True)
class RawRows:
    """Some rows of a file.

    Attributes
    ----------
    begin, end
        Their range in the file, from 0; a header is no row.
    lines
        The rows as they were, without line ends; empty for Parquet.
    table
        The columns, for CSV and Parquet; rows that are broken hold nothing there.
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
    table: pd.DataFrame | None = None
    broken: dict[int, str] = field(default_factory=dict)
    unfinished: bool = False
    progress: float = 1.0


def suffix_of(path: Path) -> str:
    """Return what kind of file a name says it is, whatever it is packed with: ``.csv`` for ``a.csv.gz``."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] in _PACKED:
        suffixes.pop()
    return suffixes[-1] if suffixes else ""


def read_lines(path: Path, begin: int, size: int) -> Iterator[RawRows]:
    """Yield the lines of a text file from row ``begin`` on, ``size`` at a time."""
    with _bytes_of(path) as (stream, raw, total):
        lines = _lines(stream)
        row = sum(1 for _ in islice(lines, begin))
        while some := list(islice(lines, size)):
            rows = RawRows(row, row + len(some), progress=min(raw.tell() / total, 1.0) if total else 1.0)
            rows.unfinished = not some[-1].endswith(b"\n")
            rows.lines = [line.rstrip(b"\r\n") for line in some]
            if row == 0:
                rows.lines[0] = rows.lines[0].removeprefix(b"\xef\xbb\xbf")
            for place, line in enumerate(rows.lines):
                if len(line) >= MAX_LINE:
                    rows.broken[place] = f"the line is longer than {MAX_LINE} bytes"
            yield rows
            row += len(some)


def read_csv(path: Path, sep: str | None, begin: int, size: int) -> Iterator[RawRows]:
    """Yield the rows of a CSV file with a header from row ``begin`` on, ``size`` at a time; all cells are text."""
    with _bytes_of(path) as (stream, raw, total):
        taken: list[bytes] = []
        texts = _texts(_lines(stream), taken)
        header_line = next(texts, None)
        if header_line is None:
            return
        sep = sep or max(_SEPARATORS, key=header_line.count)
        header = next(csv.reader([header_line], delimiter=sep))
        reader = csv.reader(texts, delimiter=sep)
        row = 0
        while row < begin and _next_row(reader) is not None:
            row += 1
        while True:
            rows = RawRows(row, row)
            cells: list[Sequence[str | None]] = []
            nothing: list[str | None] = [None] * len(header)
            while len(cells) < size:
                taken.clear()
                got = _next_row(reader)
                if got is None:
                    break
                rows.lines.append(b"".join(taken).rstrip(b"\r\n")[: MAX_LINE + 1])
                rows.unfinished = not taken[-1].endswith(b"\n")
                if isinstance(got, str) or len(got) != len(header):
                    why = got if isinstance(got, str) else f"{len(got)} fields where the header has {len(header)}"
                    rows.broken[len(cells)] = why
                    cells.append(nothing)
                else:
                    cells.append(got)
            if not cells:
                return
            rows.end = row = row + len(cells)
            columns = list(zip(*cells, strict=True))
            rows.table = pd.DataFrame({name: pd.Series(columns[at], dtype=object) for at, name in enumerate(header)})
            rows.progress = min(raw.tell() / total, 1.0) if total else 1.0
            yield rows


def csv_columns(path: Path, sep: str | None) -> list[str]:
    """Return the columns of a CSV file; none of an empty one."""
    with _bytes_of(path) as (stream, _, _):
        header = next(_texts(_lines(stream), []), None)
    if header is None:
        return []
    return next(csv.reader([header], delimiter=sep or max(_SEPARATORS, key=header.count)))


def read_parquet(path: Path, columns: Sequence[str] | None, begin: int, size: int) -> Iterator[RawRows]:
    """Yield the rows of a Parquet file from row ``begin`` on, ``size`` at a time."""
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
            batches = file.iter_batches(size, row_groups=groups, columns=list(columns) if columns else None)
            for whole in batches if groups else ():
                batch = whole.slice(min(skip, len(whole)))
                skip -= len(whole) - len(batch)
                waiting.append(batch)
                held += len(batch)
                while held >= size:
                    table = pa.Table.from_batches(waiting)
                    yield _parquet_rows(table.slice(0, size), row, total)
                    row, held = row + size, held - size
                    waiting = table.slice(size).to_batches()
            if held:
                yield _parquet_rows(pa.Table.from_batches(waiting), row, total)
        except (pa.ArrowException, OSError) as error:
            raise UnreadableLog(f"{path} is not a whole Parquet file: {_first_line(error)}") from error


def parquet_columns(path: Path) -> list[str]:
    """Return the columns of a Parquet file."""
    with _parquet(path) as file:
        return list(file.schema_arrow.names)


@contextmanager
def _parquet(path: Path) -> Iterator[pq.ParquetFile]:
    try:
        file = pq.ParquetFile(path)
    except (pa.ArrowException, OSError) as error:
        raise UnreadableLog(f"{path} is not a Parquet file: {_first_line(error)}") from error
    with file:
        yield file


def _parquet_rows(table: pa.Table, begin: int, total: int) -> RawRows:
    end = begin + len(table)
    return RawRows(begin, end, table=table.to_pandas(), progress=end / total)


@contextmanager
def _bytes_of(path: Path) -> Iterator[tuple[IO[bytes], IO[bytes], int]]:
    """Open a file's text as bytes; give the raw file and its size too, for the progress.

    Raises
    ------
    UnreadableLog
        If it is binary, or a broken archive.
    """
    try:
        with path.open("rb") as raw:
            stream: IO[bytes] | gzip.GzipFile | _WholeZstd = raw
            if path.suffix.lower() == ".gz":
                stream = gzip.GzipFile(fileobj=raw)
            elif path.suffix.lower() == ".zst":
                stream = _WholeZstd(raw)
            buffered = io.BufferedReader(cast(io.RawIOBase, stream), 1 << 18)
            if b"\0" in buffered.peek(_BINARY_LOOK)[:_BINARY_LOOK]:
                raise UnreadableLog(f"{path} is a binary file, not a log of events")
            yield buffered, raw, path.stat().st_size
    except (gzip.BadGzipFile, zlib.error, EOFError, zstandard.ZstdError) as error:
        raise UnreadableLog(f"{path} is not a whole {path.suffix[1:]} archive: {_first_line(error)}") from error
    except OSError as error:
        raise UnreadableLog(f"{path} cannot be read: {error.strerror or error}") from error


class _WholeZstd(io.RawIOBase):
    """Reads a Zstandard archive of any number of frames; one that is cut off is an error, not an end."""

    def __init__(self, raw: IO[bytes]) -> None:
        self._raw, self._frame, self._ready = raw, zstandard.ZstdDecompressor().decompressobj(), b""
        self._begun = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer, /) -> int:
        view = memoryview(buffer)
        while not self._ready:
            packed = self._frame.unused_data or self._raw.read(_PACKED_READ)
            if not packed:
                if self._begun and not self._frame.eof:
                    raise EOFError("it ends in the middle of a frame")
                return 0
            if self._frame.eof:
                self._frame = zstandard.ZstdDecompressor().decompressobj()
            self._begun = True
            self._ready = self._frame.decompress(packed)
        taken, self._ready = self._ready[: len(view)], self._ready[len(view) :]
        view[: len(taken)] = taken
        return len(taken)


def _lines(stream: IO[bytes]) -> Iterator[bytes]:
    """Yield lines; of one that is too long only the beginning, so that memory stays bounded."""
    while line := stream.readline(MAX_LINE):
        if len(line) == MAX_LINE and not line.endswith(b"\n"):
            while (rest := stream.readline(MAX_LINE)) and not rest.endswith(b"\n"):
                pass
            line += b"\n" if rest else b""
        yield line


def _texts(lines: Iterator[bytes], taken: list[bytes]) -> Iterator[str]:
    """Yield lines as text: UTF-8, with or without mark, else Windows-1252; ``taken`` gets the bytes."""
    for number, line in enumerate(lines):
        if number == 0:
            line = line.removeprefix(b"\xef\xbb\xbf")
        taken.append(line)
        yield as_text(line)


def as_text(line: bytes) -> str:
    """Return a line as text: UTF-8, else Windows-1252, else Latin-1, which takes anything."""
    for encoding in ("utf-8", "cp1252"):
        try:
            return line.decode(encoding)
        except UnicodeDecodeError:
            continue
    return line.decode("latin-1")


def _next_row(reader: Iterator[list[str]]) -> list[str] | str | None:
    """Return the next row that is not blank, why there is none, or ``None`` at the end."""
    try:
        for row in reader:
            if row:
                return row
    except csv.Error as error:
        return f"not a CSV row: {error}"
    return None


def _first_line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
