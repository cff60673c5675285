"""What a log is read as, as a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Group, RenderableType

from crm_online.cli.console import plain
from crm_online.cli.tables.words import TEXT, number, table
from crm_online.events.guess import Check

_ITEMS = 5


def check_table(found: Check) -> RenderableType:
    """Return the first rows of a log as they would be read, and what came of them."""
    rows = table(
        f"The first rows of {plain(found.path.name)}, as they would be read",
        **dict.fromkeys(("type", "customer", "time", "basket", "items"), TEXT),
        worth={**TEXT, "justify": "right"},
    )
    for row in found.rows:
        if "rejected" in row:
            rows.add_row("no event", "", plain(row["position"]), "", plain(row["rejected"]), "")
        else:
            rows.add_row(*(plain(text) for text in _cells(row)))
    rejected = sum(found.reasons.values())
    outcome = f"{number(found.accepted)} of the first {number(found.looked_at)} rows are events"
    outcome += f", {number(found.left_out)} are left out" if found.left_out else ""
    outcome += f", {number(rejected)} are rejected" if rejected else ""
    reasons = [f"  {number(count)} × {plain(reason)}" for reason, count in list(found.reasons.items())[:5]]
    return Group(rows, outcome, *reasons, *(f"Note: {plain(note)}" for note in found.notes))


def _cells(event: Mapping[str, Any]) -> list[str]:
    lines = event.get("items") or ([{"item": event["item"]}] if event.get("item") else [])
    items = ", ".join(f"{line.get('quantity', 1):g} × {line['item'] or 'an unknown item'}" for line in lines[:_ITEMS])
    if len(lines) > _ITEMS:
        items += f", and {number(len(lines) - _ITEMS)} more"
    worth = sum(line.get("quantity", 1) * line.get("price", 0) for line in lines)
    return [
        event["type"],
        str(event.get("customer_id") or ""),
        event["time"].replace("T", " ").removesuffix(".000Z").removesuffix("Z"),
        str(event.get("basket_id") or ""),
        items,
        f"{worth:,.2f}" if event["type"] in ("purchase", "return") else "",
    ]
