"""Which log a file is: known again by its beginning, so that a file may grow, or be moved."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from stat import S_ISDIR, S_ISREG

from crm_online.errors import NoSuchLog, UnreadableLog

HEAD_BYTES = 64 * 1024
"""Most bytes at the beginning of a file that identify the log."""


@dataclass(frozen=True, slots=True)
class Source:
    """A log.

    Attributes
    ----------
    name
        Name of the file, without folders.
    id
        12 hex digits of the BLAKE2b hash of its beginning.
    head_bytes
        How many bytes its beginning is; a file that was shorter may have grown since.
    """

    name: str
    id: str
    head_bytes: int


def open_source(path: Path, known: Iterable[Source] = ()) -> Source:
    """Return which log a file is: one of those known, if it begins like it, or a new one.

    Raises
    ------
    NoSuchLog
        If there is no such file, or it is a folder.
    UnreadableLog
        If it may not be read.
    """
    try:
        mode = path.stat().st_mode
        if S_ISDIR(mode):
            raise NoSuchLog(f"{path} is a folder: name the log files in it")
        if not S_ISREG(mode):
            raise UnreadableLog(f"{path} is no regular file, which could be read again after a stop")
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except (FileNotFoundError, NotADirectoryError, ValueError) as error:
        raise NoSuchLog(f"no such file: {path}") from error
    except OSError as error:
        raise UnreadableLog(f"{path} cannot be read: {error.strerror}") from error
    for source in known:
        # A short beginning says little, so the name must be the same too.
        named = source.head_bytes == HEAD_BYTES or source.name == path.name
        if named and len(head) >= source.head_bytes and source.id == _id(head[: source.head_bytes]):
            return source
    return Source(path.name, _id(head), len(head))


def _id(head: bytes) -> str:
    return blake2b(head, digest_size=6).hexdigest()
