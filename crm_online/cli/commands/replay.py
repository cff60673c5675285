"""`crm-online replay`: event logs through the engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crm_online.cli.console import print_answer, print_json, say, show, show_line
from crm_online.cli.options import (
    DEFAULT_STATE,
    AsJson,
    Config,
    Decimal,
    Fields,
    InOrder,
    Logs,
    Overrides,
    Preset,
    Sep,
    Speed,
    State,
    TimeFormat,
    Where,
    log_options,
    settings_in_force,
)
from crm_online.cli.progress import progress_bar, stop_note
from crm_online.cli.tables.replay import replay_table
from crm_online.cli.tables.words import count, number

if TYPE_CHECKING:
    from crm_online.events.options import LogOptions


def replay(
    paths: Logs,
    preset: Preset = None,
    mapping: Fields = None,
    sep: Sep = None,
    time_format: TimeFormat = None,
    decimal: Decimal = None,
    where: Where = None,
    in_order: InOrder = False,
    another: Annotated[
        bool,
        typer.Option("--another-log", help="A file is another log, though one of its name was replayed before."),
    ] = False,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Folder for the changes, as JSONL files.")] = None,
    speed: Speed = None,
    state: State = DEFAULT_STATE,
    config: Config = None,
    overrides: Overrides = None,
    check: Annotated[
        bool,
        typer.Option("--check", help="Only look: how the first rows would be read, and the command that reads them."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Replay event logs into the state; go on where the last replay stopped."""
    options = replace(log_options(preset, mapping, sep, time_format, decimal, where), in_order=in_order)
    if check:
        more = [] if state == DEFAULT_STATE else ["--state", state]
        _check(paths, options, [*more, *(["--out", str(out)] if out else [])], as_json)
        return

    from crm_online.events.in_order import MOST_LATE
    from crm_online.replay import replay as replay_logs

    settings = settings_in_force(config, overrides)
    with progress_bar("replaying") as move, stop_note(move) as moved:
        result = replay_logs(
            paths,
            settings=settings,
            state=state,
            options=options,
            another=another,
            out=out,
            speed=speed,
            on_progress=moved,
        )
    if summary := result.rejects.summary(result.events):
        say(summary + ("" if out or in_order else " (--out DIR keeps them all)"))
    if result.late > MOST_LATE * result.events:
        say(
            f"{count(result.late, 'event')} of {number(result.events)} lie more than a day behind others that were "
            "read before: totals are right, but what happened meanwhile (moves, newcomers, predictions) was not "
            "followed. Replay the logs into a new --state with --in-order"
        )
    if result.held:
        say(
            f"held back: {count(result.held, 'event')} at the log's end, too far ahead of all others "
            "(events.max_ahead); what comes next decides"
        )
    if result.lost:
        say(f"{out} lacks {count(result.lost, 'change')}: made without --out, and kept no longer (changes.keep)")
    if result.doubtful_baskets:
        say(
            f"up to {count(result.doubtful_baskets, 'basket')} may be part of others: their lines came too late for "
            "the baskets that are remembered (baskets.max_bytes)"
        )
    if not result.durable:
        say("this Redis does not wait for its disk (appendfsync always): after a crash, changes may be published twice")
    epsilon = settings.itemsets.epsilon_in_force
    if result.epsilon > epsilon:
        say(
            f"itemsets in up to {result.epsilon:.2%} of the baskets may be missing, or counted too low by that much; "
            f"asked was {epsilon:.2%} (itemsets.epsilon): they need more itemsets.max_bytes, or a higher min_support"
        )
    print_answer(result.as_dict(), replay_table, as_json=as_json)


def _check(paths: Sequence[Path], options: LogOptions, more: Sequence[str], as_json: bool) -> None:
    """Show how a log would be read, and the command that reads it so; nothing is opened but the log."""
    if len(paths) != 1:
        raise typer.BadParameter("it looks at one log at a time", param_hint="--check")
    from crm_online.cli.tables.check import check_table
    from crm_online.events.guess import check

    found = check(paths[0], options)
    if as_json:
        print_json({**found.as_dict(), "command": found.command(more)})
    else:
        show(check_table(found), "")
        show_line(found.command(more))
