"""`crm-online export`: the state as Parquet files."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import RenderableType

from crm_online.cli.audit import note
from crm_online.cli.console import print_answer
from crm_online.cli.options import DEFAULT_STATE, AsJson, AsOf, Config, Overrides, State, open_state
from crm_online.cli.tables.words import WORD, table


def export(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder for the files; it is made if need be.")],
    as_of: AsOf = None,
    state: State = DEFAULT_STATE,
    config: Config = None,
    overrides: Overrides = None,
    as_json: AsJson = False,
) -> None:
    """Write customers, segments, rules and itemsets as Parquet files."""
    with open_state(state, config, overrides) as lookup:
        note(config, overrides, lookup, "export", [])
        rows = lookup.export(folder, as_of=as_of)
    print_answer(rows, partial(export_table, folder), as_json=as_json)


def export_table(folder: Path, rows: Mapping[str, int]) -> RenderableType:
    """Return the files written, with their numbers of rows."""
    files = table(f"written to {folder}", file=WORD, rows={"justify": "right"})
    for name, count in rows.items():
        files.add_row(name, f"{count:,}")
    return files
