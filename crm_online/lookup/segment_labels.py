"""Labels that users give segments: a name, a note, a colour. They stay with the id, whatever the model does."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from crm_online.errors import StateCorrupt
from crm_online.store import PartitionStore

NAME = "labels"
"""Name of the key: a hash by segment id, in partition 0. No step writes it, so it is no part of the digest."""


@dataclass(frozen=True, slots=True)
class SegmentLabel:
    """What somebody gave a segment; ``None``: nothing.

    Attributes
    ----------
    name, note
        As they were typed.
    colour
        As ``#rrggbb``.
    """

    name: str | None = None
    note: str | None = None
    colour: str | None = None

    def encode(self) -> bytes:
        """Return it as JSON."""
        return json.dumps(asdict(self), separators=(",", ":")).encode()

    @classmethod
    def decode(cls, raw: bytes) -> SegmentLabel:
        """Read what :meth:`encode` wrote; raises ``StateCorrupt`` for anything else."""
        try:
            return cls(**json.loads(raw))
        except (ValueError, TypeError) as error:
            raise StateCorrupt("the label of a segment cannot be read") from error


def decode_labels(raw: Mapping[bytes, bytes]) -> dict[str, SegmentLabel]:
    """Return labels as they are stored, by segment id."""
    return {segment.decode(): SegmentLabel.decode(value) for segment, value in sorted(raw.items())}


def write_label(store: PartitionStore, segment: str, change: Mapping[str, str | None]) -> SegmentLabel:
    """Change a segment's label in partition 0, and return it.

    Parameters
    ----------
    store
        Partition 0.
    segment
        The segment's id.
    change
        The fields that change.

    Raises
    ------
    StoreError
        If it cannot be written.
    """
    (found,) = store.hash_get(NAME, [segment.encode()])
    before = SegmentLabel.decode(found) if found else SegmentLabel()
    label = SegmentLabel(**{**asdict(before), **change})
    store.put_field(NAME, segment.encode(), label.encode())
    return label
