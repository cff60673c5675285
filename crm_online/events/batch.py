"""A batch: what some rows or records of a log hold, as it goes through pipeline and engine in one step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from crm_online.events.columns import EventColumns, partition_of
from crm_online.events.rejects import RejectedRow


@dataclass(frozen=True, slots=True)
class Batch:
    """What some rows of a log hold, of one partition or of all.

    Attributes
    ----------
    source
        Name of the log within the state.
    begin, end
        Position of the first row that was read, and the position after the last one; equal if only time goes on.
    events, rejects
        What validated, and what did not.
    watermark
        The largest event time of the whole log so far, in ms, but for erasures that lie far ahead of all else;
        ``None`` before the first event.
    pauses
        The last pauses of the log, in ms; ``None`` for those known.
    unknown_fields
        How often each field occurred that no event has.
    end_of_log
        Whether this is the log's end: open baskets are counted, rules are derived, counters written whole.
    """

    source: str
    begin: int
    end: int
    events: EventColumns
    rejects: Sequence[RejectedRow] = ()
    watermark: int | None = None
    pauses: Sequence[int] | None = None
    unknown_fields: Mapping[str, int] = field(default_factory=dict)
    end_of_log: bool = False

    @classmethod
    def empty(cls, source: str, position: int, watermark: int | None, *, end_of_log: bool = False) -> Batch:
        """Return a batch without rows, which only advances time."""
        return Batch(source, position, position, EventColumns.empty(), watermark=watermark, end_of_log=end_of_log)

    def split(self, partitions: int) -> list[Batch]:
        """Return the batch of each partition: of all it is the same rows, and partition 0 has what is no event."""
        if partitions == 1:
            return [self]
        numbers = partition_of(self.events, partitions)
        return [
            replace(
                self,
                events=self.events.select(np.flatnonzero(numbers == number)),
                rejects=() if number else self.rejects,
                unknown_fields={} if number else self.unknown_fields,
            )
            for number in range(partitions)
        ]
