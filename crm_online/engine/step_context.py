"""What the parts of the engine share while a step is computed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from crm_online.engine.changes import Changes
from crm_online.engine.observed import Observed
from crm_online.engine.peers import PartitionFigures
from crm_online.engine.read_plan import ReadPlan, ReadResult
from crm_online.step import Write


@dataclass(slots=True)
class StepContext:
    """A step under way.

    Attributes
    ----------
    now
        The partition's event time, in ms.
    plan, read
        What was to be read of the store, and what it holds.
    others
        The sums of the other partitions.
    changes, writes
        What comes out so far.
    end_of_log
        Whether this is the log's end.
    observed
        What the step shows of the log as a whole.
    """

    now: int
    plan: ReadPlan
    read: ReadResult
    others: Sequence[PartitionFigures]
    changes: Changes
    end_of_log: bool = False
    writes: list[Write] = field(default_factory=list)
    observed: Observed = field(default_factory=Observed)
