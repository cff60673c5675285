"""The names of the keys in Redis, and the version of their format.

A partition's keys share a hash tag, so that a commit stays in one slot of a Redis Cluster.
"""

from __future__ import annotations

from typing import Final

from crm_online.step import Topic

FORMAT: Final = 3
"""Version of all keys and codecs; a state of another one is refused. Whoever changes what is stored raises it, unless
states of before can be read still."""

STATE: Final = b"{crm}:state"
"""The one key outside the partitions: format, number of partitions, settings."""

META: Final = "meta"
POSITIONS: Final = "positions"
OUTBOX: Final = "outbox"
CHANGES: Final = {topic: f"changes:{topic}" for topic in Topic}
"""By topic the list of its last changes, so that many of one topic push out none of another (ADR 60)."""
SENT: Final = "events"
"""The source, among the positions, of events that were sent to the service: how many. They are in no log."""
PROBE: Final = "probe"
ERASED: Final = "erased"
"""There once customers were erased, until no file of an embedded Redis has their bytes any more."""
ENDS: Final = "ends"
"""End of the log of each topic, as the last worker of the partition saw it: a hash, topics to offsets."""

FINGERPRINT: Final = "marks"
"""The hash of a partition that holds its log's fingerprint (see ``streams.resume``)."""
TOKEN: Final = b"token"
COMMITS: Final = b"commits"
COMMITS_STARTED: Final = b"begun"
SEQUENCE: Final = b"sequence"

OWN_NAMES: Final = frozenset({META, POSITIONS, OUTBOX, *CHANGES.values(), PROBE})
"""Names that only the store writes; but a step may set an entry of the changes that are kept, and
forget the position of a log."""


def key(partition: int, name: str) -> bytes:
    """Give the key in Redis of a name within a partition.

    Examples
    --------
    >>> key(7, "customers")
    b'{crm:7}:customers'
    """
    return f"{{crm:{partition}}}:{name}".encode()
