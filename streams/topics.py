"""Every topic in one place: what it carries, under which key, in how many partitions, and how long it is kept.

What is given here for a topic is how it is made where it is missing; :mod:`streams.admin` makes it, and looks whether
one that is there already can do the work.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from aiokafka.partitioner import murmur2

from crm_online.step import Topic

DAY = 86_400_000
"""A day in ms."""

MOST_BYTES = 64 * 1024
"""What every topic must take in one batch: no change is larger, and the publisher's batches are not either."""

_KEPT = {"cleanup.policy": "delete", "max.message.bytes": str(1024 * 1024)}
# A tombstone stays a week, so that a reader who was offline for less sees it.
_COMPACTED = {
    "cleanup.policy": "compact",
    "delete.retention.ms": str(7 * DAY),
    "max.message.bytes": str(1024 * 1024),
}


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """How a topic is made, and what it carries.

    Attributes
    ----------
    name
        Its name without ``kafka.prefix``.
    carries, key
        What its records are, and what their key is, in words.
    partitioned
        Whether it has the partitions of ``events``, so that output partition = input partition; else it has one.
    configuration
        Kafka's settings of the topic.
    """

    name: str
    carries: str
    key: str
    partitioned: bool
    configuration: Mapping[str, str]

    @property
    def compacted(self) -> bool:
        """Whether the last record of each key stays for good, and no other."""
        return self.configuration["cleanup.policy"] == "compact"

    def partitions(self, of_events: int) -> int:
        """Return how many partitions it has where ``events`` has so many."""
        return of_events if self.partitioned else 1


EVENTS = TopicSpec(
    name="events",
    carries="what customers did: native events, JSON",
    key="customer id in UTF-8; the basket's where the customer is unknown; the event's where there is neither",
    partitioned=True,
    configuration={
        "cleanup.policy": "delete",
        "retention.ms": str(30 * DAY),
        # How far an event may lie in the future is judged by the time at which the broker got it: no producer's clock.
        "message.timestamp.type": "LogAppendTime",
        # A record of the largest value there may be (`records.MAX_VALUE`), with its key.
        "max.message.bytes": str(1_100_000),
    },
)
COMMANDS = TopicSpec(
    name="commands",
    carries="what operators ask for: tick, refit, erase, objection",
    key="none",
    partitioned=False,
    configuration=_KEPT | {"retention.ms": str(DAY)},
)
SEGMENT_CHANGES = TopicSpec(
    name=Topic.SEGMENT_CHANGES,
    carries="customers who moved to another segment, and why",
    key="customer id",
    partitioned=True,
    configuration=_KEPT | {"retention.ms": str(30 * DAY)},
)
SEGMENTS = TopicSpec(
    name=Topic.SEGMENTS,
    carries="each segment as it is now; a tombstone for one that is no more",
    key="segment id",
    partitioned=False,
    configuration=_COMPACTED,
)
RULES = TopicSpec(
    name=Topic.RULES,
    carries="each rule as it is now; a tombstone for one that no longer holds",
    key='rule id, a JSON array: [["a","b"],["c"]]',
    partitioned=False,
    configuration=_COMPACTED,
)
REJECTS = TopicSpec(
    name=Topic.REJECTS,
    carries="records that are no events, whole, with the reason and where they were",
    key="none",
    partitioned=True,
    configuration=_KEPT | {"retention.ms": str(30 * DAY)},
)
DRIFT = TopicSpec(
    name=Topic.DRIFT,
    carries="what is no more as it was in the whole log, and by how much",
    key="what drifted",
    partitioned=False,
    configuration=_KEPT | {"retention.ms": str(365 * DAY)},
)
PREDICTIONS = TopicSpec(
    name=Topic.PREDICTIONS,
    carries="customers who are in another band of what is predicted of them, and why",
    key="customer id",
    partitioned=True,
    configuration=_KEPT | {"retention.ms": str(30 * DAY)},
)

INPUTS = (EVENTS, COMMANDS)
"""What the workers read."""
OUTPUTS: Mapping[Topic, TopicSpec] = {
    Topic.SEGMENT_CHANGES: SEGMENT_CHANGES,
    Topic.SEGMENTS: SEGMENTS,
    Topic.RULES: RULES,
    Topic.REJECTS: REJECTS,
    Topic.DRIFT: DRIFT,
    Topic.PREDICTIONS: PREDICTIONS,
}
"""What the workers write, by what an entry of the outbox calls it."""
TOPICS = (*INPUTS, *OUTPUTS.values())
"""All topics."""


def topic_name(prefix: str, topic: TopicSpec | Topic) -> str:
    """Return a topic's name on the broker.

    Examples
    --------
    >>> topic_name("crm.", EVENTS), topic_name("shop-", Topic.RULES)
    ('crm.events', 'shop-rules')
    """
    return prefix + (topic.name if isinstance(topic, TopicSpec) else topic.value)


def partition_of(key: bytes, partitions: int) -> int:
    """Return where Kafka's own clients put a key by default: murmur2 of its bytes, without the sign.

    Examples
    --------
    >>> partition_of(b"ann", 4)
    2
    """
    hashed: int = murmur2(key)
    return (hashed & 0x7FFFFFFF) % partitions
