"""What changes: the feed, who moved from where to where, and what could not be used."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, Header, Query
from starlette.requests import Request

from crm_online.answers.changes import Digest, ListedMove, Moves, RuleChanges
from crm_online.answers.customers import Reason
from crm_online.answers.drift import Drifts
from crm_online.answers.segments import SegmentFlows
from crm_online.answers.service import Rejects
from crm_online.api.event_stream import EventStream
from crm_online.api.keys import requires
from crm_online.api.service import TheService
from crm_online.api.tables import CsvResponse, csv_answer, csv_headers, csv_lines
from crm_online.api.times import IsoTime
from crm_online.engine.drifting import KEPT as DRIFTS
from crm_online.events.times import BEGIN, END, from_datetime, to_short_iso
from crm_online.live.feeds import cursors
from crm_online.live.feeds.events import ChangeFilter
from crm_online.live.feeds.moves import EVERY, MoveFilter
from crm_online.live.feeds.period import Period
from crm_online.live.feeds.tally import REJECTS
from crm_online.settings.units import DAY
from crm_online.step import Kind

router = APIRouter(prefix="/v1", tags=["changes"])

MOVES = 1000
"""Moves, or rules that changed, in an answer, at most."""
Name = Annotated[str, Query(min_length=1, max_length=1000)]
_MOVE_COLUMNS: Final = (
    *("customer_id", "from", "to", "from_name", "to_name", "reason", "time", "event_type", "idle_days", "monthly"),
)
_CSV = csv_answer("customer_id, from, to, from_name, to_name, reason, time, event_type, idle_days and monthly")

_STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Server-sent events until the connection ends. `id` is the cursor: the last "
        "change ids of all partitions. `event` is `segment-change`, `segment`, `rule`, `drift`, `prediction` or "
        "`reject`, and `data` the change as it stands on the topic; or `gap`: changes are kept no more (`trimmed`), or "
        "were reverted (`rewound`): look up again. A comment comes after 15 s of silence.",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    }
}


@router.get(
    "/changes", status_code=200, response_class=EventStream, responses=_STREAM, dependencies=[Depends(requires("read"))]
)
async def get_changes(
    request: Request,
    service: TheService,
    kind: Annotated[
        list[Kind] | None, Query(description="only these; without it all but `reject`, which needs the scope admin")
    ] = None,
    segment: Annotated[
        list[Name] | None, Query(max_length=100, description="only what is about one of these segments")
    ] = None,
    item: Annotated[
        list[Name] | None, Query(max_length=100, description="only rules with one of these items on either side")
    ] = None,
    after: Annotated[str | None, Query(description="a cursor, for those who cannot send Last-Event-ID")] = None,
    last_event_id: Annotated[str | None, Header(description="the cursor from which the feed resumes")] = None,
) -> EventStream:
    """Follow the changes as they come, each once; with both `segment` and `item`, those about either."""
    if kind and "reject" in kind:
        await requires("admin")(request)
    matching = ChangeFilter(
        kinds=frozenset(kind) if kind else ChangeFilter().kinds,
        segments=frozenset(segment or ()),
        items=frozenset(item or ()),
    )
    cursor = last_event_id or after
    subscription = service.changes.subscribe(matching, cursors.parse(cursor) if cursor else None)
    return EventStream(service.changes, subscription, service.metrics.sent)


@router.get("/flows", dependencies=[Depends(requires("read"))])
async def get_flows(
    service: TheService,
    since: Annotated[IsoTime | None, Query(description="only moves since this event time")] = None,
    reason: Annotated[
        list[Reason] | None,
        Query(max_length=5, description="only moves for one of these reasons; event and lapse: what customers did"),
    ] = None,
) -> SegmentFlows:
    """Return who moved from where to where, in the changes that are kept; `/v1/moves?from=…&to=…` has the customers."""
    moment = None if since is None else to_short_iso(min(max(from_datetime(since), BEGIN), END))
    return service.changes.flows(moment, reason or ())


@router.get("/drifts", dependencies=[Depends(requires("read"))])
async def get_drifts(
    service: TheService,
    limit: Annotated[int, Query(ge=1, le=DRIFTS, description="drifts, at most")] = 100,
) -> Drifts:
    """Return when the shop changed, the newest first: what is bought, how customers lie, how good predictors are."""
    return await service.changes.drifts(limit)


async def _period(
    service: TheService,
    since: Annotated[
        IsoTime | None,
        Query(description="its begin; left out: `days` before its end, which is the last midnight, UTC"),
    ] = None,
    until: Annotated[IsoTime | None, Query(description="the first time after it; left out: the latest event")] = None,
    days: Annotated[float, Query(gt=0, le=3650, description="how long the period is, where `since` is left out")] = 7,
) -> Period:
    """Return the period that is asked for."""
    snapshot = service.snapshots.needed()
    watermark = 0 if snapshot.status.watermark is None else from_datetime(snapshot.status.watermark)
    if since is None and until is None:
        return Period.of_days(days, watermark, snapshot.history.days.first)
    end = Period.up_to(watermark, 0).until if until is None else min(max(from_datetime(until), BEGIN), END)
    begin = end - round(days * DAY) if since is None else from_datetime(since)
    return Period(min(max(begin, BEGIN), end), end)


ThePeriod = Annotated[Period, Depends(_period)]
"""A route's parameter that is the period asked for."""


@router.get("/digest", dependencies=[Depends(requires("read"))])
async def get_digest(service: TheService, period: ThePeriod) -> Digest:
    """Return what changed in a period, and in the one before, as far as changes are kept.

    A number of days is that many whole ones, UTC: the day that goes on is left out, so that figures can be compared.
    """
    return service.changes.digest(service.snapshots.needed().history, period)


async def _matching(
    left: Annotated[Name | None, Query(alias="from", description="only from this segment; none: from none")] = None,
    entered: Annotated[Name | None, Query(alias="to", description="only to this segment")] = None,
    reason: Annotated[
        list[Reason] | None,
        Query(max_length=5, description="only for one of these reasons; event and lapse: what customers did"),
    ] = None,
    latest: Annotated[
        bool, Query(description="only the last move of each customer in the period, of those for what they did")
    ] = False,
) -> MoveFilter:
    return MoveFilter(left, entered, frozenset(reason or ()), latest)


Matching = Annotated[MoveFilter, Depends(_matching)]


@router.get("/moves", dependencies=[Depends(requires("read"))])
async def get_moves(
    request: Request,
    service: TheService,
    matching: Matching,
    period: ThePeriod,
    limit: Annotated[int, Query(ge=1, le=MOVES, description="moves, at most")] = 100,
) -> Moves:
    """Return who moved in a period, from where to where, why, and what they used to spend, the last first."""
    found = service.changes.moves(service.snapshots.needed().history, period, matching, limit)
    await service.audit.note(request, "look-up", [move.customer_id for move in found.moves])
    return found


@router.get("/moves.csv", response_class=CsvResponse, responses=_CSV, dependencies=[Depends(requires("read"))])
async def get_moves_csv(
    request: Request,
    service: TheService,
    matching: Matching,
    period: ThePeriod,
) -> CsvResponse:
    """Return all who moved in a period as CSV, the last first, for a spreadsheet.

    A text that a spreadsheet would take for a formula has an apostrophe in front.
    """
    found = service.changes.moves(service.snapshots.needed().history, period, matching, EVERY)
    # Before the status: what cannot be noted is a 503.
    await service.audit.note(request, "look-up", [move.customer_id for move in found.moves])
    return CsvResponse(_csv(found.moves), headers=csv_headers("moves.csv"))


async def _csv(found: list[ListedMove]) -> AsyncIterator[str]:
    """Yield moves as lines of CSV, some at a time."""
    yield csv_lines([_MOVE_COLUMNS])
    for at in range(0, len(found), MOVES):
        each = (move.model_dump(mode="json", by_alias=True) for move in found[at : at + MOVES])
        yield csv_lines([move[name] for name in _MOVE_COLUMNS] for move in each)


@router.get("/rule-changes", dependencies=[Depends(requires("read"))])
async def get_rule_changes(
    service: TheService,
    period: ThePeriod,
    change: Annotated[Literal["entered", "changed", "left"] | None, Query(description="only these")] = None,
    limit: Annotated[int, Query(ge=1, le=MOVES, description="rules, at most")] = 100,
) -> RuleChanges:
    """Return which rules came, changed and went in a period, with their figures before and after, the clearest first.

    Those that came and went again within it are left out.
    """
    return service.changes.rule_changes(period, change, limit)


@router.get("/rejects", dependencies=[Depends(requires("admin"))])
async def get_rejects(
    service: TheService,
    limit: Annotated[int, Query(ge=1, le=REJECTS, description="rejects, at most")] = 100,
) -> Rejects:
    """Return the records that could not be used, the newest first."""
    return await service.changes.rejects(limit)
