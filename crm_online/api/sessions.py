"""Sessions of browsers: a random name in a cookie that stands for a key for a while, so that no cookie holds a key."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable

_REMEMBERED = 10_000


class Sessions:
    """The sessions of one service process, in its memory only: a restart ends them all.

    Parameters
    ----------
    lifetime
        Seconds after which a session ends, however often it was used.
    remembered
        How many there are at most; a further one ends the oldest.
    clock
        Seconds that only grow.

    Examples
    --------
    >>> sessions = Sessions(60.0)
    >>> name = sessions.begin("0a1b2c3d")
    >>> sessions.key_id(name), sessions.key_id("guessed")
    ('0a1b2c3d', None)
    >>> sessions.end(name)
    >>> sessions.key_id(name) is None
    True
    """

    def __init__(
        self, lifetime: float, remembered: int = _REMEMBERED, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._lifetime, self._remembered, self._clock = lifetime, remembered, clock
        self._open: dict[str, tuple[str, float]] = {}

    def begin(self, key_id: str) -> str:
        """Begin a session for the holder of a key, and return its name: 256 random bits as text."""
        if len(self._open) >= self._remembered:
            del self._open[next(iter(self._open))]
        name = secrets.token_urlsafe(32)
        self._open[name] = key_id, self._clock() + self._lifetime
        return name

    def key_id(self, name: str) -> str | None:
        """Return the id of a session's key; None if the session is unknown or has ended."""
        key_id, ends = self._open.get(name, ("", 0.0))
        if ends > self._clock():
            return key_id
        self._open.pop(name, None)
        return None

    def end(self, name: str) -> None:
        """End a session, if there is one of that name."""
        self._open.pop(name, None)
