"""The commands of `crm-online`."""

from __future__ import annotations

from typing import Annotated

import typer

from crm_online import __version__
from crm_online.cli.commands.aggregates import aggregates
from crm_online.cli.commands.config import config
from crm_online.cli.commands.customer import customer
from crm_online.cli.commands.demo import demo
from crm_online.cli.commands.digest import changes, digest
from crm_online.cli.commands.drift import drift
from crm_online.cli.commands.erase import erase
from crm_online.cli.commands.export import export
from crm_online.cli.commands.keys import keys
from crm_online.cli.commands.objection import objection
from crm_online.cli.commands.predictions import predictions
from crm_online.cli.commands.publish import publish
from crm_online.cli.commands.recommend import recommend
from crm_online.cli.commands.replay import replay
from crm_online.cli.commands.rules import rules
from crm_online.cli.commands.segments import segments
from crm_online.cli.commands.serve import serve
from crm_online.cli.commands.simulate import simulate
from crm_online.cli.commands.undo_leap import undo_leap
from crm_online.cli.commands.verify import verify
from crm_online.cli.commands.webhooks import webhooks
from crm_online.cli.commands.worker import worker

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, no_args_is_help=True)


def _print_version(requested: bool) -> None:
    if requested:
        print(__version__)
        raise typer.Exit


@app.callback(help="Customer events in; what changed about customers, segments and rules out.")
def about(
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Take the options that stand before a command."""


for command in (
    demo,
    replay,
    segments,
    rules,
    aggregates,
    drift,
    customer,
    digest,
    changes,
    recommend,
    predictions,
    serve,
    verify,
    export,
    simulate,
    worker,
    publish,
    erase,
    objection,
    undo_leap,
    config,
):
    app.command()(command)
app.add_typer(keys)
app.add_typer(webhooks)
