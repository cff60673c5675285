"""POST /v1/events: what customers did, into the state."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final

from fastapi import APIRouter, Depends
from pydantic import ValidationError
from pydantic_core import from_json
from starlette.requests import Request

from crm_online.answers.service import EventReceipt, Fault
from crm_online.api.keyfile import Caller
from crm_online.api.keys import CALLER, requires
from crm_online.api.problems import ProblemError, pointer, problems, short
from crm_online.api.service import TheService
from crm_online.errors import TooFarAhead
from crm_online.events.intake import refusal
from crm_online.events.models import EVENT, Erase, Event, Objection
from crm_online.events.problems import all_problems
from crm_online.privacy.audit import AuditedAction

MOST: Final = 1000
"""Most events in one request."""
_FAULTS: Final = 100
_AUDITED: Final[dict[AuditedAction, type[Erase | Objection]]] = {"erase": Erase, "objection": Objection}
_SMALL: Final = 10_000
"""Bytes of a body that are read in the event loop."""
_EXAMPLE: Final = {
    "event_id": "till-7-88213",
    "type": "purchase",
    "customer_id": "C17",
    "time": "2026-02-06T17:31:00Z",
    "basket_id": "B9001",
    "items": [{"item": "espresso beans", "quantity": 1, "price": 14.5}],
}

router = APIRouter(tags=["events"], dependencies=[Depends(requires("write"))])


def _schema() -> dict[str, Any]:
    """Return the schema of a body, with nothing that it refers to outside."""
    made = EVENT.json_schema()
    event = _inlined({"oneOf": made["oneOf"]}, made["$defs"])
    return {"anyOf": [event, {"type": "array", "minItems": 1, "maxItems": MOST, "items": event}]}


def _inlined(schema: Any, parts: Mapping[str, Any]) -> Any:
    if isinstance(schema, list):
        return [_inlined(one, parts) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _inlined(parts[schema["$ref"].rpartition("/")[2]], parts)
    return {name: _inlined(value, parts) for name, value in schema.items()}


_BODY: Final = {
    "required": True,
    "content": {"application/json": {"schema": _schema(), "example": _EXAMPLE}},
}


@router.post(
    "/v1/events",
    status_code=202,
    responses=problems(415, 503),
    openapi_extra={"requestBody": _BODY},
)
async def send_events(request: Request, service: TheService) -> EventReceipt:
    """Take one event, or a list of up to 1,000.

    If any is no event, none is accepted. The answer comes once they are on disk: committed to the state, or written to
    Kafka by all its copies.

    Give every event an `event_id`: one that is among the last 16 of the same customer counts once, if the same producer
    sent it with the same type; each key is a producer, unless it was made with `--producer`. So after a 503, or no
    answer at all, send the same events again. Without an id each one that arrives is an event of its own.

    `erase` and `objection` need the scope admin. Events whose time lies further ahead of the service's clock than
    `events.max_ahead`, and those worth more than `events.max_value`, are refused.
    """
    content_type, body = request.headers.get("content-type", ""), await request.body()
    # The event loop has others to answer; a small body is read sooner than a thread begins.
    events, single = (
        await asyncio.to_thread(_read, content_type, body) if len(body) > _SMALL else _read(content_type, body)
    )
    most, latest = service.settings.events.max_value, service.settings.events.latest
    if faults := [
        _fault(single, index, [found[1]], found[0])
        for index, event in enumerate(events)
        if (found := refusal(event, most, latest))
    ]:
        raise _refusal(faults)
    if any(isinstance(event, Erase | Objection) for event in events):
        await requires("admin")(request)
        for action, kind in _AUDITED.items():
            if names := [event.customer_id for event in events if isinstance(event, kind)]:
                await service.audit.note(request, action, names)
    caller: Caller = request.scope[CALLER]
    await service.quotas.charge(caller.id, events)
    try:
        return await service.sink.accept(events, caller.producer)
    except TooFarAhead as error:
        raise _refusal([_fault(single, index, ["time"], str(error)) for index in error.indices]) from error


def _read(content_type: str, body: bytes) -> tuple[list[Event], bool]:
    """Return the events of a body, and whether it is one event, not a list."""
    single, values = _values(content_type, body)
    events, faults, count = _events(single, values)
    if faults:
        raise _refusal(faults, count)
    return events, single


def _values(content_type: str, body: bytes) -> tuple[bool, list[Any]]:
    """Return whether a body is one event, and the values that are to be events."""
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise ProblemError(415, "send application/json: an event, or a list of events", kind="content-type")
    try:
        # To a depth of 200, without NaN, infinity and halves of surrogate pairs.
        value = from_json(body, allow_inf_nan=False)
    except ValueError as error:
        raise _refusal([Fault(where="", why=short(f"not JSON: {error}"))]) from None
    if not isinstance(value, list):
        return True, [value]
    if not 1 <= len(value) <= MOST:
        raise _refusal([Fault(where="", why=f"{len(value):,} events; from 1 to {MOST:,} can be sent at once")])
    return False, value


def _events(single: bool, values: Sequence[Any]) -> tuple[list[Event], list[Fault], int]:
    """Return the valid events, the first faults of the others, and how many faults there are."""
    events: list[Event] = []
    faults: list[Fault] = []
    count = 0
    for index, value in enumerate(values):
        try:
            events.append(EVENT.validate_python(value))
        except ValidationError as error:
            count += error.error_count()
            if len(faults) < _FAULTS:
                found = all_problems(error) if isinstance(value, dict) else [("not a JSON object", [])]
                faults += [_fault(single, index, path, why) for why, path in found]
    return events, faults, count


def _fault(single: bool, index: int, path: Sequence[str | int], why: str) -> Fault:
    steps = path if single else [index, *path]
    return Fault(where=short(pointer(steps)), why=short(why))


def _refusal(faults: Sequence[Fault], count: int | None = None) -> ProblemError:
    """Return the refusal that lists the first faults and says how many there are."""
    count = len(faults) if count is None else count
    more = f"; the first {_FAULTS} of {count:,} are listed" if count > _FAULTS else ""
    return ProblemError(
        422, f"nothing was taken, as not all of it are events: see errors{more}", kind="events", faults=faults[:_FAULTS]
    )
