"""`crm-online replay`: event logs through the engine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from crm_online.cli.console import print_json, say, show
from crm_online.cli.options import DEFAULT_STATE, AsJson, Config, Overrides, State, parse_mapping
from crm_online.cli.progress import progress_bar
from crm_online.cli.tables.replay import replay_table


def replay(
    paths: Annotated[
        list[Path], typer.Argument(metavar="PATH…", help="Event logs: CSV, JSONL or Parquet, also .gz and .zst.")
    ],
    preset: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="What the log looks like: native, segment-spec, cloudevents, online-retail, complete-journey or "
            "baskets; found out from the log if not given (baskets never is).",
        ),
    ] = None,
    mapping: Annotated[
        list[str] | None, typer.Option("--map", metavar="FIELD=COLUMN", help="Column in which a field is found.")
    ] = None,
    sep: Annotated[
        str | None, typer.Option(metavar="TEXT", help=r"What stands between columns or items; \t is a tab.")
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Folder for the changes, as JSONL files.")] = None,
    speed: Annotated[
        float | None,
        typer.Option(metavar="X", help="Replay at X times the log's own speed; as fast as can be if not given."),
    ] = None,
    state: State = DEFAULT_STATE,
    config: Config = None,
    overrides: Overrides = None,
    as_json: AsJson = False,
) -> None:
    """Replay event logs into the state; go on where the last replay stopped."""
    if speed is not None and not speed > 0:
        raise typer.BadParameter("it must be above 0", param_hint="--speed")
    fields = parse_mapping(mapping or ())

    from crm_online.replay import replay as replay_logs
    from crm_online.settings import load_settings

    settings = load_settings(config, overrides or ()).settings
    with progress_bar("replaying") as move:
        result = replay_logs(
            paths,
            settings=settings,
            state=state,
            preset=preset,
            mapping=fields,
            sep=sep.replace(r"\t", "\t") if sep else None,
            out=out,
            speed=speed,
            on_progress=move,
        )
    if not result.durable:
        say("this Redis does not wait for its disk (appendfsync always): after a crash, changes may be told twice")
    if result.epsilon > settings.itemsets.min_support:
        say(f"itemsets.max_bytes is too small for this log: sets below {result.epsilon:.2%} of baskets may be missing")
    if as_json:
        print_json(result.as_dict())
    else:
        show(replay_table(result.as_dict()))
