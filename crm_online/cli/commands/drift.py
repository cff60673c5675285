"""`crm-online drift`: what has become another than it was."""

from __future__ import annotations

from typing import Annotated

import typer

from crm_online.cli.console import print_answer
from crm_online.cli.options import DEFAULT_STATE, AsJson, Config, Overrides, State, open_state
from crm_online.cli.tables.drift import drift_table


def drift(
    top: Annotated[int, typer.Option(metavar="N", min=1, help="How many, at most.")] = 20,
    state: State = DEFAULT_STATE,
    config: Config = None,
    overrides: Overrides = None,
    as_json: AsJson = False,
) -> None:
    """Show when the shop changed: what is bought, and how customers lie, against how it was before."""
    with open_state(state, config, overrides) as lookup:
        found = lookup.drifts(top)
    print_answer(found, drift_table, as_json=as_json)
