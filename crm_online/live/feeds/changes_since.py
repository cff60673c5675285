"""The kept changes of one partition after a given change, even if the state was restored to an earlier time since.

A new epoch may start at a lower number than the old one had reached (ADR 12), and each topic is trimmed for itself
(ADR 60): the number of a change alone says neither where it is nor what is missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from crm_online.answers.changes import GapReason
from crm_online.live.feeds.events import FeedEvent, feed_event, gap_event
from crm_online.step import ChangeId, Topic
from crm_online.store import PartitionStore
from crm_online.store.kept import KeptChanges

_HIGHEST: Final = 2**53 - 1

Trimmed = Mapping[Topic, ChangeId]
"""By topic, the last change that is kept no more."""


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
    missing
        Of a gap ``trimmed``: of which topics changes are missing, and the last of each.
    trimmed
        The same of all topics, those of earlier gaps too: the caller gives it with its next request.
    lengths
        By topic, how many changes are kept.
    """

    events: list[FeedEvent]
    gap: GapReason | None
    after: ChangeId
    valid_upto: ChangeId | None = None
    missing: Trimmed = field(default_factory=dict)
    trimmed: Trimmed = field(default_factory=dict)
    lengths: Mapping[Topic, int] = field(default_factory=dict)

    def gap_event(self, last: ChangeId) -> FeedEvent:
        """Return the event sent in place of what is missing after ``last``."""
        assert self.gap is not None
        return gap_event(last, self.after, self.gap, self.missing)


def changes_since(
    store: PartitionStore, last: ChangeId, most: int, body: bytes = b"", known: Trimmed | None = None
) -> ChangesSince:
    """Read at most ``most`` changes that follow the change ``last``.

    Parameters
    ----------
    store, last
        The partition, and the last change that the reader has.
    most
        How many changes to read at most, one or more.
    body
        The content of the change ``last`` as it was read; empty: it is not compared. Where it differs from what Redis
        has under that id, Redis has another state.
    known
        What the reader knows to be kept no more; it is in no gap again.

    Raises
    ------
    StoreError
        If the store cannot be read.
    """
    kept = store.kept_changes(last, most)
    if not kept.before and not kept.entries:
        return _none_kept(kept, last)
    at_or_before = kept.before[-1] if kept.before else None
    if at_or_before and at_or_before.id == last:
        same = feed_event(at_or_before)
        if body and same.body and same.body != body:
            return ChangesSince([], "rewound", _newest(store, same.id), lengths=kept.lengths)
    elif not kept.entries and at_or_before:
        newest = at_or_before.id
        return ChangesSince([], "rewound", newest, valid_upto=newest, lengths=kept.lengths)
    known = known or {}
    missing = {topic: upto for topic, upto in kept.trimmed.items() if upto > max(last, known.get(topic, last))}
    return ChangesSince(
        events=[feed_event(entry) for entry in kept.entries],
        gap="trimmed" if missing else None,
        after=max(last, kept.entries[0].id.previous) if missing and kept.entries else last,
        missing=missing,
        trimmed=kept.trimmed,
        lengths=kept.lengths,
    )


@dataclass(frozen=True, slots=True)
class KeptBeginning:
    """Where the kept changes of a partition begin.

    Attributes
    ----------
    before_oldest
        The change before the oldest one that is kept.
    complete_after
        The change after which all are kept, of every topic.
    trimmed
        By topic, the last change that is kept no more.
    """

    before_oldest: ChangeId
    complete_after: ChangeId
    trimmed: Trimmed


def beginning(store: PartitionStore) -> KeptBeginning:
    """Find where the kept changes begin.

    Raises
    ------
    StoreError
        If the store cannot be read.
    """
    kept = store.kept_changes(most=1)
    number = store.partition
    before = kept.entries[0].id.previous if kept.entries else ChangeId(number, 0, kept.sequence)
    return KeptBeginning(before, max(before, *kept.trimmed.values(), before), kept.trimmed)


def _none_kept(kept: KeptChanges, last: ChangeId) -> ChangesSince:
    """Return the changes since one where none is kept: in a new state, or one of a version that kept none."""
    if kept.sequence == last.sequence:
        return ChangesSince([], None, last)
    if kept.sequence > last.sequence:
        after = last._replace(sequence=kept.sequence)
        return ChangesSince([], "trimmed", after, missing=dict.fromkeys(Topic, after))
    newest = ChangeId(last.partition, 0, kept.sequence)
    return ChangesSince([], "rewound", newest, valid_upto=newest)


def _newest(store: PartitionStore, otherwise: ChangeId) -> ChangeId:
    before = store.kept_changes(ChangeId(store.partition, _HIGHEST, 0), 1).before
    return before[-1].id if before else otherwise
