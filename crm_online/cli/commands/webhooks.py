"""`crm-online webhooks`: how far the webhooks are, what they could not deliver, and sending that again."""

from __future__ import annotations

import base64
import secrets
from typing import Annotated

import typer

from crm_online.cli.console import print_answer, say
from crm_online.cli.options import DEFAULT_STATE, AsJson, Config, Overrides, State, settings_in_force
from crm_online.cli.tables.webhooks import letters_table, webhooks_table
from crm_online.errors import InputError

webhooks = typer.Typer(
    name="webhooks", help="Look at the webhooks, and send again what they could not deliver.", no_args_is_help=True
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The webhook's name in the settings.")]


@webhooks.command("list")
def list_(
    state: State = DEFAULT_STATE, config: Config = None, overrides: Overrides = None, as_json: AsJson = False
) -> None:
    """Show how far each webhook of the settings is."""
    from crm_online.live.webhooks.stored import statuses
    from crm_online.store import open_store

    settings = settings_in_force(config, overrides)
    with open_store(state, create=False) as store:
        found = statuses(store, settings.webhooks.items())
    print_answer([one.model_dump(mode="json") for one in found], webhooks_table, as_json=as_json)


@webhooks.command("dead-letters")
def dead_letters(name: Name, state: State = DEFAULT_STATE, as_json: AsJson = False) -> None:
    """Show the changes that a webhook could not deliver, the oldest first."""
    from crm_online.live.webhooks.stored import read_letters
    from crm_online.store import open_store

    with open_store(state, create=False) as store:
        found = read_letters(store.partition(0), name)
    print_answer([one.model_dump(mode="json") for one in found], letters_table, as_json=as_json)


@webhooks.command()
def resend(
    name: Name,
    change_ids: Annotated[
        list[str] | None, typer.Argument(metavar="CHANGE…", help="Ids of the changes; all if not given.")
    ] = None,
    state: State = DEFAULT_STATE,
    config: Config = None,
    overrides: Overrides = None,
) -> None:
    """Ask for dead letters to be sent again: the service that sends does it within seconds, once it runs."""
    from crm_online.live.webhooks.stored import request_again
    from crm_online.store import open_store

    if name not in settings_in_force(config, overrides).webhooks:
        raise InputError(f"the settings have no webhook {name[:80]!r}: set webhooks.{name[:80]}.url")
    with open_store(state, create=False) as store:
        asked = request_again(store.partition(0), name, change_ids or ())
    say(f"{asked} dead {'letter' if asked == 1 else 'letters'} of {name} will be sent again")


@webhooks.command()
def secret() -> None:
    """Make a secret for webhooks.NAME.secret, or for the file of it, and print it."""
    print("whsec_" + base64.b64encode(secrets.token_bytes(32)).decode())
