"""Changes: numbered within their partition in the step that makes them."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from crm_online.step import ChangeId, Entry, Topic

_ENCODER = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False, check_circular=False)


class Reason(IntEnum):
    """Why a customer moved; the numbers are stored."""

    EVENT = 1
    LAPSE = 2
    REFIT = 3
    ERASE = 4
    REWIND = 5

    @property
    def label(self) -> str:
        """The reason as it is on topics and in files."""
        return self.name.lower()


@dataclass(slots=True)
class Changes:
    """The changes of one step, in order.

    Parameters
    ----------
    partition, epoch
        Where they belong.
    sequence
        Number of the last change before the step.
    """

    partition: int
    epoch: int
    sequence: int
    entries: list[Entry] = field(default_factory=list)

    def emit(self, topic: Topic, key: str, value: Mapping[str, object], *, tombstone: bool = False) -> bytes:
        """Give a change its number, keep it, and return its JSON."""
        return self.emit_json(topic, key, to_json(value).decode()[1:-1], tombstone=tombstone)

    def emit_json(
        self, topic: Topic, key: str, members: str, *, tombstone: bool = False, geometry: bytes = b""
    ) -> bytes:
        """Do as `emit` does; ``members`` are the value's as JSON, ``geometry`` what decided a move."""
        self.sequence += 1
        change = ChangeId(self.partition, self.epoch, self.sequence)
        line = f'{{"change_id":"{change}"{"," if members else ""}{members}}}'.encode()
        self.entries.append(Entry(topic, key, line, change, tombstone, geometry))
        return line


def to_json(value: object) -> bytes:
    """Return canonical JSON: no spaces, no escapes, ``null`` for numbers that JSON has not."""
    try:
        text = _ENCODER.encode(value)
    except ValueError:
        text = _ENCODER.encode(_finite(value))
    return text.encode()


def _finite(value: object) -> object:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return value
