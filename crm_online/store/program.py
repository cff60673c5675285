"""A step as the arguments of the commit script."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from crm_online.errors import HoleInLog, StoreRefused
from crm_online.step import Append, Assign, Drop, Entry, Put, Remove, Replace, Shorten, Step, Write
from crm_online.store.entries import TOPICS, encode
from crm_online.store.keys import CHANGES, META, OUTBOX, OWN_NAMES, POSITIONS, key
from crm_online.store.node import Arg

# Redis 6.2 takes a million arguments a command; a write of more values than _UNPACKED goes in packed chunks,
# and one of more than _FEW if the step has more than _MANY in all.
_UNPACKED: Final = 100_000
_MANY: Final = 500_000
_FEW: Final = 1000
_CHUNK: Final = 4000


@dataclass(frozen=True, slots=True)
class Fences:
    """Which checks a commit makes; switched off only by tests that show what each is for."""

    owner: bool = True
    position: bool = True
    holes: bool = True


def keys_and_arguments(step: Step, token: str, commits: int | None, fences: Fences) -> tuple[list[bytes], list[Arg]]:
    """Give keys and arguments of the commit script.

    Raises
    ------
    StoreRefused
        The step writes what is the store's own, or an index or count is negative.
    HoleInLog
        The sequence numbers of its entries have a gap.
    """
    entries = step.entries
    for before, after in pairwise(entries):
        if after.sequence != before.sequence + 1:
            raise HoleInLog(f"change {after.sequence} follows change {before.sequence} in one step")
    published = {entry.topic for entry in entries}
    lists = {number: CHANGES[topic] for number, topic in TOPICS.items() if topic in published}
    names = list(
        dict.fromkeys([META, POSITIONS, OUTBOX, *lists.values(), *(_checked(write).name for write in step.writes)])
    )
    numbers = {name: at for at, name in enumerate(names, 1)}
    total = len(entries) + sum(map(_size, step.writes))
    unpacked = _UNPACKED if total <= _MANY else _FEW
    args: list[Arg] = [
        token,
        step.source,
        step.begin,
        step.end,
        step.first,
        "" if commits is None else commits,
        int(fences.owner),
        int(fences.position),
        int(fences.holes),
        step.published,
        step.keep,
        ",".join(map(str, lists)),
        _first(entries),
        *_values([encode(entry) for entry in entries], unpacked),
    ]
    for write in step.writes:
        args.extend(_arguments(write, numbers[write.name], unpacked))
    return [key(step.partition, name) for name in names], args


def _size(write: Write) -> int:
    match write:
        case Put(fields=fields):
            return 2 * len(fields)
        case Remove(fields=gone):
            return len(gone)
        case Append(values=values):
            return len(values)
        case _:
            return 1


def _first(entries: Sequence[Entry]) -> int:
    return entries[0].sequence if entries else 0


def _checked(write: Write) -> Write:
    blanks = write.name in CHANGES.values() and isinstance(write, Assign)
    forgets = write.name == POSITIONS and isinstance(write, Remove)
    if write.name in OWN_NAMES and not (blanks or forgets):
        raise StoreRefused(f"a step may not write to {write.name!r}: it is the store's own")
    if (isinstance(write, Assign) and write.index < 0) or (isinstance(write, Shorten) and write.count < 0):
        raise StoreRefused(f"a step writes to a negative index of {write.name!r}")
    return write


def _arguments(write: Write, number: int, unpacked: int) -> Iterable[Arg]:
    match write:
        case Put(fields=fields):
            return ("put", number, *_values([part for pair in fields.items() for part in pair], unpacked))
        case Remove(fields=gone):
            return ("remove", number, *_values(gone, unpacked))
        case Append(values=values):
            return ("append", number, *_values(values, unpacked))
        case Shorten(count=count):
            return ("shorten", number, count, 0)
        case Assign(index=index, value=value):
            return ("assign", number, index, 1, value)
        case Replace(value=value):
            return ("replace", number, 1, 1, value)
        case Drop():
            return ("drop", number, 0, 0)


def _values(values: Sequence[bytes], unpacked: int) -> Iterable[Arg]:
    """Give count, number of arguments, and the arguments."""
    if len(values) <= unpacked:
        return (len(values), len(values), *values)
    chunks = [_packed(values[at : at + _CHUNK]) for at in range(0, len(values), _CHUNK)]
    return (len(values), len(chunks), *chunks)


def _packed(values: Sequence[bytes]) -> bytes:
    """Give the values as a MessagePack array of raw strings."""
    parts = [b"\xdd" + struct.pack(">I", len(values))]
    for value in values:
        parts.append(b"\xdb" + struct.pack(">I", len(value)))
        parts.append(value)
    return b"".join(parts)
