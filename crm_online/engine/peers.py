"""What a partition tells the others: its sums, and how far it is. Readers add these up."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from crm_online.errors import StateCorrupt
from crm_online.segments.sums import SegmentSums

NAME = "sums"


@dataclass(frozen=True, slots=True)
class PartitionSums:
    """One partition's part of the global figures.

    Attributes
    ----------
    version
        The model in use there; 0 before the first.
    complete
        Whether all of its customers have moved to that version.
    customers, baskets
        How many there are.
    sums
        The sums of its segments; ``None`` before the first model.
    """

    version: int
    complete: bool
    customers: int
    baskets: int
    sums: SegmentSums | None

    def encode(self) -> bytes:
        """Return the sums as bytes: a line of JSON, then the sums."""
        head = {
            "version": self.version,
            "complete": self.complete,
            "customers": self.customers,
            "baskets": self.baskets,
        }
        return json.dumps(head, separators=(",", ":")).encode() + b"\n" + (self.sums.to_bytes() if self.sums else b"")

    @classmethod
    def decode(cls, raw: bytes) -> PartitionSums:
        """Read what :meth:`encode` wrote; raises ``StateCorrupt`` for anything else."""
        head, _, sums = raw.partition(b"\n")
        try:
            value = json.loads(head)
            return cls(
                int(value["version"]),
                bool(value["complete"]),
                int(value["customers"]),
                int(value["baskets"]),
                SegmentSums.from_bytes(sums) if sums else None,
            )
        except (ValueError, KeyError, TypeError) as error:
            raise StateCorrupt("the sums of a partition cannot be read") from error


def added(parts: Iterable[PartitionSums], version: int) -> tuple[SegmentSums | None, bool]:
    """Return the sums of one version over the partitions, and whether all have moved to it."""
    total: SegmentSums | None = None
    complete = True
    for part in parts:
        if part.version == version and part.sums is not None:
            total = part.sums if total is None else total + part.sums
        if part.customers and not (part.version == version and part.complete):
            complete = False
    return total, complete
