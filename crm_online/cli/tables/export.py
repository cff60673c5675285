"""The files of an export as a table."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from rich.console import RenderableType

from crm_online.cli.tables.words import table


def export_table(folder: Path, rows: Mapping[str, int]) -> RenderableType:
    """Return the files written, with their numbers of rows."""
    files = table(f"written to {folder}")
    files.add_column("file", no_wrap=True)
    files.add_column("rows", justify="right")
    for name, count in rows.items():
        files.add_row(name, f"{count:,}")
    return files
