"""`crm-online objection`: a customer who is profiled no more."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from crm_online.cli.audit import note
from crm_online.cli.confirm import confirm
from crm_online.cli.console import plain, print_json, show
from crm_online.cli.extras import need_kafka
from crm_online.cli.options import (
    DEFAULT_STATE,
    AsJson,
    Config,
    CustomerId,
    Overrides,
    State,
    open_state,
    settings_in_force,
)
from crm_online.privacy.pseudonyms import Pseudonyms

if TYPE_CHECKING:
    from crm_online.settings import Settings


def objection(
    customer_id: CustomerId,
    withdraw: Annotated[bool, typer.Option("--withdraw", help="The customer objects no more.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    state: State = DEFAULT_STATE,
    config: Config = None,
    overrides: Overrides = None,
    as_json: AsJson = False,
) -> None:
    """Note that a customer objects to being profiled: what is held leaves, and nothing of them counts any more."""
    with open_state(state, config, overrides) as lookup:
        workers = lookup.fed_by_workers
        lookup.refuse_mixed_ids()
    who = plain(f"customer {customer_id}")
    if not (yes or withdraw):
        confirm(f"all that is held of {who}")
    note(config, overrides, lookup, "objection", [customer_id])
    settings = settings_in_force(config, overrides)
    names = Pseudonyms.read(settings.privacy.secret_file)
    done: dict[str, object]
    if workers:
        done = {"asked": _command(settings, names.every(customer_id), withdraw)}
    else:
        from crm_online.commands.erase import object_to_profiling

        keep = settings.changes.keep
        done = {"partitions": object_to_profiling(state, customer_id, withdrawn=withdraw, keep=keep, pseudonyms=names)}
    if as_json:
        print_json({"customer_id": customer_id, "withdrawn": withdraw} | done)
    else:
        show(f"{who} {'objects no more' if withdraw else 'counts nowhere any more'}")


def _command(settings: Settings, names: list[str], withdrawn: bool) -> str:
    """Give the workers that own the state the command, and return the topic."""
    need_kafka()
    from streams.commands import ObjectionCommand, send_commands

    commands = [ObjectionCommand(command="objection", customer_id=name, withdrawn=withdrawn) for name in names]
    return asyncio.run(send_commands(settings.kafka, commands))
