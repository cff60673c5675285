"""A small shop's log, in order of time and each event once, whole or in slices that can be counted one by one."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tests.replay import shop
from tests.servers.records import Sent

OPEN_FOR = 1_800
"""The setting ``baskets.open_for``, in seconds."""

Events = list[dict[str, Any]]


@dataclass(frozen=True)
class Slice:
    """A part of a log, and a time at which all its baskets are whole and nothing of the next has come."""

    records: Sequence[Sent]
    end: str


def log(customers: int, days: int, seed: int) -> Events:
    """Return the events of a shop, their times in seconds since 1970."""
    found: Events = []
    ids: set[object] = set()
    for event in shop.events(customers, days, seed):
        if not isinstance(event["time"], int) or event.get("event_id") in ids - {None}:
            continue
        ids.add(event.get("event_id"))
        found.append(event)
    return found


def slices(events: Events, count: int) -> list[Slice]:
    """Cut a log into some parts of about the same size, where nobody has bought for a while."""
    found: list[Slice] = []
    begin = 0
    for place in range(1, len(events) + 1):
        ends = place == len(events)
        quiet = not ends and events[place]["time"] - events[place - 1]["time"] > 2 * OPEN_FOR
        if ends or (quiet and place >= len(events) * (len(found) + 1) // count):
            part = events[begin:place]
            timed = [event | {"time": iso(event["time"])} for event in part]
            found.append(Slice(records(timed), iso(part[-1]["time"] + OPEN_FOR + 60)))
            begin = place
    return found


def iso(seconds: int) -> str:
    """Return a time in ISO 8601."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def records(events: Iterable[Mapping[str, Any]]) -> list[Sent]:
    """Return events as records, each under its key."""
    found = []
    for event in events:
        key = event.get("customer_id") or event.get("basket_id") or event["event_id"]
        found.append(Sent(str(key).encode(), json.dumps(event).encode()))
    return found
