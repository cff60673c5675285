"""A change as a record of an output topic."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from crm_online.step import Entry, Topic
from streams.topics import OUTPUTS

CHANGE_ID: Final = "change_id"
"""The header of every record, tombstones too: partition, epoch and sequence number."""

_BEFORE: Final = b'{"change_id":"'


@dataclass(frozen=True, slots=True, order=True)
class ChangeId:
    """When a change was made, within its partition."""

    epoch: int
    sequence: int

    @classmethod
    def of_text(cls, text: bytes) -> ChangeId:
        """Read the last two parts of an id.

        Examples
        --------
        >>> ChangeId.of_text(b"3-0-17")
        ChangeId(epoch=0, sequence=17)
        """
        _, epoch, sequence = text.split(b"-")
        return cls(int(epoch), int(sequence))

    @classmethod
    def of_entry(cls, entry: Entry) -> ChangeId:
        """Read the id of an entry of the outbox."""
        return cls.of_text(text_of(entry))

    def __str__(self) -> str:
        """Return epoch and number, as they stand in an id."""
        return f"{self.epoch}-{self.sequence}"


@dataclass(frozen=True, slots=True)
class Output:
    """A record for an output topic.

    Attributes
    ----------
    topic
        The name of the topic, without the prefix.
    partition, key, value, headers
        As in Kafka; no value: a tombstone.
    """

    topic: Topic
    partition: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]

    @property
    def change(self) -> ChangeId:
        """Its change id."""
        return ChangeId.of_text(dict(self.headers)[CHANGE_ID])


def output_of(partition: int, entry: Entry) -> Output:
    """Return the record of a change; those of a compacted topic have no value when their key is gone."""
    value = None if entry.tombstone and OUTPUTS[entry.topic].compacted else entry.value
    headers = ((CHANGE_ID, text_of(entry)),)
    return Output(entry.topic, partition, entry.key.encode() if entry.key else None, value, headers)


def text_of(entry: Entry) -> bytes:
    """Return the change id of an entry, as its value says it."""
    begin = len(_BEFORE)
    return entry.value[begin : entry.value.index(b'"', begin)]
