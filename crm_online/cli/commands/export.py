"""`crm-online export`: the state as Parquet files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from crm_online.cli.console import print_json, show
from crm_online.cli.options import DEFAULT_STATE, AsJson, AsOf, Config, Overrides, State, open_state
from crm_online.cli.tables.export import export_table


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
        rows = lookup.export(folder, as_of=as_of)
    if as_json:
        print_json(rows)
    else:
        show(export_table(folder, rows))
