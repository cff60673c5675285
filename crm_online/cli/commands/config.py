"""`crm-online config`: the settings in force."""

from __future__ import annotations

from typing import Annotated

import typer

from crm_online.cli.console import print_json, show
from crm_online.cli.options import DEFAULT_STATE, AsJson, Config, Overrides, State
from crm_online.cli.tables.config import config_table


def config(
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON schema of the settings file.")] = False,
    state: State = DEFAULT_STATE,
    config: Config = None,
    overrides: Overrides = None,
    as_json: AsJson = False,
) -> None:
    """Show the settings in force and where each came from."""
    from crm_online.settings import Settings, as_written, load_settings

    if schema:
        print_json(Settings.model_json_schema(mode="serialization"))
        return
    loaded = load_settings(config, overrides or ())
    values = as_written(loaded.settings)
    if as_json:
        print_json({key: {"value": values[key], "source": source} for key, source in loaded.origin.items()})
    else:
        show(config_table(values, loaded.origin))
