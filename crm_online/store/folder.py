"""The state folder: made if it is new, locked while one writes, with the version of what is in it.

::

    FORMAT          JSON: format of the state, version and path of the redis-server that wrote it
    lock            locked by the process that writes: look-ups do not exclude it, nor it them
    redis/          the embedded Redis: its AOF, socket and log (mode 700), and who has it open (see ``sharing``)
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from pathlib import Path

from crm_online.errors import StateCorrupt, StateLocked, StateMissing, StoreError
from crm_online.privacy.files import private_folder, private_no_link
from crm_online.store.binary import Binary
from crm_online.store.keys import FORMAT
from crm_online.store.meta import check_format


@contextlib.contextmanager
def opened(folder: Path, create: bool, writes: bool) -> Iterator[Path]:
    """Open a state folder, and hold it if this process writes; give the folder of its Redis.

    Raises
    ------
    StateLocked
        Another process writes into it, and this one is to.
    StateMissing
        It is not there, and ``create`` is False.
    StoreError
        It is a file, or it cannot be written.
    """
    try:
        if folder.exists() and not folder.is_dir():
            raise StoreError(f"{folder} is a file; a state needs a folder, or a redis:// URL")
        if not create and not (folder / "FORMAT").exists():
            raise StateMissing(f"there is no state in {folder} yet: replay a log first")
        private_folder(folder)
        inner = folder / "redis"
        inner.mkdir(mode=0o700, exist_ok=True)
        inner.chmod(0o700)
        # Python opens files close-on-exec: the server does not inherit the lock, and cannot hold it after our end.
        descriptor = private_no_link(str(folder / "lock"), os.O_RDWR | os.O_CREAT) if writes else None
    except OSError as error:
        raise StoreError(f"the state folder {folder} cannot be written: {error.strerror}") from error
    if descriptor is None:
        yield inner
        return
    try:
        _lock(descriptor, folder)
        yield inner
    finally:
        os.close(descriptor)


def _lock(descriptor: int, folder: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip()
        raise StateLocked(f"another process ({holder or 'starting'}) has the state in {folder} open") from None
    except OSError as error:
        raise StoreError(f"the state folder {folder} cannot be locked: {error.strerror}") from error
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)


def is_written(folder: Path) -> bool:
    """Return whether some process holds the folder to write."""
    try:
        descriptor = os.open(folder / "lock", os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def written_by(folder: Path) -> Binary | None:
    """Give the newest redis-server that wrote into the folder; ``None`` if none did.

    Raises
    ------
    StateTooNew, StateTooOld, StateCorrupt
        The state is of a newer version of crm-online, or of none.
    """
    try:
        text = (folder / "FORMAT").read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError):
        raise StateCorrupt(f"{folder / 'FORMAT'} cannot be read") from None
    try:
        found = json.loads(text)
    except ValueError:
        raise StateCorrupt(f"{folder / 'FORMAT'} is not JSON") from None
    check_format(found.get("format") if isinstance(found, dict) else None, str(folder))
    match found:
        case {"redis": [int(major), int(minor)]}:
            return Binary(str(found.get("server", "")), (major, minor))
        case _:
            raise StateCorrupt(f"{folder / 'FORMAT'} is not known")


def note_writer(folder: Path, binary: Binary) -> None:
    """Write down which redis-server is about to write, unless a newer one, or one of its version, is noted."""
    noted = written_by(folder)
    if noted is not None and noted.version >= binary.version:
        return
    fresh = folder / "FORMAT.new"
    try:
        with open(fresh, "w", encoding="utf-8", opener=private_no_link) as file:
            json.dump({"format": FORMAT, "redis": list(binary.version), "server": binary.path}, file)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(folder / "FORMAT")
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise StoreError(f"the state folder {folder} cannot be written: {error.strerror}") from error
