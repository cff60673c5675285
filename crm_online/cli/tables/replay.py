"""A replay's result as a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import RenderableType

from crm_online.cli.tables.words import figures_table, number

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
    return figures_table({words: number(result[key]) for key, words in _ROWS.items()} | speed_figures(result))


def speed_figures(result: Mapping[str, Any]) -> dict[str, str]:
    """Return how long a run took, and how fast it was."""
    return {
        "seconds": f"{result['seconds']:,.1f}",
        "events a second": f"{result['events_per_second']:,.0f}",
    }
