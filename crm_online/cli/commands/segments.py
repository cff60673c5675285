"""`crm-online segments`: the segments of the state."""

from __future__ import annotations

from crm_online.cli.console import print_json, show
from crm_online.cli.options import DEFAULT_STATE, AsJson, AsOf, Config, Overrides, State, open_state
from crm_online.cli.tables.segments import segments_table, traits_table


def segments(
    as_of: AsOf = None,
    state: State = DEFAULT_STATE,
    config: Config = None,
    overrides: Overrides = None,
    as_json: AsJson = False,
) -> None:
    """Show the segments: how many customers, what sets them apart, what they need and say."""
    with open_state(state, config, overrides) as lookup:
        found = lookup.segments(as_of=as_of)
    if as_json:
        print_json(found)
    else:
        traits = traits_table(found)
        show(segments_table(found), *([traits] if traits else []))
