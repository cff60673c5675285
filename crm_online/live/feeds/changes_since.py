"""The kept changes of one partition since a change, whatever happened to Redis meanwhile.

Ids of changes rise in the list that Redis keeps, but a new epoch may go on from an earlier number (ADR 12). So what
follows a change are those with higher ids, and numbers alone do not find them.
"""

from __future__ import annotations

from dataclasses import dataclass

from crm_online.answers.changes import GapReason
from crm_online.live.feeds.events import FeedEvent, feed_event
from crm_online.step import ChangeId
from crm_online.store import PartitionStore
from crm_online.store.keys import META, SEQUENCE
from crm_online.store.replies import as_int


@dataclass(frozen=True, slots=True)
class ChangesSince:
    """The changes that follow a change.

    Attributes
    ----------
    events
        Those changes, in order.
    gap
        Why some before them are missing; None: none are.
    after
        The change before the first of them; after a gap it is another than the one that was asked for.
    valid_upto
        Where the state was put back in time: the last change up to which all of them still hold; None if none is
        certain to.
    """

    events: list[FeedEvent]
    gap: GapReason | None
    after: ChangeId
    valid_upto: ChangeId | None = None


def changes_since(store: PartitionStore, last: ChangeId, most: int, body: bytes = b"") -> ChangesSince:
    """Read at most ``most`` changes that follow the change ``last``.

    Parameters
    ----------
    store, last
        The partition, and the last change that the reader has.
    most
        How many changes to read at most.
    body
        The content of the change ``last``; if another one has its id now, the state is another one.

    Raises
    ------
    StoreError
        If the store cannot be read.
    """
    found = _read(store, last.sequence - 1, most + 1)
    if found and found[0].id == last:
        if body and found[0].body and found[0].body != body:
            return ChangesSince([], "rewound", (_newest(store) or found[0]).id)
        return ChangesSince(found[1:], None, last)
    end, first = _sequence(store), _read(store, 0, 1)
    if not first:
        return _none_kept(end, last)
    higher = _higher(store, last, first[0], most)
    events = [event for event in higher if event.id > last]
    if not events:
        newest = (_newest(store) or first[0]).id
        if newest < last:
            return ChangesSince([], "rewound", newest, valid_upto=newest)
        return ChangesSince([], None, last)
    before = events[0].id.previous
    # Where one that is not higher stands right before them nothing is missing; which were trimmed cannot be known.
    if len(events) == len(higher) and before != last and before.sequence > 0:
        return ChangesSince(events[:most], "trimmed", before)
    return ChangesSince(events[:most], None, last)


def before_oldest(store: PartitionStore) -> ChangeId:
    """Return the change before the first one that is kept.

    Raises
    ------
    StoreError
        If the store cannot be read.
    """
    end, first = _sequence(store), _read(store, 0, 1)
    return first[0].id.previous if first else ChangeId(store.partition, 0, end)


def _none_kept(end: int, last: ChangeId) -> ChangesSince:
    """Return the answer for a state that an older version made, or an empty one; ``end`` was read first."""
    if end == last.sequence:
        return ChangesSince([], None, last)
    if end > last.sequence:
        return ChangesSince([], "trimmed", last._replace(sequence=end))
    newest = ChangeId(last.partition, 0, end)
    return ChangesSince([], "rewound", newest, valid_upto=newest)


def _higher(store: PartitionStore, last: ChangeId, first: FeedEvent, most: int) -> list[FeedEvent]:
    """Read the changes with higher ids, which are the last ones of the list, and the one before if it is kept."""
    while (newest := _newest(store)) is not None and newest.id > last:
        # The first change with a higher id is not before ``low``, and not after ``high``.
        low, high = first.id.sequence, newest.id.sequence
        while low < high:
            middle = (low + high) // 2
            (found, *_) = _read(store, middle - 1, 1) or [newest]
            if found.id > last:
                high = middle
            else:
                low = middle + 1
        # One read of all of it: meanwhile changes may be trimmed, and seldom the state is put back.
        read = _read(store, high - 2, most + 1)
        if read and (read[0].id <= last or read[0].id.sequence >= high):
            return read
    return []


def _newest(store: PartitionStore) -> FeedEvent | None:
    found = _read(store, _sequence(store) - 1, 1)
    return found[0] if found else None


def _sequence(store: PartitionStore) -> int:
    return as_int(store.hash_get(META, [SEQUENCE])[0] or b"0")


def _read(store: PartitionStore, after: int, most: int) -> list[FeedEvent]:
    return [feed_event(entry) for entry in store.changes(max(after, 0), most)]
