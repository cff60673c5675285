"""Customers: one, several, those of a segment, and why one is where they are."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

import orjson
from fastapi import APIRouter, Depends, Path, Query
from fastapi.routing import APIRoute
from pydantic import ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Match
from starlette.types import Receive, Scope, Send

from crm_online.answers import customers as answers
from crm_online.answers.customers import Explanation, Members
from crm_online.api.body import Body
from crm_online.api.keys import requires
from crm_online.api.paths import ANYTHING, is_of_copy
from crm_online.api.problems import ProblemError, problems
from crm_online.api.service import Service, TheService, service
from crm_online.api.tables import CsvResponse, csv_answer, csv_headers, csv_lines
from crm_online.api.times import IsoTime
from crm_online.events.times import from_datetime
from crm_online.live.customers.member_scan import MemberPage, MemberSelection, MemberSort

router = APIRouter(prefix="/v1", tags=["customers"], dependencies=[Depends(requires("read"))], responses=problems(404))

MOST = 500
"""Customers in one request, at most."""
PAGE = 1000
"""Customers on a page, at most."""

LONGEST = 1000
"""Characters of an id, at most."""

_CSV = csv_answer("customer_id, since, spend and last_purchase, one line each") | problems(404)

CustomerId = Annotated[str, Path(min_length=1, max_length=LONGEST, description="percent-encoded, whatever is in it")]


class CustomerQuery(Body):
    """The customers to look up."""

    model_config = ConfigDict(json_schema_extra={"example": {"customer_ids": ["C17", "nobody"]}})

    customer_ids: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=LONGEST)]],
        Field(min_length=1, max_length=MOST, description="their ids; one that comes twice is answered once"),
    ]


class _Direct(APIRoute):
    """The route of most requests: FastAPI's way from a request to its parameters needs longer than the look-up."""

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; with another method than GET, as FastAPI does."""
        if scope["method"] != "GET":
            await super().handle(scope, receive, send)
            return
        request = Request(scope)
        await requires("read")(request)
        customer_id = scope["path_params"]["customer_id"]
        if len(customer_id) > LONGEST:
            raise ProblemError(422, f"an id has at most {LONGEST:,} characters", kind="invalid")
        response = await get_customer(request, await service(request), customer_id)
        await response(scope, receive, send)


class _ExportRoute(APIRoute):
    """The route of exports: an id that ends in ``/export`` comes percent-encoded, and is another route's."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Match where the path as it was sent ends in the name of the route."""
        if scope["type"] == "http" and not is_of_copy(scope):
            return Match.NONE, {}
        return super().matches(scope)


async def export_customer(request: Request, service: TheService, customer_id: CustomerId) -> Response:
    """Return all that is held of one customer, who may ask for it (Article 15 of the GDPR)."""
    await service.audit.note(request, "copy", [customer_id])
    return _json(orjson.dumps(await service.customers.personal_data(customer_id)))


router.add_api_route(
    f"/customers/{{customer_id:{ANYTHING}}}/export",
    export_customer,
    methods=["GET"],
    response_model=answers.PersonalData,
    dependencies=[Depends(requires("admin"))],
    route_class_override=_ExportRoute,
)


async def get_customer(request: Request, service: TheService, customer_id: CustomerId) -> Response:
    """Return one customer as of the latest event, as `crm-online customer --json` does."""
    await service.audit.note(request, "look-up", [customer_id])
    return _json(await service.customers.one(customer_id))


router.add_api_route(
    f"/customers/{{customer_id:{ANYTHING}}}",
    get_customer,
    methods=["GET"],
    response_model=answers.Customer,
    route_class_override=_Direct,
)


@router.get("/customers")
async def find_customers(
    request: Request,
    service: TheService,
    prefix: Annotated[
        str, Query(min_length=1, max_length=LONGEST, description="what ids begin with, in capitals or not")
    ],
    limit: Annotated[int, Query(ge=1, le=100, description="ids, at most")] = 10,
) -> answers.CustomerIds:
    """Return the customers whose ids begin with a text, the shortest first.

    At most some hundred thousand customers are looked at; `complete` says whether there may be others.
    """
    found = await service.customers.beginning_with(prefix, limit)
    await service.audit.note(request, "look-up", found.ids)
    return answers.CustomerIds(ids=found.ids, complete=found.complete)


@router.post("/customers:batch", response_model=answers.Customers, responses=problems())
async def get_customers(request: Request, service: TheService, query: CustomerQuery) -> Response:
    """Return several customers in the order asked for, and who is not known.

    Those of one partition are all as of the same event: a reader never sees half a step.
    """
    names = list(dict.fromkeys(query.customer_ids))
    await service.audit.note(request, "look-up", names)
    found = await service.customers.several(names)
    known = b",".join([found[name] for name in names if name in found])
    missing = orjson.dumps([name for name in names if name not in found])
    return _json(b'{"customers":[%s],"missing":%s}' % (known, missing))


@router.get("/segments/{segment_id}/customers")
async def get_members(
    request: Request,
    service: TheService,
    segment_id: Annotated[str, Path(max_length=100, description="such as s1")],
    limit: Annotated[
        int,
        Query(ge=1, le=PAGE, description="customers on the page, at most; there may be fewer on one with a `next`"),
    ] = 100,
    after: Annotated[str | None, Query(max_length=100, description="`next` of the page before")] = None,
    sort: Annotated[
        MemberSort | None, Query(description="the first by this, in one page, of some hundred thousand customers")
    ] = None,
    descending: Annotated[bool, Query(description="the largest or latest first; for `sort`")] = True,
    min_spend: Annotated[
        float | None, Query(ge=0, allow_inf_nan=False, description="only who has spent so much; for `sort`")
    ] = None,
    bought_since: Annotated[
        IsoTime | None, Query(description="only whose last order is not before this time; for `sort`")
    ] = None,
    bought_before: Annotated[
        IsoTime | None, Query(description="only whose last order is before this time; for `sort`")
    ] = None,
) -> Members:
    """Return the customers who are reported to be in a segment, page by page in no order, or the first by a sort.

    They are not always those nearest to its centroid, whom its `size` counts: near a border a customer stays for a
    while. Who is in it all the time comes once or, while the state grows, twice; who moves meanwhile may come or not.
    """
    if segment_id not in service.snapshots.needed().segment_documents:
        raise ProblemError(404, "no such segment now; /v1/segments has those that there are", kind="unknown-segment")
    if sort is None:
        page = await service.customers.members(segment_id, after, limit)
    else:
        since, before = (None if time is None else from_datetime(time) for time in (bought_since, bought_before))
        query = MemberSelection(sort, descending, min_spend, since, before)
        page = await service.customers.members_sorted(segment_id, query, limit)
    await service.audit.note(request, "members", _ids(page))
    return Members.model_validate(
        {"segment": segment_id, "customers": page.customers, "next": page.next, "complete": page.complete}
    )


@router.get("/segments/{segment_id}/customers.csv", response_class=CsvResponse, responses=_CSV)
async def get_members_csv(
    request: Request, service: TheService, segment_id: Annotated[str, Path(max_length=100, description="such as s1")]
) -> StreamingResponse:
    """Return all customers who are reported to be in a segment as CSV, each once, for a spreadsheet.

    An id that a spreadsheet would take for a formula has an apostrophe in front.
    """
    if segment_id not in service.snapshots.needed().segment_documents:
        raise ProblemError(404, "no such segment now; /v1/segments has those that there are", kind="unknown-segment")
    first = await service.customers.members(segment_id, None, PAGE)
    await service.audit.note(request, "members", _ids(first))  # before the status: what cannot be noted is a 503
    return CsvResponse(_csv(request, service, segment_id, first), headers=csv_headers(f"{segment_id}.csv"))


async def _csv(request: Request, service: Service, segment_id: str, page: MemberPage) -> AsyncIterator[str]:
    """Yield the customers page by page, as lines of CSV."""
    given = set[str]()
    yield "customer_id,since,spend,last_purchase\r\n"
    while True:
        fresh = [one for one in page.customers if one["customer_id"] not in given]
        given.update(one["customer_id"] for one in fresh)
        yield csv_lines([one["customer_id"], one["since"], one["spend"], one["last_purchase"]] for one in fresh)
        if page.next is None:
            return
        page = await service.customers.members(segment_id, page.next, PAGE)
        await service.audit.note(request, "members", _ids(page))


def _ids(page: MemberPage) -> list[str]:
    return [one["customer_id"] for one in page.customers]


@router.get(f"/explain/{{customer_id:{ANYTHING}}}")
async def explain(request: Request, service: TheService, customer_id: CustomerId) -> Explanation:
    """Return which features and events moved a customer, as far as changes are kept."""
    await service.audit.note(request, "explain", [customer_id])
    return Explanation.model_validate(await service.customers.explained(customer_id))


def _json(body: bytes) -> Response:
    return Response(body, media_type="application/json", headers={"Cache-Control": "no-store"})
