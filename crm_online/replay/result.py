"""What a replay reports: how far it is while it runs, and what it did at the end."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

from crm_online.events.rejects import RejectTally


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a replay is: share of the log's bytes, events so far, and events per second."""

    fraction: float
    events: int
    events_per_second: float


COUNTED = (
    *("accepted", "rejected", "duplicates", "baskets", "doubtful_baskets"),
    *("segment_changes", "rule_changes"),
)
"""What is added up over the partitions."""


@dataclass(slots=True)
class ReplayResult:
    """What one run of a replay did.

    Attributes
    ----------
    position
        Where it ended in each log, by the path that was given.
    epsilon
        The error that supports may have, and the support below which itemsets may be missing: 0 unless
        ``itemsets.max_bytes`` did not hold all baskets, or there are too many itemsets to try.
    durable
        Whether Redis has each commit on disk before it answers; else changes may be published again after a crash.
    rejects
        Why rows were rejected.
    held
        How many events at the logs' ends wait for what comes next, since they lie far ahead of all others.
    lost
        How many changes the files lack: they were made by runs without files, and the state keeps them no more.
    late
        How many events lie more than a day behind one that was read before them.
    stages
        Microseconds of processor that an event took, by :class:`~crm_online.engine.stages.Stage`.
    doubtful_baskets
        How many baskets, at most, are a part of one that had been forgotten (``baskets.max_bytes``).
    """

    events: int = 0
    accepted: int = 0
    rejected: int = 0
    duplicates: int = 0
    baskets: int = 0
    customers: int = 0
    doubtful_baskets: int = 0
    held: int = 0
    lost: int = 0
    late: int = 0
    segment_changes: int = 0
    rule_changes: int = 0
    epsilon: float = 0.0
    seconds: float = 0.0
    events_per_second: float = 0.0
    durable: bool = True
    stages: dict[str, float] = field(default_factory=dict)
    position: dict[str, int] = field(default_factory=dict)
    rejects: RejectTally = field(default_factory=RejectTally)

    def as_dict(self) -> dict[str, object]:
        """Return the result as JSON values; of the rejects how many there were for each reason."""
        values = asdict(self)
        values["reject_reasons"] = values.pop("rejects")["reasons"]
        return values
