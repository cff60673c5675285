"""A browser's session as a cookie, since an ``EventSource`` cannot send a header."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Response
from starlette.requests import Request

from crm_online.answers.service import Session
from crm_online.api.gate import SESSION, cookie_name
from crm_online.api.keys import CALLER, no_key, requires
from crm_online.api.service import TheService

router = APIRouter(tags=["service"])


@router.get("/v1/session", dependencies=[Depends(requires(None))])
async def get_session(request: Request, service: TheService) -> Session:
    """Tell who asks, and what they may do."""
    caller = request.scope[CALLER]
    return Session(name=caller.name, scopes=sorted(caller.scopes), keys=service.keys.configured)


@router.post("/v1/session", dependencies=[Depends(requires(None))])
async def begin_session(
    request: Request,
    service: TheService,
    response: Response,
    authorization: Annotated[str | None, Header(include_in_schema=False)] = None,
) -> Session:
    """Begin a session for this request's key: a cookie that no script can read, until the browser is closed.

    It ends after `serve.session`, with the key, and with a restart of the service.
    """
    caller = request.scope[CALLER]
    if service.keys.configured:
        if authorization is None:
            # A session alone: only a key may begin one, or it would never end.
            raise no_key()
        response.set_cookie(
            cookie_name(request.scope),
            service.sessions.begin(caller.id),
            path="/",
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
        )
    return Session(name=caller.name, scopes=sorted(caller.scopes), keys=service.keys.configured)


@router.delete("/v1/session", status_code=204, dependencies=[Depends(requires(None))])
async def end_session(request: Request, service: TheService) -> Response:
    """End the session, here and in the browser."""
    session = request.scope.get(SESSION)
    if session is not None:
        service.sessions.end(session)
    response = Response(status_code=204)
    name, secure = cookie_name(request.scope), request.url.scheme == "https"
    response.delete_cookie(name, path="/", httponly=True, samesite="strict", secure=secure)
    return response
