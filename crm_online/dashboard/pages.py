"""The routes of the dashboard: its page, and the files that this is made of."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import APIRouter, Header
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from crm_online.dashboard import files
from crm_online.live.etags import is_among

_IfNoneMatch = Annotated[str | None, Header(max_length=4000)]
_AcceptEncoding = Annotated[str, Header(max_length=4000)]
_METHODS = ["GET", "HEAD"]


def router() -> APIRouter:
    """Return the routes; they need no key, as what they answer is the same for all."""
    made = APIRouter(include_in_schema=False)
    made.add_api_route("/", get_page, methods=_METHODS)
    made.add_api_route("/docs", get_docs, methods=_METHODS)
    made.add_api_route("/static/{path:path}", get_static, methods=_METHODS)
    return made


# These are no coroutines, so that the files are read in threads.
def get_page(if_none_match: _IfNoneMatch = None, accept_encoding: _AcceptEncoding = "") -> Response:
    """Return the page."""
    return _answer(files.page(), if_none_match, accept_encoding)


def get_docs() -> Response:
    """Lead to the view of the API, which shows the service's own OpenAPI document."""
    return RedirectResponse("/#/api", 302)


def get_static(path: str, if_none_match: _IfNoneMatch = None, accept_encoding: _AcceptEncoding = "") -> Response:
    """Return a file of the page."""
    found = files.static().get(path)
    if found is None:
        raise HTTPException(404)
    return _answer(found, if_none_match, accept_encoding)


def _answer(file: files.File, if_none_match: str | None, accept_encoding: str) -> Response:
    headers = {"ETag": file.etag, "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
    if is_among(file.etag, if_none_match):
        return Response(status_code=304, headers=headers)
    if not re.search(r"\bgzip\b(?!\s*;\s*q=0(\.0*)?\s*(,|$))", accept_encoding):
        return Response(file.body, headers=headers, media_type=file.media_type)
    headers["Content-Encoding"] = "gzip"
    return Response(file.compressed, headers=headers, media_type=file.media_type)
