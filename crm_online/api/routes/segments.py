"""The segments: their figures, their sizes over time, their picture."""

from __future__ import annotations

import unicodedata
from typing import Annotated, Final

import orjson
from fastapi import APIRouter, Depends, Path
from pydantic import AfterValidator, ConfigDict, Field, StringConstraints
from starlette.responses import Response

from crm_online.answers.segments import Picture, SegmentProfile, Segments, SizeHistory
from crm_online.api.body import Body
from crm_online.api.documents import NOT_MODIFIED, IfNoneMatch, document
from crm_online.api.keys import requires
from crm_online.api.problems import ProblemError, problems
from crm_online.api.service import TheService


def _visible(text: str) -> str:
    r"""Refuse signs that nobody sees, which turn text round, or command a terminal: all but line ends and joiners.

    Examples
    --------
    >>> _visible("Stammkunden 👩\u200d🌾"), _visible("two\nlines")
    ('Stammkunden 👩\u200d🌾', 'two\nlines')
    """
    if found := [
        sign for sign in text if unicodedata.category(sign) in _UNSEEN and sign not in _JOINERS and sign != "\n"
    ]:
        raise ValueError(f"has a sign that nobody sees, U+{ord(found[0]):04X}")
    return text


def _of_one_line(text: str) -> str:
    if "\n" in text:
        raise ValueError("has more than one line")
    return text


_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_JOINERS: Final = frozenset("\u200c\u200d")
"""What Persian, Indian scripts and emoji are written with."""

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1), AfterValidator(_visible)]
Line = Annotated[Text, AfterValidator(_of_one_line)]

router = APIRouter(prefix="/v1", tags=["segments"], dependencies=[Depends(requires("read"))], responses=NOT_MODIFIED)


@router.get("/segments", response_model=Segments)
async def get_segments(service: TheService, if_none_match: IfNoneMatch = None) -> Response:
    """Return the segments, as `crm-online segments --json` has them."""
    found = service.snapshots.needed().segments_document
    return document(found.body, found.etag, if_none_match)


@router.get("/segments/{segment_id}", response_model=SegmentProfile, responses=problems(404))
async def get_segment(
    service: TheService,
    segment_id: Annotated[str, Path(max_length=100, description="such as s1")],
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Return one segment."""
    found = service.snapshots.needed().segment_documents.get(segment_id)
    if found is None:
        raise ProblemError(404, "no such segment now; /v1/segments has those that there are", kind="unknown-segment")
    return document(found.body, found.etag, if_none_match)


class SegmentLabelQuery(Body):
    """What to give a segment by hand; what is left out stays, and null takes it away."""

    model_config = ConfigDict(json_schema_extra={"example": {"name": "Regulars", "colour": "#2a7f62"}})

    name: Annotated[Line | None, Field(max_length=80, description="goes before the one that is made")] = None
    note: Annotated[Text | None, Field(max_length=2000, description="for whoever reads about the segment")] = None
    colour: Annotated[str | None, Field(pattern="^#[0-9a-f]{6}$", description="as #rrggbb")] = None


@router.patch(
    "/segments/{segment_id}",
    response_model=SegmentProfile,
    responses=problems(404),
    dependencies=[Depends(requires("write"))],
)
async def change_segment(
    service: TheService,
    change: SegmentLabelQuery,
    segment_id: Annotated[str, Path(max_length=100, description="such as s1")],
) -> Response:
    """Give a segment a name, a note or a colour, which stay with its id whatever the model does.

    Look-ups have them within a second or two. Topics keep the name that is made.
    """
    found = service.snapshots.needed().segment_documents.get(segment_id)
    if found is None:
        raise ProblemError(404, "no such segment now; /v1/segments has those that there are", kind="unknown-segment")
    fields = change.model_dump(exclude_unset=True)
    await service.customers.label(segment_id, fields)
    value = orjson.loads(found.body) | fields
    if "name" in fields:
        value |= {"named_by_hand": fields["name"] is not None, "name": fields["name"] or value["made_name"]}
    return Response(orjson.dumps(value), media_type="application/json")


@router.get("/segment-sizes", response_model=SizeHistory)
async def get_sizes(service: TheService, if_none_match: IfNoneMatch = None) -> Response:
    """Return how large the segments were over event time, as the state keeps it: at 512 times at most, and now."""
    found = service.snapshots.needed().sizes
    return document(found.body, found.etag, if_none_match)


@router.get("/picture", response_model=Picture)
async def get_picture(service: TheService, if_none_match: IfNoneMatch = None) -> Response:
    """Return sampled customers and centroids on the two axes along which customers differ most.

    The customers are always the same ones, as far as they are still there, and axes do not turn round.
    """
    found = service.snapshots.needed().picture
    return document(found.body, found.etag, if_none_match)
