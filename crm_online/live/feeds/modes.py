"""Where a subscription reads its next changes: the four modes, and what each has to know.

::

    Opening ──► ReadingRedis ──► JoiningRing ──► ReadingRing
       │             ▲               │                ▲ │
       │             └── too slow ◄──┴────────────────┼─┘
       └── no cursor ─────────────────────────────────┘

A subscription that is too slow is one whose next change the ring has dropped; a rewind drops all of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from crm_online.live.feeds.changes_since import Trimmed
from crm_online.step import ChangeId


@dataclass(slots=True)
class Opening:
    """The hub has not read all kept changes yet, so nothing is sent.

    Attributes
    ----------
    from_first
        Whether there was no state meanwhile: without a cursor it then starts at the first change of the state.
    """

    from_first: bool


@dataclass(slots=True)
class ReadingRedis:
    """Its cursor is before the ring, or ahead of it: the next changes come from Redis (`changes_since`).

    Attributes
    ----------
    cursor
        The last change of each partition that was read.
    rewinds_from
        Number in the ring; rewinds before it were sent, or happened before the cursor.
    confirmed
        Partitions whose cursor is ahead of the ring and was looked up in Redis.
    known
        By partition, what it was told is kept no more.
    """

    cursor: dict[int, ChangeId]
    rewinds_from: int
    confirmed: set[int] = field(default_factory=set)
    known: dict[int, Trimmed] = field(default_factory=dict)


@dataclass(slots=True)
class JoiningRing:
    """The next changes are in the ring, among others that were read from Redis already and are skipped.

    Attributes
    ----------
    cursor
        The last change of each partition that was read.
    number
        Number in the ring of the next change to look at.
    """

    cursor: dict[int, ChangeId]
    number: int


@dataclass(slots=True)
class ReadingRing:
    """The next changes are all those of the ring from a number on; chunks are shared with others at that number.

    Attributes
    ----------
    number
        Number in the ring of the next change.
    """

    number: int


Mode: TypeAlias = Opening | ReadingRedis | JoiningRing | ReadingRing
