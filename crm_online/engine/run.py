"""What a step works with while it is computed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from crm_online.engine.changes import Changes
from crm_online.engine.needs import Fetched, Needs
from crm_online.engine.peers import PartitionSums
from crm_online.step import Write


@dataclass(slots=True)
class Run:
    """A step under way.

    Attributes
    ----------
    now
        The partition's event time, in ms.
    needs, fetched
        What was asked of the store, and what it holds.
    others
        What the other partitions told.
    changes, writes
        What comes out so far.
    ended
        Whether this is the log's end.
    """

    now: int
    needs: Needs
    fetched: Fetched
    others: Sequence[PartitionSums]
    changes: Changes
    ended: bool = False
    writes: list[Write] = field(default_factory=list)
