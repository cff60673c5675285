"""Marks: records by which a log is known again when its partition is claimed.

A topic that was deleted and made anew may hold more records than our position: the number alone does not tell that
they are others. So each step writes down which record was the last that it took, and the first one ever taken stays.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from hashlib import blake2b
from typing import Final

from streams.records import Record

MARKS: Final = "marks"
"""The hash of a partition that holds them."""
FIRST: Final = b"first"
LAST: Final = b"last"


@dataclass(frozen=True, slots=True)
class Mark:
    """A record that was taken.

    Attributes
    ----------
    offset, timestamp
        Its place in the log, and its time in ms.
    digest
        A hash of key and value.
    """

    offset: int
    timestamp: int
    digest: str

    @classmethod
    def of(cls, record: Record) -> Mark:
        """Return the mark of a record."""
        digest = blake2b(digest_size=16)
        for part in (record.key, record.value):
            digest.update(b"-" if part is None else b"%d:" % len(part) + part)
        return cls(record.offset, record.timestamp, digest.hexdigest())

    def encode(self) -> bytes:
        """Return what is stored."""
        return json.dumps(asdict(self)).encode()


def read_marks(stored: Mapping[bytes, bytes]) -> dict[bytes, Mark]:
    """Read what is stored of a partition: by ``FIRST`` and ``LAST``."""
    return {name: Mark(**json.loads(raw)) for name, raw in stored.items()}
