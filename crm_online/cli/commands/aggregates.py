"""`crm-online aggregates`: figures that stand on many customers each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import RenderableType

from crm_online.cli.console import plain, print_answer
from crm_online.cli.options import DEFAULT_STATE, AsJson, Config, Overrides, State, settings_in_force
from crm_online.cli.tables.words import FIGURE, TEXT, WORD, count, number, table


def aggregates(
    state: State = DEFAULT_STATE, config: Config = None, overrides: Overrides = None, as_json: AsJson = False
) -> None:
    """Show segments and rules of which each figure, and each difference to the last time, stands on many customers."""
    from crm_online.lookup.aggregates import renewed
    from crm_online.store import open_store

    least = settings_in_force(config, overrides).privacy.least_customers
    with open_store(state, create=False) as store:
        found = renewed(store, least).aggregates
    print_answer(found.model_dump(mode="json"), aggregates_table, as_json=as_json)


def aggregates_table(found: Mapping[str, Any]) -> RenderableType:
    """Return the segments; rules and traits are in the JSON."""
    title = f"{count(len(found['segments']), 'segment')} and {count(len(found['rules']), 'rule')}"
    title += f" of at least {found['least_customers']} customers each"
    rows = table(title, **{"": WORD, "name": TEXT, "size": FIGURE, "as of": WORD, "features": {**TEXT, "ratio": 2}})
    for one in found["segments"]:
        means = ", ".join(f"{name} {number(mean)}" for name, mean in one["features"].items())
        rows.add_row(one["id"], plain(one["name"]), f"{one['size']:,}", one["as_of"], means)
    return rows
