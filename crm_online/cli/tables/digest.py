"""What changed in a period, as tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType

from crm_online.cli.console import plain
from crm_online.cli.tables.rules import items
from crm_online.cli.tables.words import FIGURE, TEXT, WORD, count, table, time

MOST = 200
"""Changes in a table; --json has all."""
_REASONS = {"event": "after an event", "lapse": "after a longer pause"}


def digest_tables(found: Mapping[str, Any]) -> RenderableType:
    """Return the headline, and who moved from where to where."""
    headline = plain(found["headline"])
    if not found["flows"]:
        return headline
    rows = table("who moved", **{"from": TEXT, "to": TEXT, "why": WORD, "moves": FIGURE})
    for flow in found["flows"]:
        rows.add_row(plain(flow["from_name"]), plain(flow["to_name"]), _REASONS[flow["reason"]], f"{flow['moves']:,}")
    return Group(headline, rows)


def changes_table(found: Sequence[Mapping[str, Any]], names: Mapping[str, str]) -> RenderableType:
    """Return the last changes, the oldest first."""
    if not found:
        return "No changes"
    rows = table(f"{count(len(found), 'change')}", **{"time": WORD, "what": TEXT, "why": TEXT})
    for one in found[-MOST:]:
        at = time(one["time"]) if "time" in one else ""
        rows.add_row(at, *_words(one, names))
    if len(found) > MOST:
        rows.caption = f"the last {MOST}; --json has all"
    return rows


def _words(one: Mapping[str, Any], names: Mapping[str, str]) -> tuple[str, str]:
    if one["kind"] == "segment-changes":
        left, entered = (names.get(side, side) if side else "none" for side in (one["from"], one["to"]))
        return plain(f"{one['customer_id']}: {left} → {entered}"), one["reason"]
    if one["kind"] == "rules":
        return f"{items(one['antecedent'])} → {items(one['consequent'])}", f"rule {one['change']}"
    name = plain(f"{one['id']}: {one.get('name', names.get(one['id'], one['id']))}")
    return name, "segment described" if "name" in one else "segment gone"
