"""`crm-online rules`: the rules of the state."""

from __future__ import annotations

from enum import StrEnum
from functools import partial
from typing import Annotated

import typer

from crm_online.cli.console import print_answer
from crm_online.cli.options import DEFAULT_STATE, AsJson, AsOf, Config, Overrides, State, open_state
from crm_online.cli.tables.rules import rules_table

TOP = 20
"""Rules in a table, if no other number is asked for."""


class Sort(StrEnum):
    """What rules are sorted by."""

    LIFT = "lift"
    CONFIDENCE = "confidence"
    SUPPORT = "support"
    RANK = "rank"


def rules(
    top: Annotated[
        int | None, typer.Option(metavar="N", min=1, help=f"How many; {TOP} in a table and all as JSON if not given.")
    ] = None,
    sort: Annotated[Sort, typer.Option(help="What they are sorted by, the strongest first.")] = Sort.LIFT,
    item: Annotated[str | None, typer.Option(metavar="ITEM", help="Only rules with this item, on either side.")] = None,
    segment: Annotated[
        str | None,
        typer.Option(metavar="ID", help="What the customers of this segment buy together more often than others."),
    ] = None,
    as_of: AsOf = None,
    state: State = DEFAULT_STATE,
    config: Config = None,
    overrides: Overrides = None,
    as_json: AsJson = False,
) -> None:
    """Show the rules: who buys these items also buys those."""
    most = top if top or as_json else TOP
    with open_state(state, config, overrides) as lookup:
        found = lookup.rules(as_of=as_of, top=most, sort=sort.value, item=item, segment=segment)
        lacking = None if found or item or segment else lookup.rules_lacking(as_of)
    print_answer(found, partial(rules_table, lacking=lacking), as_json=as_json)
