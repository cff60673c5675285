"""Gaps: parts of a log that were skipped because the topic no longer had them (``kafka.on_gap=skip``)."""

from __future__ import annotations

import json
from typing import Final, NamedTuple

NAME: Final = "gaps"
"""The list of a partition, oldest first."""


class LogGap(NamedTuple):
    """A part of a log that was left out.

    Attributes
    ----------
    topic
        The topic.
    begin, end
        Offset of the record that was next, and where the log was read on; after ``begin`` or before it.
    why
        What had become of the log, in words.
    time
        When it was left out, ISO 8601.
    """

    topic: str
    begin: int
    end: int
    why: str
    time: str

    def encode(self) -> bytes:
        """Return what is stored."""
        return json.dumps(self._asdict()).encode()

    @classmethod
    def decode(cls, raw: bytes) -> LogGap:
        """Read what is stored.

        Examples
        --------
        >>> gap = LogGap("crm.events", 3, 7, "retention passed it", "2024-01-01T00:00:00Z")
        >>> LogGap.decode(gap.encode()) == gap
        True
        """
        return cls(**json.loads(raw))
