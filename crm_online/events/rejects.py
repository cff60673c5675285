"""Rows that cannot be used: with the reason, the field, and where they stand."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

MAX_RAW = 4096
"""Most bytes of a rejected row that are kept."""

MOST_REASONS = 100
"""Most reasons that are counted apart."""
OTHER = "another reason"
"""What the reasons beyond those are counted as."""

Refused = dict[int, tuple[str, str | None]]
"""By row of a chunk, why it is no event, and the native field at fault."""


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """A row that cannot be used.

    Attributes
    ----------
    reason
        Why, in words.
    field
        The native field at fault, such as ``items.0.price``; None when it is the whole row.
    position
        File and line, such as ``orders.csv:123`` (in Parquet: the row, from 1).
    raw
        The row as it was, at most 4 KiB of UTF-8, but for what :class:`~crm_online.events.intake.Intake` leaves out;
        bytes that are no text are replaced.
    row
        Number of the row in its source, from 0.
    """

    reason: str
    field: str | None
    position: str
    raw: str
    row: int

    def value(self) -> dict[str, str | None]:
        """Return what is written to ``rejects.jsonl``."""
        return {"reason": self.reason, "field": self.field, "position": self.position, "raw": self.raw}


@dataclass(slots=True)
class RejectTally:
    """How many rows were rejected and why, and the first of them.

    Examples
    --------
    >>> tally = RejectTally()
    >>> tally.add([RejectedRow("price is below 0", "items.0.price", "orders.jsonl:7", "{}", 6)])
    >>> tally.summary(2000)
    '1 of 2,000 rows was rejected; the first is orders.jsonl:7: price is below 0'
    >>> tally.summary(1)
    'none of 1 row was accepted; the first is orders.jsonl:7: price is below 0'
    """

    reasons: dict[str, int] = field(default_factory=dict)
    first: RejectedRow | None = None

    def add(self, rejects: Iterable[RejectedRow]) -> None:
        """Count rejects."""
        for reject in rejects:
            self.first = self.first or reject
            known = reject.reason in self.reasons or len(self.reasons) < MOST_REASONS
            reason = reject.reason if known else OTHER
            self.reasons[reason] = self.reasons.get(reason, 0) + 1

    def summary(self, rows: int) -> str | None:
        """Return one line for a person, ``None`` if none was rejected; ``rows`` is how many were read."""
        if self.first is None:
            return None
        rejected = sum(self.reasons.values())
        of = f"{rows:,} row{'' if rows == 1 else 's'}"
        text = f"none of {of} was accepted" if rejected >= rows else None
        text = text or f"{rejected:,} of {of} {'was' if rejected == 1 else 'were'} rejected"
        return f"{text}; the first is {self.first.position}: {self.first.reason}"


def cut(raw: str | bytes) -> str:
    r"""Return at most 4 KiB of a raw row, as text that any JSON writer takes.

    Examples
    --------
    >>> cut(b"caf\xe9"), len(cut("x" * 10_000))
    ('caf\ufffd', 4096)
    """
    data = raw[:MAX_RAW].encode("utf-8", "replace") if isinstance(raw, str) else raw[:MAX_RAW]
    text = data.decode("utf-8", "replace")
    return text.encode()[:MAX_RAW].decode("utf-8", "ignore")
