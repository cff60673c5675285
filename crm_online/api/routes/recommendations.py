"""POST /v1/recommendations: what to recommend to a customer, or with a basket."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import ConfigDict, Field
from starlette.requests import Request

from crm_online.answers.rules import Recommendations, RecommendationsBatch
from crm_online.api.body import INTEGER, Body
from crm_online.api.keys import requires
from crm_online.api.problems import problems
from crm_online.api.service import TheService
from crm_online.recommend.answer import TOP, RecommendationRequest

router = APIRouter(prefix="/v1", tags=["recommendations"], dependencies=[Depends(requires("read"))])

MOST = 100
"""Items in one answer, at most."""
LARGEST = 500
"""Items in a basket, at most."""

MOST_CUSTOMERS = 100
"""Customers in one batch, at most."""

Item = Annotated[str, Field(min_length=1, max_length=1000)]
Exclude = Annotated[list[Item], Field(max_length=LARGEST, description="items that are not to come")]
NewOnly = Annotated[bool, Field(description="only items that the customer has not bought, as far as is remembered")]


class RecommendationQuery(Body):
    """The customer and the basket to recommend for."""

    model_config = ConfigDict(json_schema_extra={"example": {"customer_id": "C17", "basket": ["tea"]}})

    customer_id: Annotated[
        str | None, Field(min_length=1, max_length=1000, description="for whom; left out: nobody in particular")
    ] = None
    basket: Annotated[
        list[Item], Field(max_length=LARGEST, description="what is in the basket already; the order does not matter")
    ] = Field(default=[])
    exclude: Exclude = Field(default=[])
    new_only: NewOnly = False
    limit: Annotated[int, Field(ge=1, le=MOST, description="items, at most"), INTEGER] = TOP


class RecommendationBatchQuery(Body):
    """The customers to recommend to."""

    model_config = ConfigDict(json_schema_extra={"example": {"customer_ids": ["C17", "C18"], "limit": 3}})

    customer_ids: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=1000)]],
        Field(min_length=1, max_length=MOST_CUSTOMERS, description="for whom; each comes once"),
    ]
    exclude: Exclude = Field(default=[])
    new_only: NewOnly = False
    limit: Annotated[int, Field(ge=1, le=MOST, description="items for each, at most"), INTEGER] = TOP


@router.post("/recommendations", responses=problems(404))
async def recommend(query: RecommendationQuery, request: Request, service: TheService) -> Recommendations:
    """Return items to recommend, the best first, each with why; none that is in the basket already or sold out.

    With a customer and a basket both count; without any, what is popular comes. A customer who is not known is reported
    (404) if there is no basket to go by. What a customer bought before counts, if that is anything, which
    `history` says; the customer is read as of now, the counts of items are at most seconds older.
    """
    if query.customer_id is not None:
        await service.audit.note(request, "recommend", [query.customer_id])
    asked = RecommendationRequest(query.basket, query.limit, query.exclude, query.new_only)
    return Recommendations.model_validate(await service.recommender.recommend(query.customer_id, asked))


@router.post("/recommendations:batch", responses=problems())
async def recommend_each(
    query: RecommendationBatchQuery, request: Request, service: TheService
) -> RecommendationsBatch:
    """Return recommendations for several customers, without a basket, and who is not known."""
    await service.audit.note(request, "recommend", query.customer_ids)
    asked = RecommendationRequest((), query.limit, query.exclude, query.new_only)
    return RecommendationsBatch.model_validate(await service.recommender.recommend_each(query.customer_ids, asked))
