"""`crm-online customer`: one customer of the state."""

from __future__ import annotations

from crm_online.cli.console import print_json, show
from crm_online.cli.options import DEFAULT_STATE, AsJson, AsOf, Config, CustomerId, Overrides, State, open_state
from crm_online.cli.tables.customer import customer_tables


def customer(
    customer_id: CustomerId,
    as_of: AsOf = None,
    state: State = DEFAULT_STATE,
    config: Config = None,
    overrides: Overrides = None,
    as_json: AsJson = False,
) -> None:
    """Show one customer: segment, features, how near each segment is, the last moves."""
    with open_state(state, config, overrides) as lookup:
        found = lookup.customer(customer_id, as_of=as_of)
        names = {} if as_json else lookup.segment_names()
    if as_json:
        print_json(found)
    else:
        show(*customer_tables(found, names))
