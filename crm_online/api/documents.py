"""Answers that were made before they were asked for, and that a caller may have already."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import Header
from starlette.responses import Response

from crm_online.live.etags import is_among

IfNoneMatch = Annotated[
    str | None, Header(max_length=4000, description="the ETag of what the caller has: 304 if it is still so")
]

NOT_MODIFIED: Final[dict[int | str, dict[str, Any]]] = {304: {"description": "What the caller has is still so"}}
"""``responses=`` of a route whose answer has an ETag."""


def document(body: bytes, etag: str, if_none_match: str | None) -> Response:
    """Return a JSON document, or status 304 if the caller has it.

    Parameters
    ----------
    body, etag
        The document and its entity tag.
    if_none_match
        The header that was sent: tags with commas between, or ``*``.
    """
    headers = {"ETag": etag, "Cache-Control": "private, no-cache"}
    if is_among(etag, if_none_match):
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type="application/json")
