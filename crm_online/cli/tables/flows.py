"""What changed in the course of a replay, as tables."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import RenderableType

from crm_online.cli.console import plain
from crm_online.cli.flows import Flows, ranked
from crm_online.cli.tables.words import FIGURE, TEXT, count, table

TOP = 8


def flow_tables(flows: Flows, names: Mapping[str, str]) -> list[RenderableType]:
    """Return how many customers moved and why, the largest flows, and what became of rules."""
    reasons = ", ".join(f"{number:,} by {reason}" for reason, number in ranked(flows.reasons))
    moved = f"On the way {count(flows.first, 'customer')} got a first segment and there were "
    moved += count(flows.moves.total(), "move") + (f" ({reasons})" if reasons else "")
    changed = ", ".join(f"{flows.rules[kind]:,} {kind}" for kind in ("entered", "changed", "left"))
    parts: list[RenderableType] = [moved, f"Rules: {changed}"]
    if flows.moves:
        rows = table("largest flows of customers", **{"from": TEXT, "to": TEXT, "moves": FIGURE})
        for (old, new), moves in ranked(flows.moves)[:TOP]:
            rows.add_row(plain(names.get(old, old)), plain(names.get(new, new)), f"{moves:,}")
        parts.append(rows)
    return parts
