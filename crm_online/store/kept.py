"""The kept changes of one partition: one list for each topic, read together in the order of their ids."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain

from crm_online.step import ChangeId, Entry, Topic
from crm_online.store import replies
from crm_online.store.entries import TOPICS, decode


@dataclass(frozen=True, slots=True)
class KeptChanges:
    """The kept changes of a partition after a given one, read at one moment.

    Attributes
    ----------
    sequence
        Number of the partition's last change.
    before
        Of each topic the last change up to the requested one, with it, if it is kept; in order.
    entries
        The changes after it, of all topics, in order.
    trimmed
        By topic, the last change that is kept no more; a topic that lost none is not there.
    lengths
        By topic, how many changes are kept.
    """

    sequence: int
    before: list[Entry]
    entries: list[Entry]
    trimmed: Mapping[Topic, ChangeId]
    lengths: Mapping[Topic, int]


def kept_changes(reply: object, after: ChangeId, most: int | None) -> KeptChanges:
    """Take what ``changes.lua`` answers about the changes after one, at most ``most``.

    Raises
    ------
    StateCorrupt
        Bytes that are not known.
    """
    sequence, trimmed, lengths, found = replies.as_list(reply)
    lists = [[decode(data, after.partition) for data in replies.as_byte_list(list)] for list in replies.as_list(found)]
    entries = sorted(chain.from_iterable(lists), key=lambda entry: entry.id)
    first = next((at for at, entry in enumerate(entries) if entry.id > after), len(entries))
    ids = zip(TOPICS.values(), replies.as_byte_list(trimmed), strict=True)
    return KeptChanges(
        sequence=replies.as_int(sequence),
        before=entries[:first],
        entries=entries[first:][:most],
        trimmed={topic: ChangeId.parse(f"{after.partition}-{last.decode()}") for topic, last in ids if last},
        lengths=dict(zip(TOPICS.values(), map(replies.as_int, replies.as_list(lengths)), strict=True)),
    )
