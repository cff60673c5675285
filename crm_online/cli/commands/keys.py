"""`crm-online keys`: who may ask the service."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import RenderableType

from crm_online.cli.console import print_answer, say
from crm_online.cli.extras import need_serve
from crm_online.cli.options import AsJson, Config, Overrides, settings_in_force
from crm_online.cli.tables.words import TEXT, table, time
from crm_online.errors import InputError

keys = typer.Typer(name="keys", help="Make, list and revoke the keys of the service.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME", help="Whose key it is.")]
File = Annotated[
    Path | None, typer.Option("--file", metavar="FILE", help="The file of keys; serve.keys_file if not given.")
]
Scopes = Annotated[
    list[str] | None,
    typer.Option(
        "--scope",
        metavar="SCOPE",
        help="read, write, admin or aggregates; may be given several times; read if not given.",
    ),
]

Producer = Annotated[
    str | None,
    typer.Option(
        "--producer",
        metavar="NAME",
        help="Whose event ids it sends, where a new key takes over from another; log: those of the logs or the topic. "
        "Each key is a producer of its own if not given.",
    ),
]


@keys.command()
def new(
    name: Name,
    scopes: Scopes = None,
    producer: Producer = None,
    file: File = None,
    config: Config = None,
    overrides: Overrides = None,
) -> None:
    """Make a key and print it: it cannot be had again, as only its hash is kept."""
    need_serve()
    from crm_online.api.keyfile import SCOPES, new_key

    if wrong := set(scopes or ()) - set(SCOPES):
        raise InputError(f"no scope {min(wrong)!r}; there are {', '.join(SCOPES)}")
    path = _file(file, config, overrides)
    print(new_key(path, name, [scope for scope in SCOPES if scope in (scopes or ["read"])], producer))
    say(f"written to {path} as a hash; a service with serve.keys_file={path} takes it from now on")


@keys.command("list")
def list_(file: File = None, config: Config = None, overrides: Overrides = None, as_json: AsJson = False) -> None:
    """List the keys: names, scopes and when they were made."""
    need_serve()
    from crm_online.api.keyfile import read_keys

    found = [key.model_dump(mode="json", exclude={"sha256"}) for key in read_keys(_file(file, config, overrides))]
    print_answer(found, keys_table, as_json=as_json)


def keys_table(keys: Sequence[dict[str, Any]]) -> RenderableType:
    """Return each key's name, scopes, when it was made, and whose event ids it sends."""
    rows = table("keys of the service", **dict.fromkeys(("name", "scopes", "made", "id", "producer"), TEXT))
    for key in keys:
        rows.add_row(
            key["name"], ", ".join(key["scopes"]), time(key["created"]), key["id"], key["producer"] or key["id"]
        )
    return rows


@keys.command()
def revoke(name: Name, file: File = None, config: Config = None, overrides: Overrides = None) -> None:
    """Revoke a key: within a second no service accepts it any more."""
    need_serve()
    from crm_online.api.keyfile import revoke_key

    path = _file(file, config, overrides)
    revoke_key(path, name)
    say(f"{name} is out of {path}")


def _file(given: Path | None, config: Path | None, overrides: list[str] | None) -> Path:
    path = given or settings_in_force(config, overrides).serve.keys_file
    if path is None:
        raise InputError("where are the keys? give --file FILE, or set serve.keys_file")
    return path
