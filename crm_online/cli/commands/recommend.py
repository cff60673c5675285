"""`crm-online recommend`: what to recommend to a customer, or with a basket."""

from __future__ import annotations

from typing import Annotated

import typer

from crm_online.cli.console import print_json, show
from crm_online.cli.options import DEFAULT_STATE, AsJson, Config, Overrides, State, open_state, parse_text
from crm_online.cli.tables.recommend import recommend_table


def recommend(
    customer: Annotated[
        str | None, typer.Option(metavar="ID", help="For whom; nobody in particular if not given.", parser=parse_text)
    ] = None,
    item: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ITEM", help="An item that is in the basket already; give it repeatedly.", parser=parse_text
        ),
    ] = None,
    top: Annotated[int, typer.Option(metavar="N", min=1, help="How many items.")] = 10,
    state: State = DEFAULT_STATE,
    config: Config = None,
    overrides: Overrides = None,
    as_json: AsJson = False,
) -> None:
    """Say what to recommend, and why; without customer and items, what is popular."""
    with open_state(state, config, overrides) as lookup:
        found = lookup.recommend(customer, item or [], top)
        names = {} if as_json else lookup.segment_names()
    if as_json:
        print_json(found)
    else:
        show(*recommend_table(found, names))
