"""Customers to be erased: some at once or one, and how many of them are."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path
from fastapi.routing import APIRoute
from pydantic import ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import Scope

from crm_online.answers import customers as answers
from crm_online.answers.customers import RemainingCopy
from crm_online.api.body import Body
from crm_online.api.keyfile import Caller
from crm_online.api.keys import CALLER, requires
from crm_online.api.paths import ANYTHING, is_of_copy
from crm_online.api.problems import ProblemError, problems
from crm_online.api.service import Service, TheService
from crm_online.events.models import IdText
from crm_online.lookup.erasures import Erasure

router = APIRouter(prefix="/v1", tags=["customers"], dependencies=[Depends(requires("admin"))])

MOST: Final = 5000
"""Customers in one request, at most."""

_REMAINS: Final = (
    RemainingCopy(where="event logs and files of --out or exports", until="you delete them"),
    RemainingCopy(
        where="topics that are not compacted: events, segment-changes, predictions, rejects", until="their retention.ms"
    ),
    RemainingCopy(where="backups", until="they age out; after one is put back, have the same customers erased again"),
)


class ErasureQuery(Body):
    """The customers to erase."""

    model_config = ConfigDict(json_schema_extra={"example": {"customer_ids": ["C17", "C18"]}})

    customer_ids: Annotated[
        list[IdText], Field(min_length=1, max_length=MOST, description="their ids; they need not be known")
    ]


class _CustomerRoute(APIRoute):
    """The route of a customer: not of the copy of a customer, which is at the path that ends in ``/export``."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Match where the path as it was sent has an id only."""
        if scope["type"] == "http" and is_of_copy(scope):
            return Match.NONE, {}
        return super().matches(scope)


@router.post("/erasures", status_code=202, responses=problems(503))
async def erase_customers(
    request: Request, response: Response, service: TheService, query: ErasureQuery
) -> answers.ErasureReceipt:
    """Have up to 5,000 customers erased: from every key, figure and kept change; see `docs/privacy.md`.

    Where the service feeds the state they are when the answer comes; where Kafka workers do, soon after:
    `GET /v1/erasures/{id}` says how many are. What happened before brings none of them back.
    """
    return await _asked(request, response, service, list(dict.fromkeys(query.customer_ids)))


async def erase_customer(
    request: Request,
    response: Response,
    service: TheService,
    customer_id: Annotated[IdText, Path(description="percent-encoded")],
) -> answers.ErasureReceipt:
    """Have one customer erased, as `POST /v1/erasures` does; the customer need not be known."""
    return await _asked(request, response, service, [customer_id])


router.add_api_route(
    f"/customers/{{customer_id:{ANYTHING}}}",
    erase_customer,
    methods=["DELETE"],
    status_code=202,
    response_model=answers.ErasureReceipt,
    responses=problems(503),
    route_class_override=_CustomerRoute,
)


@router.get("/erasures/{erasure_id}", responses=problems(404))
async def get_erasure(
    service: TheService, erasure_id: Annotated[str, Path(max_length=100, description="as it was answered")]
) -> answers.ErasureReceipt:
    """Return how many customers of an erasure are erased; the last 100 erasures are kept, with no id."""
    found = await service.erasures.find(erasure_id)
    if found is None:
        raise ProblemError(404, "no such erasure, or a hundred came since", kind="unknown-erasure")
    return _answer(found)


async def _asked(
    request: Request, response: Response, service: Service, customers: list[str]
) -> answers.ErasureReceipt:
    await service.audit.note(request, "erase", customers)
    caller: Caller = request.scope[CALLER]
    made = await service.erasures.ask(customers, caller.producer)
    response.headers["Location"] = f"/v1/erasures/{made.id}"
    return _answer(made)


def _answer(found: Erasure) -> answers.ErasureReceipt:
    return answers.ErasureReceipt(
        id=found.id,
        asked=datetime.fromtimestamp(found.asked / 1000, UTC),
        customers=found.customers,
        erased=found.erased,
        done=not found.waiting,
        remains=list(_REMAINS),
    )
