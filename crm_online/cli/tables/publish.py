"""What was put on the topic, as a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import RenderableType
from rich.table import Table

from crm_online.cli.tables.words import number


def publish_table(result: Mapping[str, Any]) -> RenderableType:
    """Return what was published where."""
    rows = Table(box=None, show_header=False, pad_edge=False)
    rows.add_column()
    rows.add_column(justify="right")
    rows.add_row("topic", result["topic"])
    rows.add_row("partitions", number(result["partitions"]))
    rows.add_row("events read", number(result["events"]))
    rows.add_row("published", number(result["published"]))
    rows.add_row("rejected", number(result["rejected"]))
    rows.add_row("seconds", f"{result['seconds']:,.1f}")
    rows.add_row("events a second", f"{result['events_per_second']:,.0f}")
    return rows
