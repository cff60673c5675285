"""A replay's result as a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import RenderableType
from rich.table import Table

from crm_online.cli.tables.words import number

_ROWS = {
    "events": "events read",
    "accepted": "accepted",
    "rejected": "rejected",
    "duplicates": "duplicates left out",
    "baskets": "baskets counted",
    "customers": "customers known",
    "segment_changes": "segment changes",
    "rule_changes": "rule changes",
}


def replay_table(result: Mapping[str, Any]) -> RenderableType:
    """Return what a replay did."""
    rows = Table(box=None, show_header=False, pad_edge=False)
    rows.add_column()
    rows.add_column(justify="right")
    for key, words in _ROWS.items():
        rows.add_row(words, number(result[key]))
    rows.add_row("seconds", f"{result['seconds']:,.1f}")
    rows.add_row("events a second", f"{result['events_per_second']:,.0f}")
    return rows
