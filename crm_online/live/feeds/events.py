"""Changes as the server-sent events of a feed, whose bytes are made once, and the filters that readers set."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from crm_online.answers.changes import GapReason
from crm_online.errors import StateCorrupt
from crm_online.step import KINDS, ChangeId, Entry, Kind, Topic
from crm_online.store.entries import is_blank

MOVE: Final = "segment-change"
REJECT: Final = "reject"
RULE: Final = "rule"
OF_CUSTOMERS: Final = frozenset({MOVE, "prediction"})
"""Kinds whose key is a customer."""
GAP: Final = "gap"
BLANK: Final = "blank"
_NOTHING: Final[frozenset[str]] = frozenset()


@dataclass(slots=True)
class FeedEvent:
    """A change, or a gap, as a server-sent event.

    Attributes
    ----------
    id
        The change; of a gap the one that readers go on after.
    kind
        Its ``event``; of a gap `GAP`, of a change of an erased customer `BLANK`: it is sent to no reader.
    key
        The key of the change.
    value
        The decoded change; of rejects and moves only.
    names
        The segments, or the items, that it is about; of a gap the kinds that are missing.
    body
        ``event`` and ``data`` of the server-sent event.
    cursor, framed
        The cursor after it, as it is written, and its ``body`` with that as ``id``; set by the ring.
    """

    id: ChangeId
    kind: str
    key: str = ""
    value: Mapping[str, Any] = field(default_factory=dict)
    names: frozenset[str] = _NOTHING
    body: bytes = b""
    cursor: str = ""
    framed: bytes = b""

    @property
    def partition(self) -> int:
        """The partition of the change."""
        return self.id.partition

    @property
    def is_erasure(self) -> bool:
        """Whether it says that a customer is erased."""
        return self.kind in OF_CUSTOMERS and self.value["reason"] == "erase"

    @property
    def data(self) -> bytes:
        """The change as JSON, with the bytes that are published."""
        return self.body.partition(b"\ndata: ")[2].rstrip(b"\n")

    def blank(self) -> None:
        """Remove the content, as of an erased customer."""
        self.kind, self.key, self.value, self.names = BLANK, "", {}, _NOTHING
        self.body = self.framed = b""

    def at(self, cursor: str) -> bytes:
        """Return the server-sent event, with the cursor after it as its id."""
        return b"id: %s\n%s" % (cursor.encode(), self.body)


def feed_event(entry: Entry) -> FeedEvent:
    """Return the event of a kept change.

    Raises
    ------
    StateCorrupt
        If its value is not that of a change.
    """
    try:
        value: Mapping[str, Any] = json.loads(entry.value)
        if is_blank(entry):
            return FeedEvent(entry.id, BLANK)
        kind = KINDS[entry.topic]
        body = b"event: %s\ndata: %s\n\n" % (kind.encode(), entry.value)
        return FeedEvent(entry.id, kind, entry.key, _kept(kind, value), _names(kind, value), body)
    except (ValueError, KeyError, TypeError, IndexError, AttributeError):
        raise StateCorrupt(
            f"change {entry.sequence} of partition {entry.id.partition} is not one that is known"
        ) from None


def gap_event(
    after: ChangeId, cursor: ChangeId, why: GapReason, missing: Mapping[Topic, ChangeId] | None = None
) -> FeedEvent:
    """Return the event sent in place of changes after ``after``.

    Parameters
    ----------
    after, cursor
        The last change before it, and the one that readers go on after.
    why
        Why changes are missing.
    missing
        Of which topics, and the last that is missing of each; None: all changes up to ``cursor``.
    """
    upto = max(missing.values()) if missing else cursor
    kinds = sorted({KINDS[topic] for topic in missing or KINDS})
    data = {"partition": upto.partition, "after": str(after), "upto": str(upto), "reason": why, "kinds": kinds}
    body = b"event: gap\ndata: %s\n\n" % json.dumps(data).encode()
    return FeedEvent(cursor, GAP, value=data, names=frozenset(kinds), body=body)


@dataclass(frozen=True, slots=True)
class ChangeFilter:
    """Which changes a reader requests.

    Attributes
    ----------
    kinds
        Of these kinds.
    segments, items
        About one of these segments (a move from or to it, or what it is like) or items (on either side of a rule);
        where there are neither, about anything.
    reasons
        Of changes of customers, those for one of these reasons; where there are none, for any.

    Neither ``segments`` nor ``reasons`` leave out an erasure: the reader may have the customer from an earlier change.
    """

    kinds: frozenset[str] = frozenset({"segment-change", "segment", "rule", "drift", "prediction"})
    segments: frozenset[str] = _NOTHING
    items: frozenset[str] = _NOTHING
    reasons: frozenset[str] = _NOTHING

    def matches(self, event: FeedEvent) -> bool:
        """Whether it is sent to the reader; gaps are where changes of its kinds are missing."""
        if event.kind == GAP:
            return not event.names.isdisjoint(self.kinds)
        if event.kind not in self.kinds:
            return False
        if event.is_erasure:
            return bool(self.segments) or not self.items  # with items alone a reader has had no customer
        if self.reasons and event.kind in OF_CUSTOMERS and event.value["reason"] not in self.reasons:
            return False
        if not self.segments and not self.items:
            return True
        return not event.names.isdisjoint(self.items if event.kind == "rule" else self.segments)


def _names(kind: Kind, value: Mapping[str, Any]) -> frozenset[str]:
    if kind == MOVE:
        return frozenset(name for name in (value["from"], value["to"]) if name is not None)
    if kind == "rule":
        return frozenset([*value["antecedent"], *value["consequent"]])
    return frozenset([value["id"]]) if kind == "segment" else _NOTHING


def _kept(kind: Kind, value: Mapping[str, Any]) -> Mapping[str, Any]:
    if kind == MOVE:
        cause = value.get("cause", {})
        return {name: value[name] for name in ("from", "to", "reason", "time")} | {
            "event_type": cause.get("type") if value["reason"] == "event" else None,
            "idle_days": cause.get("idle_days"),
            "spending": value.get("features", {}).get("spending"),
        }
    if kind == "prediction":
        return {"reason": value["cause"].get("type")}
    if kind == "rule":
        figures = {name: value.get(name, 0.0) for name in ("support", "confidence", "lift")}
        return {"change": value["change"], "time": value.get("time")} | figures
    return value if kind == "reject" else {}
