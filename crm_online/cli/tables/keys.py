"""The keys of the service as a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import RenderableType

from crm_online.cli.tables.words import table, time


def keys_table(keys: Sequence[dict[str, Any]]) -> RenderableType:
    """Return each key's name, scopes, and when it was made."""
    rows = table("keys of the service")
    for name in ("name", "scopes", "made", "id"):
        rows.add_column(name, overflow="fold")
    for key in keys:
        rows.add_row(key["name"], ", ".join(key["scopes"]), time(key["created"]), key["id"])
    return rows
