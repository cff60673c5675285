"""Rows that cannot be used: with the reason, the field, and where they stand."""

from __future__ import annotations

from dataclasses import dataclass

MAX_RAW = 4096
"""Most bytes of a rejected row that are kept."""


@dataclass(frozen=True, slots=True)
class Reject:
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
        The row as it was, at most 4 KiB of UTF-8; bytes that are no text are replaced.
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
