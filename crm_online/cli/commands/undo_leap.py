"""`crm-online undo-leap`: a state taken back to its beginning, since its log leapt in time."""

from __future__ import annotations

from typing import Annotated

import typer

from crm_online.cli.confirm import confirm
from crm_online.cli.console import print_json, show
from crm_online.cli.options import DEFAULT_STATE, AsJson, Config, Overrides, State, settings_in_force
from crm_online.cli.tables.words import count


def undo_leap(
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    state: State = DEFAULT_STATE,
    config: Config = None,
    overrides: Overrides = None,
    as_json: AsJson = False,
) -> None:
    """Take a state back to its beginning, to read its log again without events later than events.latest."""
    from crm_online.commands.undo_leap import undo_leap as undo

    settings = settings_in_force(config, overrides)
    if not yes:
        confirm("all that the state has but for who was erased or objects")
    done = undo(state, settings)
    if as_json:
        print_json({"partitions": done})
    else:
        show(f"{count(len(done), 'partition')} went back: read the log again, with events.latest as it is")
