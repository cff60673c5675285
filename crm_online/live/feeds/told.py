"""Changes as a feed tells them: the bytes of a server-sent event, made once, and what filters look at."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from crm_online.errors import StateCorrupt
from crm_online.live.feeds.places import Mark
from crm_online.step import Entry, Topic
from crm_online.store.entries import is_blank

Kind = Literal["segment-change", "segment", "rule", "reject"]
KINDS: Final[Mapping[Topic, Kind]] = {
    Topic.SEGMENT_CHANGES: "segment-change",
    Topic.SEGMENTS: "segment",
    Topic.RULES: "rule",
    Topic.REJECTS: "reject",
}
MOVE: Final = "segment-change"
GAP: Final = "gap"
BLANK: Final = "blank"
_NOTHING: Final[frozenset[str]] = frozenset()


@dataclass(slots=True)
class Told:
    """A change, or a gap, as it is told.

    Attributes
    ----------
    partition, mark
        Where it stands.
    kind
        Its ``event``; of a gap `GAP`, of a change of somebody who was erased `BLANK`: it is told to nobody.
    key
        The key of the change.
    value
        The change as it was decoded; of rejects and moves only.
    names
        The segments, or the items, that it is about.
    body
        ``event`` and ``data`` of the server-sent event.
    place, whole
        The place behind it, as it is written, and its ``body`` with that as ``id``; set by who knows the place.
    """

    partition: int
    mark: Mark
    kind: str
    key: str = ""
    value: Mapping[str, Any] = field(default_factory=dict)
    names: frozenset[str] = _NOTHING
    body: bytes = b""
    place: str = ""
    whole: bytes = b""

    @property
    def says_goodbye(self) -> bool:
        """Whether it says that its customer was erased."""
        return self.kind == "segment-change" and self.value["reason"] == "erase"

    @property
    def data(self) -> bytes:
        """The change as JSON, as it stands on the topic."""
        return self.body.partition(b"\ndata: ")[2].rstrip(b"\n")

    def blank(self) -> None:
        """Forget what it says."""
        self.kind, self.key, self.value, self.names = BLANK, "", {}, _NOTHING
        self.body = self.whole = b""

    def at(self, place: str) -> bytes:
        """Return it as a server-sent event, with the place behind it as its id."""
        return b"id: %s\n%s" % (place.encode(), self.body)


def told(partition: int, entry: Entry) -> Told:
    """Make a change as it is told.

    Raises
    ------
    StateCorrupt
        If its value is not that of a change.
    """
    try:
        value: Mapping[str, Any] = json.loads(entry.value)
        mark = (int(value["change_id"].split("-")[1]), entry.sequence)
        if is_blank(entry):
            return Told(partition, mark, BLANK)
        kind = KINDS[entry.topic]
        body = b"event: %s\ndata: %s\n\n" % (kind.encode(), entry.value)
        return Told(partition, mark, kind, entry.key, _kept(kind, value), _names(kind, value), body)
    except (ValueError, KeyError, TypeError, IndexError, AttributeError):
        raise StateCorrupt(f"change {entry.sequence} of partition {partition} is not one that is known") from None


def gap(partition: int, after: Mark, mark: Mark, why: Literal["trimmed", "rewound"]) -> Told:
    """Make what tells of changes that nobody can tell any more.

    Parameters
    ----------
    partition
        Where.
    after, mark
        Behind which change, and up to which.
    why
        ``trimmed``: they are kept no more; ``rewound``: the state was put back in time, they are not so any more.
    """
    data = {
        "partition": partition,
        "after": f"{partition}-{after[0]}-{after[1]}",
        "upto": f"{partition}-{mark[0]}-{mark[1]}",
        "reason": why,
    }
    return Told(partition, mark, GAP, value=data, body=b"event: gap\ndata: %s\n\n" % json.dumps(data).encode())


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which changes a reader wants.

    Attributes
    ----------
    kinds
        Of these kinds.
    segments, items
        About one of these segments (a move from or to it, or what it is like) or items (on either side of a rule);
        where there are neither, about anything.
    """

    kinds: frozenset[str] = frozenset({"segment-change", "segment", "rule"})
    segments: frozenset[str] = _NOTHING
    items: frozenset[str] = _NOTHING

    def takes(self, change: Told) -> bool:
        """Whether it is told to the reader; gaps always are."""
        if change.kind not in self.kinds:
            return change.kind == GAP
        if not self.segments and not self.items:
            return True
        return not change.names.isdisjoint(self.items if change.kind == "rule" else self.segments)


def _names(kind: Kind, value: Mapping[str, Any]) -> frozenset[str]:
    if kind == "segment-change":
        return frozenset(name for name in (value["from"], value["to"]) if name is not None)
    if kind == "rule":
        return frozenset([*value["antecedent"], *value["consequent"]])
    return frozenset([value["id"]]) if kind == "segment" else _NOTHING


def _kept(kind: Kind, value: Mapping[str, Any]) -> Mapping[str, Any]:
    if kind == "segment-change":
        return {name: value[name] for name in ("from", "to", "reason", "time")}
    return value if kind == "reject" else {}
