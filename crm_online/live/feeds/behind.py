"""What stands behind a place in one partition, whatever happened to Redis since.

A change's mark is its epoch and its number. Marks rise in the list that Redis keeps, but a new epoch may go on from an
earlier number (ADR 12). So what follows a mark are the changes with higher marks, and numbers alone do not find them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from crm_online.live.feeds.places import Mark
from crm_online.live.feeds.told import Told, told
from crm_online.store import PartitionStore
from crm_online.store.keys import META, SEQUENCE
from crm_online.store.replies import as_int


@dataclass(frozen=True, slots=True)
class Behind:
    """What stands behind a mark.

    Attributes
    ----------
    changes
        The changes that follow, in order.
    missed
        Why there is a gap before them, if there is one: ``trimmed``, they are kept no more; ``rewound``, the state was
        put back in time, and what was told is not so any more.
    mark
        Before the first of the changes; behind a gap it is another than the one that was asked for.
    sure
        Where the state was put back: the last mark up to which all is as it was told; None if nothing is sure.
    """

    changes: list[Told]
    missed: Literal["trimmed", "rewound"] | None
    mark: Mark
    sure: Mark | None = None


def behind(store: PartitionStore, mark: Mark, most: int, body: bytes = b"") -> Behind:
    """Read at most ``most`` changes behind a mark.

    Parameters
    ----------
    store, mark
        The partition, and the mark of the last change that is known.
    most
        How many changes to read at most.
    body
        What that change says; if another one stands there now, the state is another one.

    Raises
    ------
    StoreError
        If the store cannot be read.
    """
    found = _read(store, mark[1] - 1, most + 1)
    if found and found[0].mark == mark:
        if body and found[0].body and found[0].body != body:
            return Behind([], "rewound", (_last(store) or found[0]).mark)
        return Behind(found[1:], None, mark)
    end, first = _sequence(store), _read(store, 0, 1)
    if not first:
        return _nothing_kept(end, mark)
    higher = _higher(store, mark, first[0], most)
    changes = [change for change in higher if change.mark > mark]
    if not changes:
        last = (_last(store) or first[0]).mark
        return Behind([], "rewound", last, sure=last) if last < mark else Behind([], None, mark)
    before = (changes[0].mark[0], changes[0].mark[1] - 1)
    # Where one that is not higher stands right before them nothing is missing; what was trimmed, nobody knows.
    if len(changes) == len(higher) and before != mark and before[1] > 0:
        return Behind(changes[:most], "trimmed", before)
    return Behind(changes[:most], None, mark)


def begin(store: PartitionStore) -> Mark:
    """Return the mark before the first change that is kept.

    Raises
    ------
    StoreError
        If the store cannot be read.
    """
    end, first = _sequence(store), _read(store, 0, 1)
    return (first[0].mark[0], first[0].mark[1] - 1) if first else (0, end)


def _nothing_kept(end: int, mark: Mark) -> Behind:
    """Return what to say of a state that an older version made, or an empty one; ``end`` was read first."""
    if end == mark[1]:
        return Behind([], None, mark)
    if end > mark[1]:
        return Behind([], "trimmed", (mark[0], end))
    return Behind([], "rewound", (0, end), sure=(0, end))


def _higher(store: PartitionStore, mark: Mark, first: Told, most: int) -> list[Told]:
    """Read the changes with higher marks, which are the last ones of the list, and the one before if it is kept."""
    while (last := _last(store)) is not None and last.mark > mark:
        # The first change with a higher mark is not before ``low``, and not behind ``high``.
        low, high = first.mark[1], last.mark[1]
        while low < high:
            middle = (low + high) // 2
            (found, *_) = _read(store, middle - 1, 1) or [last]
            if found.mark > mark:
                high = middle
            else:
                low = middle + 1
        # One read of all of it: meanwhile changes may be trimmed, and seldom the state is put back.
        read = _read(store, high - 2, most + 1)
        if read and (read[0].mark <= mark or read[0].mark[1] >= high):
            return read
    return []


def _last(store: PartitionStore) -> Told | None:
    found = _read(store, _sequence(store) - 1, 1)
    return found[0] if found else None


def _sequence(store: PartitionStore) -> int:
    return as_int(store.hash_get(META, [SEQUENCE])[0] or b"0")


def _read(store: PartitionStore, after: int, most: int) -> list[Told]:
    return [told(store.partition, entry) for entry in store.changes(max(after, 0), most)]
