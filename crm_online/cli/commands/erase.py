"""`crm-online erase`: one customer removed."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

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
from crm_online.cli.tables.words import count

if TYPE_CHECKING:
    from crm_online.settings import Settings


def erase(
    customer_id: CustomerId,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    state: State = DEFAULT_STATE,
    config: Config = None,
    overrides: Overrides = None,
    as_json: AsJson = False,
) -> None:
    """Remove one customer from the state, for good: record, segment, open baskets, and traits."""
    with open_state(state, config, overrides) as lookup:
        lookup.refuse_mixed_ids()
        # The question has what a look-up has; who is asked may say no.
        note(config, overrides, lookup, "erase" if yes else "look-up", [customer_id])
        found = lookup.customer(customer_id)
        name = lookup.segment_names().get(str(found["segment"]))
        workers = lookup.fed_by_workers
    who = _who(found, name)
    if not yes:
        confirm(who)
        note(config, overrides, lookup, "erase", [customer_id])
    settings = settings_in_force(config, overrides)
    done = _command(settings, customer_id) if workers else _erase(settings, state, customer_id)
    if as_json:
        print_json({key: found[key] for key in ("customer_id", "segment", "events", "last_event")} | done)
    elif workers:
        show(f"the workers were asked, on {done['asked']}, to erase: {who}")
    else:
        show(f"erased: {who}")


def _erase(settings: Settings, state: str, customer: str) -> dict[str, object]:
    from crm_online.commands.erase import erase as erase_customer
    from crm_online.privacy.pseudonyms import Pseudonyms

    pseudonyms = Pseudonyms.read(settings.privacy.secret_file)
    return {"partitions": erase_customer(state, customer, settings.changes.keep, pseudonyms)}


def _command(settings: Settings, customer: str) -> dict[str, object]:
    """Give the workers that own the state the command to erase."""
    need_kafka()
    from crm_online.privacy.pseudonyms import Pseudonyms
    from streams.commands import EraseCommand, send_commands

    names = Pseudonyms.read(settings.privacy.secret_file).every(customer)
    commands = [EraseCommand(command="erase", customer_id=name) for name in names]
    return {"asked": asyncio.run(send_commands(settings.kafka, commands))}


def _who(found: Mapping[str, Any], name: str | None) -> str:
    segment = f"in {name or 'the segment'} ({found['segment']})" if found["segment"] else "in no segment"
    return plain(f"customer {found['customer_id']}, {segment}, with {count(found['events'], 'event')}")
