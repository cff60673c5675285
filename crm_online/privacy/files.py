"""Files and folders that only their owner may read: what is in them is about customers."""

from __future__ import annotations

import os
from pathlib import Path


def private_folder(path: Path) -> None:
    """Make a folder that only its owner may enter; one that is there stays as it is."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)


def private(path: str, flags: int) -> int:
    """Open a file that only its owner may read, if it is made: the ``opener`` of :func:`open`."""
    return os.open(path, flags, 0o600)


def private_no_link(path: str, flags: int) -> int:
    """Open a file as `private` does, but no link: one in a state folder would have another file overwritten."""
    return private(path, flags | os.O_NOFOLLOW)
