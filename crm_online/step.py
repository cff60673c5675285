"""A step: what a run of records does to one partition, as pure data.

The engine makes steps, the store commits them: all of a step or nothing of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Literal, NamedTuple

KEEP: Final = 50_000
"""Changes of each topic that a partition keeps for readers, unless the settings say otherwise."""


class Topic(StrEnum):
    """Where a change goes: the name of the topic, without its prefix, and of the JSONL file."""

    SEGMENT_CHANGES = "segment-changes"
    SEGMENTS = "segments"
    RULES = "rules"
    REJECTS = "rejects"
    DRIFT = "drift"
    PREDICTIONS = "predictions"


Kind = Literal["segment-change", "segment", "rule", "reject", "drift", "prediction"]
"""What a change is about: the ``event`` of its server-sent event."""

KINDS: Final[Mapping[Topic, Kind]] = {
    Topic.SEGMENT_CHANGES: "segment-change",
    Topic.SEGMENTS: "segment",
    Topic.RULES: "rule",
    Topic.REJECTS: "reject",
    Topic.DRIFT: "drift",
    Topic.PREDICTIONS: "prediction",
}
"""The kind of the changes of each topic."""


class ChangeId(NamedTuple):
    """Which change it is: those of one partition are in the order of their epochs, then of their numbers.

    Attributes
    ----------
    partition
        Number of the partition that made it, from 0.
    epoch
        How often the state of the partition was known to be put back in time before.
    sequence
        Number of the change within partition and epoch, from 1, without gaps.
    """

    partition: int
    epoch: int
    sequence: int

    @classmethod
    def parse(cls, text: str) -> ChangeId:
        """Read an id as values and headers have it.

        Raises
        ------
        ValueError
            If it is not three numbers.

        Examples
        --------
        >>> ChangeId.parse("3-0-17")
        ChangeId(partition=3, epoch=0, sequence=17)
        """
        partition, epoch, sequence = text.split("-")
        return cls(int(partition), int(epoch), int(sequence))

    def __str__(self) -> str:
        """Return it as values of changes have it."""
        return f"{self.partition}-{self.epoch}-{self.sequence}"

    @property
    def previous(self) -> ChangeId:
        """The id before it in its epoch; number 0 is before the first change."""
        return self._replace(sequence=self.sequence - 1)


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the outbox.

    Attributes
    ----------
    topic
        Where it goes.
    key
        The record's key: customer, segment id or rule id; what drifted; empty for rejects.
    value
        The JSON of the value, without line end; it starts with its ``change_id``.
    id
        The same id.
    tombstone
        True when the key is gone: the value still says why, a compacted topic gets a null.
    geometry
        What decided it, for readers of the changes that are kept: it is not published.
    """

    topic: Topic
    key: str
    value: bytes
    id: ChangeId
    tombstone: bool = False
    geometry: bytes = b""

    @property
    def sequence(self) -> int:
        """Number of the change within its partition and epoch."""
        return self.id.sequence


@dataclass(frozen=True, slots=True)
class Put:
    """Set fields of a hash."""

    name: str
    fields: Mapping[bytes, bytes]


@dataclass(frozen=True, slots=True)
class Remove:
    """Remove fields of a hash."""

    name: str
    fields: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class Append:
    """Append values to a list."""

    name: str
    values: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class Shorten:
    """Drop the first ``count`` values of a list."""

    name: str
    count: int


@dataclass(frozen=True, slots=True)
class Assign:
    """Set the value at one index of a list that is long enough."""

    name: str
    index: int
    value: bytes


@dataclass(frozen=True, slots=True)
class Replace:
    """Set a plain value."""

    name: str
    value: bytes


@dataclass(frozen=True, slots=True)
class Drop:
    """Delete a whole key of any kind."""

    name: str


Write = Put | Remove | Append | Shorten | Assign | Replace | Drop
"""A write to one key of the partition; ``name`` is the key's name within the partition."""


@dataclass(frozen=True, slots=True)
class StepCounts:
    """What became of the records of a step.

    Attributes
    ----------
    accepted, rejected, duplicates
        Events accepted, records rejected, events that had been counted before.
    duplicate_positions
        Where the last ones are in their source.
    """

    accepted: int = 0
    rejected: int = 0
    duplicates: int = 0
    duplicate_positions: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """What a run of records of one partition does.

    Attributes
    ----------
    partition
        Number of the partition, from 0.
    source
        Name of the log: a file's digest, or a Kafka topic.
    begin, end
        Position of its first record, and the position after its last one (where the next step begins).
    first
        Position of the first record that was actually read; differs from ``begin`` only if
        the fetch skipped some, which the store refuses.
    writes
        What changes in the partition's keys, in order.
    entries
        What goes to the outbox, in order.
    published
        Sequence number up to which earlier outbox entries have been published and may be trimmed.
    keep
        How many of the partition's last changes of each topic are kept for readers, published or not.
    counts
        What became of its records; for metrics, no part of what is committed.
    """

    partition: int
    source: str
    begin: int
    end: int
    first: int
    writes: Sequence[Write]
    entries: Sequence[Entry] = field(default_factory=tuple)
    published: int = 0
    keep: int = KEEP
    counts: StepCounts = StepCounts()
