"""Files into raw rows: what all kinds of text files have in common, packed or not, some rows at a time."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import IO, cast

import pandas as pd
import zstandard
from typing_extensions import Buffer

from crm_online.errors import UnreadableLog
from crm_online.events.rejects import MAX_RAW

MAX_LINE = 1 << 20
"""Most bytes of a line; a longer one is a reject."""
TOO_LONG = f"the line is longer than {MAX_LINE} bytes"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_BINARY_LOOK = 8192
# Zstandard may make 128 KiB of four bytes: little is unpacked at once, so that memory stays bounded.
_PACKED_READ = 1 << 8
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
    numbers
        The line, from 1, where each row begins, if that is not its number in the file.
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
    numbers: list[int] = field(default_factory=list)
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


@contextmanager
def bytes_of(path: Path) -> Iterator[tuple[IO[bytes], IO[bytes], int]]:
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
        raise UnreadableLog(f"{path} is not a whole {path.suffix[1:]} archive: {first_line(error)}") from error
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


def first_line(error: BaseException) -> str:
    """Return the first line of what an error says."""
    return (str(error) or type(error).__name__).splitlines()[0]
