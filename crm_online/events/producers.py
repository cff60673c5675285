"""Who sends events: ids are told apart by producer, so that nobody uses up another's."""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

LOG: Final = "log"
"""The producer of all logs that a state reads, or of the records of its topic that name none."""
MADE_HERE: Final = 1
"""The number of the producer of events without an id: they get one here, which nobody who sends an id can use up."""


def producer_number(name: str | bytes) -> int:
    """Return the number of a producer, 64 bits: 0 for ``LOG``, a hash of any other name.

    Examples
    --------
    >>> producer_number("log"), producer_number("till") == producer_number("web")
    (0, False)
    """
    raw = name.encode() if isinstance(name, str) else name
    if raw == LOG.encode():
        return 0
    return int.from_bytes(blake2b(raw, digest_size=8).digest(), "little") | 2
