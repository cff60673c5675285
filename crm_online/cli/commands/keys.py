"""`crm-online keys`: who may ask the service."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from crm_online.cli.console import print_json, say, show
from crm_online.cli.extras import need_serve
from crm_online.cli.options import AsJson, Config, Overrides
from crm_online.cli.tables.keys import keys_table
from crm_online.errors import InputError

keys = typer.Typer(name="keys", help="Make, list and revoke the keys of the service.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME", help="Whose key it is.")]
File = Annotated[
    Path | None, typer.Option("--file", metavar="FILE", help="The file of keys; serve.keys_file if not given.")
]
Scopes = Annotated[
    list[str] | None,
    typer.Option(
        "--scope", metavar="SCOPE", help="read, write or admin; several times for several; read if not given."
    ),
]


@keys.command()
def new(
    name: Name, scopes: Scopes = None, file: File = None, config: Config = None, overrides: Overrides = None
) -> None:
    """Make a key and print it: it cannot be had again, as only its hash is kept."""
    need_serve()
    from crm_online.api.keyfile import SCOPES, new_key

    wanted = [scope for scope in SCOPES if scope in (scopes or ["read"])]
    if wrong := set(scopes or ()) - set(SCOPES):
        raise InputError(f"no scope {min(wrong)!r}; there are {', '.join(SCOPES)}")
    path = _file(file, config, overrides)
    print(new_key(path, name, wanted))
    say(f"written to {path} as a hash; a service with serve.keys_file={path} takes it from now on")


@keys.command("list")
def list_(file: File = None, config: Config = None, overrides: Overrides = None, as_json: AsJson = False) -> None:
    """List the keys: names, scopes and when they were made."""
    need_serve()
    from crm_online.api.keyfile import read_keys

    found = [key.model_dump(mode="json", exclude={"sha256"}) for key in read_keys(_file(file, config, overrides))]
    if as_json:
        print_json(found)
    else:
        show(keys_table(found))


@keys.command()
def revoke(name: Name, file: File = None, config: Config = None, overrides: Overrides = None) -> None:
    """Take a key away: within a second no service takes it any more."""
    need_serve()
    from crm_online.api.keyfile import revoke_key

    path = _file(file, config, overrides)
    revoke_key(path, name)
    say(f"{name} is out of {path}")


def _file(given: Path | None, config: Path | None, overrides: list[str] | None) -> Path:
    from crm_online.settings import load_settings

    path = given or load_settings(config, overrides or ()).settings.serve.keys_file
    if path is None:
        raise InputError("where are the keys? give --file FILE, or set serve.keys_file")
    return path
