"""`crm-online verify`: whether what is stored is what the customers add up to."""

from __future__ import annotations

import typer

from crm_online.cli.console import print_answer
from crm_online.cli.options import DEFAULT_STATE, AsJson, Config, Overrides, State, open_state
from crm_online.cli.tables.verify import verify_table


def verify(
    state: State = DEFAULT_STATE,
    config: Config = None,
    overrides: Overrides = None,
    as_json: AsJson = False,
) -> None:
    """Recompute every derived figure from the customers, compare, and print a digest of the state."""
    with open_state(state, config, overrides) as lookup:
        found = lookup.verify()
    print_answer(found, verify_table, as_json=as_json)
    if not found["ok"]:
        raise typer.Exit(1)
