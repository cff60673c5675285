"""Webhooks and dead letters as tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import RenderableType

from crm_online.cli.console import plain
from crm_online.cli.tables.words import FIGURE, TEXT, WORD, count, table, time


def webhooks_table(found: Sequence[Mapping[str, Any]]) -> RenderableType:
    """Return how far each webhook is."""
    if not found:
        return "No webhook is set: see webhooks.<name>.url in docs/settings.md"
    rows = table(
        count(len(found), "webhook"),
        name=WORD,
        receiver=TEXT,
        **dict.fromkeys(("delivered", "behind", "dead letters"), FIGURE),
        **{"last error": {**TEXT, "ratio": 2}},
    )
    for one in found:
        figures = (f"{one[name]:,}" for name in ("delivered", "behind", "dead_letters"))
        rows.add_row(plain(one["name"]), plain(one["receiver"]), *figures, plain(one["error"] or ""))
    return rows


def letters_table(found: Sequence[Mapping[str, Any]]) -> RenderableType:
    """Return the changes that could not be delivered."""
    if not found:
        return "No dead letter"
    rows = table(
        count(len(found), "dead letter"), change=WORD, kind=WORD, attempts=FIGURE, since=WORD, why={**TEXT, "ratio": 2}
    )
    for one in found:
        why = plain(one["error"])
        rows.add_row(one["change_id"], one["kind"], str(one["attempts"]), time(one["failed_at"]), why)
    return rows
