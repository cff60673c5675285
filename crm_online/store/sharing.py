"""Who has the Redis of a state folder open: the first starts it, the last ends it, and only writers exclude each other.

::

    redis/turn      locked by whoever comes or leaves, so that one does at a time
    redis/users     locked shared by each process that has the Redis open
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from crm_online.errors import StoreError
from crm_online.privacy.files import private_no_link


class RedisUsers:
    """The processes that have the Redis of a folder open, this one among them.

    Parameters
    ----------
    turn, users
        Descriptors of the two files.
    """

    def __init__(self, turn: int, users: int) -> None:
        self._turn, self._users = turn, users

    @contextlib.contextmanager
    def turn(self) -> Iterator[None]:
        """Come or leave, while no other does; waits until it is this one's turn."""
        fcntl.flock(self._turn, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._turn, fcntl.LOCK_UN)

    def are_none_else(self) -> bool:
        """Return whether no other process has it open; within a turn. None can join until :meth:`join` or the end."""
        try:
            fcntl.flock(self._users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def join(self) -> None:
        """Be one of those who have it open; within a turn."""
        fcntl.flock(self._users, fcntl.LOCK_SH)


@contextlib.contextmanager
def redis_users(folder: Path) -> Iterator[RedisUsers]:
    """Open the files of a Redis's folder that say who has it open.

    Raises
    ------
    StoreError
        They cannot be written.
    """
    with contextlib.ExitStack() as stack:
        try:
            descriptors = []
            for name in ("turn", "users"):
                # Python opens files close-on-exec: the server does not inherit the locks.
                descriptors.append(private_no_link(str(folder / name), os.O_RDWR | os.O_CREAT))
                stack.callback(os.close, descriptors[-1])
        except OSError as error:
            raise StoreError(f"the folder {folder} cannot be written: {error.strerror}") from error
        yield RedisUsers(*descriptors)
