"""`crm-online customer`: one customer of the state."""

from __future__ import annotations

from typing import Annotated

import typer

from crm_online.cli.audit import note
from crm_online.cli.console import print_json, show
from crm_online.cli.options import DEFAULT_STATE, AsJson, AsOf, Config, CustomerId, Overrides, State, open_state
from crm_online.cli.tables.customer import customer_tables, held_table


def customer(
    customer_id: CustomerId,
    everything: Annotated[bool, typer.Option("--all", help="All that is held; --json has it whole.")] = False,
    as_of: AsOf = None,
    state: State = DEFAULT_STATE,
    config: Config = None,
    overrides: Overrides = None,
    as_json: AsJson = False,
) -> None:
    """Show one customer: segment, features, how near each segment is, the last moves."""
    with open_state(state, config, overrides) as lookup:
        note(config, overrides, lookup, "copy" if everything else "look-up", [customer_id])
        held = lookup.personal_data(customer_id) if everything else None
        found = held["customer"] if held else lookup.customer(customer_id, as_of=as_of)
        names = {} if as_json else lookup.segment_names()
    if as_json:
        print_json(held or found)
    else:
        show(*(customer_tables(found, names) if found else ()), *([held_table(held)] if held else ()))
