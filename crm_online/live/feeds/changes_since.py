"""The kept changes of one partition that follow a change, also when the state was put back in time meanwhile.

Change ids rise along the list that Redis keeps. A new epoch may start at a lower number than the old one had reached
(ADR 12), so the number of a change alone does not say where in the list it is.
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
    """The kept changes that follow a change.

    Attributes
    ----------
    events
        Those changes, in order.
    gap
        Why changes between the requested one and these are missing: ``trimmed``, ``rewound``, or None if none are.
    after
        The change right before the first of ``events``: the requested one, or the last one in the gap.
    valid_upto
        Of a gap ``rewound``: the last change up to which all changes still hold; None: no change is certain to.
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
        The content of the change ``last`` as it was read; empty: it is not compared. Where it differs from what Redis
        has under that id, Redis has another state.

    Raises
    ------
    StoreError
        If the store cannot be read.
    """
    # First, the change is where its number says: all that follows is in the list.
    at_its_number = _read(store, last.sequence - 1, most + 1)
    if at_its_number and at_its_number[0].id == last:
        same, *events = at_its_number
        if body and same.body and same.body != body:
            return ChangesSince([], "rewound", (_newest(store) or same).id)
        return ChangesSince(events, None, last)
    # Second, no change is kept.
    sequence, oldest = _sequence(store), _read(store, 0, 1)
    if not oldest:
        return _none_kept(sequence, last)
    # Third, it was trimmed or undone, or another epoch has its number: what follows are the changes with higher ids.
    found = _higher(store, last, oldest[0], most)
    events = [event for event in found if event.id > last]
    if not events:
        newest = (_newest(store) or oldest[0]).id
        if newest < last:
            return ChangesSince([], "rewound", newest, valid_upto=newest)
        return ChangesSince([], None, last)
    before = events[0].id.previous
    # If the list has a change with a lower id right before them, none was trimmed in between.
    has_lower = len(found) > len(events)
    if not has_lower and before != last and before.sequence > 0:
        return ChangesSince(events[:most], "trimmed", before)
    return ChangesSince(events[:most], None, last)


def before_oldest(store: PartitionStore) -> ChangeId:
    """Return the change before the oldest one that is kept.

    Raises
    ------
    StoreError
        If the store cannot be read.
    """
    sequence, oldest = _sequence(store), _read(store, 0, 1)
    return oldest[0].id.previous if oldest else ChangeId(store.partition, 0, sequence)


def _none_kept(sequence: int, last: ChangeId) -> ChangesSince:
    """Return the changes since one where none is kept: in a new state, or one of a version that kept none.

    ``sequence`` is the number of the partition's last change, read before the list was found empty.
    """
    if sequence == last.sequence:
        return ChangesSince([], None, last)
    if sequence > last.sequence:
        return ChangesSince([], "trimmed", last._replace(sequence=sequence))
    newest = ChangeId(last.partition, 0, sequence)
    return ChangesSince([], "rewound", newest, valid_upto=newest)


def _higher(store: PartitionStore, last: ChangeId, oldest: FeedEvent, most: int) -> list[FeedEvent]:
    """Find the changes with ids above ``last`` by a binary search, as ids rise along the list.

    Returns the change before them, if it is kept, and at most ``most`` of them.
    """
    while (newest := _newest(store)) is not None and newest.id > last:
        # The number of the first change with a higher id is at least ``low`` and at most ``high``.
        low, high = oldest.id.sequence, newest.id.sequence
        while low < high:
            middle = (low + high) // 2
            (found, *_) = _read(store, middle - 1, 1) or [newest]
            if found.id > last:
                high = middle
            else:
                low = middle + 1
        # Where changes were trimmed meanwhile, or the state was put back, another change is there: search again.
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
