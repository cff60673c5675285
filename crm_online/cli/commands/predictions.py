"""`crm-online predictions`: how good predictions are."""

from __future__ import annotations

from crm_online.cli.console import print_json, show
from crm_online.cli.options import DEFAULT_STATE, AsJson, Config, Overrides, State, open_state
from crm_online.cli.tables.predictions import prediction_tables


def predictions(
    state: State = DEFAULT_STATE, config: Config = None, overrides: Overrides = None, as_json: AsJson = False
) -> None:
    """Show how good each model is that predicts what customers will do."""
    with open_state(state, config, overrides) as lookup:
        found = lookup.predictions()
    if as_json:
        print_json(found)
    else:
        show(*prediction_tables(found))
