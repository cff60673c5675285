"""What all subscriptions share, updated by the hub."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from crm_online.live.feeds.changes_since import ChangesSince, Trimmed
from crm_online.live.feeds.events import FeedEvent
from crm_online.live.feeds.ring import Ring
from crm_online.step import ChangeId


@dataclass(frozen=True, slots=True)
class FeedTimes:
    """Seconds.

    Attributes
    ----------
    poll
        Between two polls for new changes.
    keep_alive
        Without a change after which a comment is sent, so that no proxy ends the connection as idle.
    longest
        That a subscription is open at most; its reader connects again.
    """

    poll: float = 0.05
    keep_alive: float = 15.0
    longest: float = math.inf


@dataclass(slots=True)
class SharedChanges:
    """The changes as far as the hub has read them.

    Attributes
    ----------
    ring
        The last changes.
    read
        Reads from Redis at most so many changes since one, but for gaps that are known (`changes_since`).
    times
        How long subscriptions wait.
    on_erasure
        Called with each erasure as the hub reads it, so that copies of changes of that customer are dropped.
    version
        Rises whenever subscriptions may have something to send.
    empty
        Whether there is no state yet.
    caught_up
        Whether all kept changes of the state have been read once.
    ended
        Whether subscriptions are to end.
    """

    ring: Ring
    read: Callable[[ChangeId, int, Trimmed], Awaitable[ChangesSince]]
    times: FeedTimes = field(default_factory=FeedTimes)
    on_erasure: list[Callable[[FeedEvent], None]] = field(default_factory=list)
    version: int = 0
    empty: bool = False
    caught_up: bool = False
    ended: bool = False
