"""Every error as an RFC 9457 problem document; the one table of which error is which status.

The text of a problem is for the client: never a traceback, a host or the store's own message. Those are in the log.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match

from crm_online import errors
from crm_online.answers.service import Fault, Problem

MEDIA_TYPE = "application/problem+json"

ALWAYS = (400, 401, 403, 413, 414, 422, 429, 500, 503)
"""What every request below ``/v1`` may be answered: `create_app` declares them for all routes."""

_log = logging.getLogger(__name__)
_PHRASES = {413: "Content Too Large", 414: "URI Too Long", 416: "Range Not Satisfiable", 422: "Unprocessable Content"}
_FAULTS = 20
_LONGEST = 300
_SOON = 5
_METHODS = ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")


def phrase(status: int) -> str:
    """Return what a status is called in RFC 9110; Python before 3.13 has older names for some."""
    return _PHRASES.get(status) or HTTPStatus(status).phrase


class ProblemError(Exception):
    """What a route raises to answer with a problem.

    Parameters
    ----------
    status
        The HTTP status.
    detail
        One sentence for whoever asked.
    kind
        Last part of the problem's type, ``/problems/<kind>``; None: the status alone.
    faults
        Each thing that is wrong with what was sent.
    headers
        Headers of the answer.
    """

    def __init__(
        self,
        status: int,
        detail: str | None = None,
        *,
        kind: str | None = None,
        faults: Sequence[Fault] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail or phrase(status))
        self.status, self.detail, self.kind, self.faults = status, detail, kind, list(faults)
        self.headers = dict(headers or {})
        self.instance: str | None = None

    def response(self) -> Response:
        """Return the answer."""
        status = HTTPStatus(self.status)
        problem = Problem(
            type=f"/problems/{self.kind}" if self.kind else "about:blank",
            title=phrase(status),
            status=status,
            detail=self.detail,
            instance=self.instance,
            errors=self.faults or None,
        )
        body = problem.model_dump_json(exclude_none=True)
        return Response(body, status, self.headers | {"Cache-Control": "no-store"}, MEDIA_TYPE)


@dataclass(frozen=True, slots=True)
class _Row:
    """The problem of an error: with the error's own text where ``detail`` is None."""

    error: type[errors.CrmOnlineError]
    status: int
    kind: str
    detail: str | None = None
    retry: int | None = None


_TABLE = (
    _Row(errors.CustomerObjects, 404, "objects"),
    _Row(errors.UnknownCustomer, 404, "unknown-customer"),
    _Row(errors.InputError, 422, "input"),
    _Row(errors.AuditFailed, 503, "audit", "the audit log cannot be written; the service's log says why", 60),
    _Row(
        errors.StateMissing,
        503,
        "no-state",
        "there is no state yet: replay a log (crm-online replay), send events, or start a worker; then ask again",
        _SOON,
    ),
    _Row(errors.StateBeingRead, 503, "being-read", None, 1),
    _Row(errors.StoreUnavailable, 503, "store-away", "the store does not answer; ask again in a while", _SOON),
    _Row(errors.StoreError, 503, "store", "the store cannot be used as it is; the service's log says why", 60),
    _Row(errors.BrokerUnavailable, 503, "broker-away", "Kafka does not answer; ask again in a while", _SOON),
    _Row(errors.BrokerError, 503, "broker", "Kafka cannot be used as it is; the service's log says why", 60),
    _Row(errors.FenceError, 503, "moved", "another process took the state over meanwhile; ask again", _SOON),
    _Row(errors.EventsRefused, 503, "takes-no-events", None, _SOON),
    _Row(errors.Stalled, 503, "stalled", "the state makes no progress; the service's log says more", 60),
)
"""The first row that fits an error holds; what none fits is a fault of the service: 500."""


def problem_of(error: Exception) -> ProblemError:
    """Return the problem of an error, and log what must not be in the answer."""
    if isinstance(error, ProblemError):
        return error
    row = next((row for row in _TABLE if isinstance(error, row.error)), None)
    if row is None:
        return _unexpected(error)
    if row.status >= 500:
        _log.warning("%s: %s", row.kind, error)
    headers = {"Retry-After": str(row.retry)} if row.retry else {}
    return ProblemError(row.status, short(row.detail or str(error)), kind=row.kind, headers=headers)


def _unexpected(error: Exception) -> ProblemError:
    problem = ProblemError(500, "the service failed; its log says why, under the id in instance", kind="fault")
    problem.instance = f"urn:uuid:{uuid.uuid4()}"
    _log.error("%s: a request failed", problem.instance, exc_info=error)
    return problem


def short(text: str) -> str:
    """Return a text, cut where it is longer than a problem should be."""
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def pointer(path: Iterable[str | int]) -> str:
    """Return a path into a body as a JSON pointer (RFC 6901).

    Examples
    --------
    >>> pointer([3, "a/b"])
    '/3/a~1b'
    """
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)


def _faults(found: Iterable[Mapping[str, Any]]) -> list[Fault]:
    """Return the faults of a request, without repeating the values that were sent."""
    faults = []
    for one in found:
        source, *path = one["loc"]
        if source == "body":
            path = [] if one["type"] == "json_invalid" else path
            where = pointer(path)
        else:
            where = ".".join(map(str, path)) or str(source)
        # JSON may hold halves of surrogate pairs, which no answer can.
        where = where.encode("utf-8", "replace").decode()
        why = f"not JSON: {one['ctx']['error']}" if one["type"] == "json_invalid" else str(one["msg"])
        faults.append(Fault(where=short(where), why=short(why.encode("utf-8", "replace").decode())))
        if len(faults) == _FAULTS:
            break
    return faults


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return ``responses=`` of a router or a route: the problems it may answer, besides those of `ALWAYS`."""
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        status: {"description": phrase(status), "content": {MEDIA_TYPE: {"schema": schema}}}
        for status in sorted({*statuses})
    }


async def _on_invalid(_: Request, error: Exception) -> Response:
    found = error.errors() if isinstance(error, RequestValidationError) else ()
    detail = "what was sent does not fit; see errors"
    return ProblemError(422, detail, kind="invalid", faults=_faults(found)).response()


async def _on_http(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise TypeError(f"not an error of HTTP: {error!r}")
    plain = error.detail in (phrase(error.status_code), HTTPStatus(error.status_code).phrase)
    detail = None if plain else short(str(error.detail))
    headers = dict(error.headers or {})
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = ", ".join(_allowed(request))
        detail = f"this path takes {headers['Allow']}"
    elif error.status_code == HTTPStatus.NOT_FOUND:
        detail = detail or "nothing is at this path; /openapi.json lists what there is"
    return ProblemError(error.status_code, detail, headers=headers).response()


def _allowed(request: Request) -> list[str]:
    """Return the methods that a path has: Starlette names those of the first route only.

    Routes are asked, not looked at: which of their parts have methods differs between versions of FastAPI.
    """
    same = {name: request.scope[name] for name in ("type", "path", "raw_path", "root_path") if name in request.scope}
    asked = same | {"headers": []}
    found = {
        method
        for method in _METHODS
        if any(route.matches(asked | {"method": method})[0] is Match.FULL for route in request.app.routes)
    }
    # HEAD is given to the routes of GET, see crm_online.api.head.
    return sorted(found | {"HEAD"} if "GET" in found else found)


async def _on_ours(_: Request, error: Exception) -> Response:
    return problem_of(error).response()


def handle_errors(app: FastAPI) -> None:
    """Make all errors of an application's routes problems."""
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(ProblemError, _on_ours)
    app.add_exception_handler(errors.CrmOnlineError, _on_ours)
