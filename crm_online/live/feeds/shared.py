"""All that the subscriptions of a feed share, kept by the hub."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from crm_online.live.feeds.changes_since import ChangesSince
from crm_online.live.feeds.ring import Ring
from crm_online.step import ChangeId


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds.

    Attributes
    ----------
    poll
        Between two looks for new changes.
    keep_alive
        Of silence after which a feed gets a comment, so that nothing between takes it for dead.
    longest
        That a feed is open at most; its reader comes again.
    """

    poll: float = 0.05
    keep_alive: float = 15.0
    longest: float = math.inf


@dataclass(slots=True)
class SharedChanges:
    """The changes as far as the hub knows them.

    Attributes
    ----------
    ring
        The last changes.
    read
        Reads from Redis at most so many changes since one (`changes_since`).
    times
        How long feeds wait.
    version
        Rises whenever feeds can go on.
    empty, caught_up, ended
        Whether there is no state yet; whether all kept changes have been read; whether feeds are to end.
    """

    ring: Ring
    read: Callable[[ChangeId, int], Awaitable[ChangesSince]]
    times: Times = field(default_factory=Times)
    version: int = 0
    empty: bool = False
    caught_up: bool = False
    ended: bool = False
