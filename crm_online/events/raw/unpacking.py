"""Bytes of a log's text, whatever it is packed with and however it is encoded: UTF-8 or nearly so comes out."""

from __future__ import annotations

import bz2
import codecs
import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

import zstandard
from typing_extensions import Buffer

from crm_online.errors import UnreadableLog

PACKED = (".gz", ".zst", ".bz2", ".xz", ".zip")
"""How the names of packed files end."""
_LOOK = 8192
# Zstandard may make 128 KiB of four bytes: little is unpacked at once, so that memory stays bounded.
_PACKED_READ = 1 << 8
_RECODED_READ = 1 << 16
_MARKS = {codecs.BOM_UTF32_LE: "utf-32", codecs.BOM_UTF32_BE: "utf-32", codecs.BOM_UTF16_LE: "utf-16"}
_MARKS[codecs.BOM_UTF16_BE] = "utf-16"
_LOCKED = 1
_BROKEN = (
    *(gzip.BadGzipFile, zlib.error, EOFError, zstandard.ZstdError),
    *(lzma.LZMAError, zipfile.BadZipFile, NotImplementedError),
)


def suffix_of(path: Path) -> str:
    """Return the suffix of a file's name without that of its compression: ``.csv`` for ``a.csv.gz``.

    Raises
    ------
    UnreadableLog
        If it is a zip file that does not hold one file.
    """
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] in PACKED:
        packed = suffixes.pop()
        if packed == ".zip" and path.is_file():
            with _readable(path), zipfile.ZipFile(path) as archive:
                return Path(_only_file(path, archive).filename).suffix.lower()
    return suffixes[-1] if suffixes else ""


def is_packed(path: Path) -> bool:
    """Return whether a file has to be unpacked."""
    return path.suffix.lower() in PACKED


@contextmanager
def bytes_of(path: Path) -> Iterator[tuple[IO[bytes], IO[bytes], int]]:
    """Open a file's text as bytes; give the raw file and its size too, for the progress.

    Raises
    ------
    UnreadableLog
        If it is binary, or a broken archive.
    """
    with _readable(path), path.open("rb") as raw:
        unpacked = text = io.BufferedReader(cast(io.RawIOBase, _unpacked(path, raw)), 1 << 18)
        head = unpacked.peek(_LOOK)[:_LOOK]
        encoding = _wide_encoding(head)
        if encoding:
            text = io.BufferedReader(_Stream(_recoded(unpacked, encoding)), 1 << 18)
        elif b"\0" in head:
            raise UnreadableLog(f"{path} is a binary file, not a log of events")
        yield text, raw, path.stat().st_size


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except _BROKEN as error:
        raise UnreadableLog(f"{path} is not a whole {path.suffix[1:]} archive: {first_line(error)}") from error
    except OSError as error:
        if path.suffix.lower() == ".bz2" and error.errno is None:
            raise UnreadableLog(f"{path} is not a whole bz2 archive: {first_line(error)}") from error
        raise UnreadableLog(f"{path} cannot be read: {error.strerror or error}") from error


def _unpacked(path: Path, raw: IO[bytes]) -> IO[bytes]:
    suffix = path.suffix.lower()
    if suffix == ".zip":
        archive = zipfile.ZipFile(raw)
        return archive.open(_only_file(path, archive))
    return _UNPACKERS[suffix](raw) if suffix in _UNPACKERS else raw


def _only_file(path: Path, archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    """Return the one file of an archive; folders, and what macOS adds, are none."""
    found = [
        one
        for one in archive.infolist()
        if not one.is_dir() and not one.filename.startswith("__MACOSX/") and Path(one.filename).name[:1] != "."
    ]
    if len(found) != 1:
        names = ", ".join(one.filename for one in found[:5]) or "none"
        raise UnreadableLog(f"{path} holds {len(found)} files ({names}), not one: unpack it and name the log")
    if found[0].flag_bits & _LOCKED:
        raise UnreadableLog(f"{path} is locked by a password: unpack it")
    return found[0]


def _wide_encoding(head: bytes) -> str | None:
    """Return the encoding of a text whose characters take two or four bytes: by its mark, or by its zeros."""
    for mark, encoding in _MARKS.items():
        if head.startswith(mark):
            return encoding
    sample = head[:64]
    if len(sample) >= 16 and not len(sample) % 2:
        even, odd = sample[::2], sample[1::2]
        if not any(odd) and all(even):
            return "utf-16-le"
        if not any(even) and all(odd):
            return "utf-16-be"
    return None


class _Stream(io.RawIOBase):
    """Reads pieces of bytes one after the other."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces, self._ready = pieces, b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer, /) -> int:
        view = memoryview(buffer)
        while not self._ready:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._ready = piece
        part, self._ready = self._ready[: len(view)], self._ready[len(view) :]
        view[: len(part)] = part
        return len(part)


def _recoded(stream: IO[bytes], encoding: str) -> Iterator[bytes]:
    """Yield text as UTF-8; invalid bytes are replaced, and half a character at the end is dropped."""
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    while found := stream.read(_RECODED_READ):
        yield decoder.decode(found).encode("utf-8", "replace")


def _zstd(raw: IO[bytes]) -> Iterator[bytes]:
    """Yield what a Zstandard archive of any number of frames holds; one that is cut off is an error, not an end."""
    frame, has_data = zstandard.ZstdDecompressor().decompressobj(), False
    while packed := frame.unused_data or raw.read(_PACKED_READ):
        if frame.eof:
            frame = zstandard.ZstdDecompressor().decompressobj()
        has_data = True
        yield frame.decompress(packed)
    if has_data and not frame.eof:
        raise EOFError("it ends in the middle of a frame")


_UNPACKERS: dict[str, Callable[[IO[bytes]], IO[bytes]]] = {
    ".gz": lambda raw: cast(IO[bytes], gzip.GzipFile(fileobj=raw)),
    ".bz2": bz2.BZ2File,
    ".xz": lzma.LZMAFile,
    ".zst": lambda raw: cast(IO[bytes], _Stream(_zstd(raw))),
}


def first_line(error: BaseException) -> str:
    """Return the first line of what an error says."""
    return (str(error) or type(error).__name__).splitlines()[0]
