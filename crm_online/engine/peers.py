"""One partition's part of the global figures, as the others and readers add them up."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from crm_online.errors import StateCorrupt
from crm_online.segments.sums import SegmentSums

NAME = "sums"
"""Name of the key."""
MODEL_PARTITION = 0
"""The partition that fits models, derives rules and emits segments, for all."""


@dataclass(frozen=True, slots=True)
class PartitionFigures:
    """One partition's part of the global figures.

    Attributes
    ----------
    version
        The model in use there; 0 before the first.
    complete
        Whether all of its customers have moved to that version.
    customers, baskets
        How many there are.
    withdrawn
        How many baskets were counted that have got more lines since, and are counted anew.
    sums
        The sums of its segments; ``None`` before the first model.
    buying
        The same by how often members have bought, see :mod:`crm_online.segments.buying`.
    """

    version: int
    complete: bool
    customers: int
    baskets: int
    withdrawn: int
    sums: SegmentSums | None
    buying: SegmentSums | None = None

    def encode(self) -> bytes:
        """Return the figures as bytes: a line of JSON, then the sums, then those by how often members have bought."""
        sums, buying = (one.to_bytes() if one else b"" for one in (self.sums, self.buying))
        head = {
            "version": self.version,
            "complete": self.complete,
            "customers": self.customers,
            "baskets": self.baskets,
            "withdrawn": self.withdrawn,
            "bytes": len(sums),
        }
        return json.dumps(head, separators=(",", ":")).encode() + b"\n" + sums + buying

    @classmethod
    def decode(cls, raw: bytes) -> PartitionFigures:
        """Read what :meth:`encode` wrote; raises ``StateCorrupt`` for anything else."""
        return _decoded(raw)


@lru_cache(maxsize=1024)
def _decoded(raw: bytes) -> PartitionFigures:
    """Decode figures; each partition of a process reads the same ones of the others, step by step."""
    head, _, sums = raw.partition(b"\n")
    try:
        value = json.loads(head)
        size = int(value["bytes"])
        return PartitionFigures(
            int(value["version"]),
            bool(value["complete"]),
            int(value["customers"]),
            int(value["baskets"]),
            int(value["withdrawn"]),
            SegmentSums.from_bytes(sums[:size]) if size else None,
            SegmentSums.from_bytes(sums[size:]) if len(sums) > size else None,
        )
    except (ValueError, KeyError, TypeError) as error:
        raise StateCorrupt("the sums of a partition cannot be read") from error


def add_up(parts: Iterable[PartitionFigures], version: int) -> tuple[SegmentSums | None, bool]:
    """Return the sums of one version over the partitions, and whether all have moved to it."""
    total: SegmentSums | None = None
    complete = True
    for part in parts:
        if part.version == version and part.sums is not None:
            total = part.sums if total is None else total + part.sums
        if part.customers and not (part.version == version and part.complete):
            complete = False
    return total, complete


def added_by_buying(parts: Iterable[PartitionFigures], version: int) -> SegmentSums | None:
    """Return the sums of one version by how often members have bought, over the partitions."""
    total: SegmentSums | None = None
    for part in parts:
        if part.version == version and part.buying is not None:
            total = part.buying if total is None else total + part.buying
    return total
