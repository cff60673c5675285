"""The settings in force as a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import RenderableType

from crm_online.cli.console import plain
from crm_online.cli.tables.words import table


def config_table(values: Mapping[str, Any], origin: Mapping[str, str]) -> RenderableType:
    """Return every setting, its value and where that came from."""
    from crm_online.settings import as_typed

    rows = table("settings in force")
    rows.add_column("key", no_wrap=True)
    rows.add_column("value", overflow="fold", ratio=1)
    rows.add_column("from", overflow="fold")
    for key, source in origin.items():
        value = values[key]
        text = ", ".join(value) if isinstance(value, list) else as_typed(value)
        rows.add_row(key, plain(text), plain(source), style=None if source == "default" else "bold")
    return rows
