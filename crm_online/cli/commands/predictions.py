"""`crm-online predictions`: how good predictions are."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from crm_online.cli.console import print_json, say, show
from crm_online.cli.options import DEFAULT_STATE, AsJson, Config, Overrides, State, open_state
from crm_online.cli.tables.predictions import prediction_tables


def predictions(
    plot: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Draw calibration, ROC AUC over time and gains into a .png or .svg file."),
    ] = None,
    state: State = DEFAULT_STATE,
    config: Config = None,
    overrides: Overrides = None,
    as_json: AsJson = False,
) -> None:
    """Show who is at risk, and how good each model is that predicts what customers will do."""
    from crm_online.plots.draw import check_suffix, draw_predictions

    if plot:
        check_suffix(plot)
    with open_state(state, config, overrides) as lookup:
        found = lookup.predictions()
    if plot:
        draw_predictions(found, plot)
    if as_json:
        print_json(found)
    else:
        show(*prediction_tables(found))
        if plot:
            say(f"drawn to {plot}")
