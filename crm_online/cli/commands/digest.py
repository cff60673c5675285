"""`crm-online digest` and `crm-online changes`: what changed in a period, in a few lines and one by one."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Annotated, Any

import typer

from crm_online.cli.console import print_answer
from crm_online.cli.options import DEFAULT_STATE, AsJson, Config, Overrides, State, open_state
from crm_online.cli.tables.digest import changes_table, digest_tables
from crm_online.events.times import to_short_iso

WEEK = "7d"


def _period(text: str) -> int:
    from crm_online.settings.units import parse_duration  # with pydantic, which --help does without

    try:
        return parse_duration(text)
    except ValueError as error:
        raise typer.BadParameter(f"{error}, such as 7d") from None


Since = Annotated[
    str,
    typer.Option("--since", metavar="PERIOD", help="How long before the latest event it begins, such as 7d or 12h."),
]


class ChangedThing(StrEnum):
    """What changes are about."""

    MOVES = "moves"
    SEGMENTS = "segments"
    RULES = "rules"


_TOPICS = {ChangedThing.MOVES: "segment-changes", ChangedThing.SEGMENTS: "segments", ChangedThing.RULES: "rules"}


def digest(
    since: Since = WEEK,
    state: State = DEFAULT_STATE,
    config: Config = None,
    overrides: Overrides = None,
    as_json: AsJson = False,
) -> None:
    """Show what changed in a period: who moved from where to where and why, and which rules came and went."""
    length = _period(since)
    from crm_online.live.feeds.digest import digest as digest_of
    from crm_online.live.feeds.events import feed_event
    from crm_online.live.feeds.period import Period
    from crm_online.live.feeds.tally import Tally

    tally = Tally()
    with open_state(state, config, overrides) as lookup:
        for entry in lookup.kept():
            tally.add(feed_event(entry))
        found = digest_of(tally, lookup.history(), Period.up_to(lookup.watermark, length))
    print_answer(found.model_dump(mode="json", by_alias=True), digest_tables, as_json=as_json)


def changes(
    since: Since = WEEK,
    kind: Annotated[
        list[ChangedThing] | None, typer.Option("--kind", help="Only these; all if not given. It may be given twice.")
    ] = None,
    state: State = DEFAULT_STATE,
    config: Config = None,
    overrides: Overrides = None,
    as_json: AsJson = False,
) -> None:
    """Show the changes of a period that are kept, one by one, the oldest first."""
    length, topics = _period(since), {_TOPICS[one] for one in kind or list(ChangedThing)}
    found: list[dict[str, Any]] = []
    with open_state(state, config, overrides) as lookup:
        begin, times, dated = to_short_iso(max(lookup.watermark - length, 0)), dict[int, str](), list[str]()
        for entry in lookup.kept():
            value = json.loads(entry.value)
            # A change without a time of its own is as late as the last one before it that has one.
            time = times[entry.id.partition] = value.get("time", times.get(entry.id.partition, ""))
            if time >= begin and entry.topic in topics and len(value) > 1:
                found.append({"kind": entry.topic.value, **value})
                dated.append(time)
        names = {} if as_json else lookup.names_over_time().latest()
    found = [one for _, one in sorted(zip(dated, found, strict=True), key=lambda pair: pair[0])]
    print_answer(found, lambda rows: changes_table(rows, names), as_json=as_json)
