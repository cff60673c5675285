"""`crm-online config`: the settings in force."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer
from rich.console import RenderableType

from crm_online.cli.console import plain, print_answer, print_json
from crm_online.cli.options import AsJson, Config, Overrides
from crm_online.cli.tables.words import TEXT, WORD, table


def config(
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON schema of the settings file.")] = False,
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
    document = {key: {"value": values[key], "source": source} for key, source in loaded.origin.items()}
    print_answer(document, config_table, as_json=as_json)


def config_table(document: Mapping[str, Mapping[str, Any]]) -> RenderableType:
    """Return every setting, its value and where that came from."""
    from crm_online.settings import as_typed

    rows = table("settings in force", **{"key": WORD, "value": {**TEXT, "ratio": 1}, "from": TEXT})
    for key, setting in document.items():
        value, source = setting["value"], setting["source"]
        text = ", ".join(map(str, value)) if isinstance(value, list) else as_typed(value)
        rows.add_row(key, plain(text), plain(source), style=None if source == "default" else "bold")
    return rows
