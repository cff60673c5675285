"""A browser's key as a cookie, since an ``EventSource`` cannot send a header."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Response
from starlette.requests import Request

from crm_online.answers.service import Session
from crm_online.api.gate import COOKIE
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
    """Keep the key of this request as a cookie of the browser, until it is closed; scripts cannot read it."""
    caller = request.scope[CALLER]
    if service.keys.configured:
        if authorization is None:
            # The cookie alone: it is there already, and only the header may set it.
            raise no_key()
        response.set_cookie(
            COOKIE,
            authorization.partition(" ")[2].strip(),
            path="/",
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
        )
    return Session(name=caller.name, scopes=sorted(caller.scopes), keys=service.keys.configured)


@router.delete("/v1/session", status_code=204, dependencies=[Depends(requires(None))])
async def end_session(request: Request) -> Response:
    """Forget the key."""
    response = Response(status_code=204)
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict", secure=request.url.scheme == "https")
    return response
