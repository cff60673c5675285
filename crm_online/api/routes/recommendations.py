"""POST /v1/recommendations: what to recommend to a customer, or with a basket."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import ConfigDict, Field

from crm_online.answers.rules import Recommendations
from crm_online.api.body import Body
from crm_online.api.keys import requires
from crm_online.api.problems import problems
from crm_online.api.service import TheService
from crm_online.recommend.answer import TOP

router = APIRouter(prefix="/v1", tags=["recommendations"], dependencies=[Depends(requires("read"))])

MOST = 100
"""Items in one answer, at most."""
LARGEST = 500
"""Items in a basket, at most."""

Item = Annotated[str, Field(min_length=1, max_length=1000)]


class RecommendationQuery(Body):
    """The customer and the basket to recommend for."""

    model_config = ConfigDict(json_schema_extra={"example": {"customer_id": "C17", "basket": ["tea"]}})

    customer_id: Annotated[
        str | None, Field(min_length=1, max_length=1000, description="for whom; left out: nobody in particular")
    ] = None
    basket: Annotated[
        list[Item], Field(max_length=LARGEST, description="what is in the basket already; the order does not matter")
    ] = Field(default=[])
    limit: Annotated[int, Field(ge=1, le=MOST, description="items, at most")] = TOP


@router.post("/recommendations", responses=problems(404))
async def recommend(query: RecommendationQuery, service: TheService) -> Recommendations:
    """Return items to recommend, the best first, each with why; none that is in the basket already.

    With a customer and a basket both count; without any, what is popular comes. A customer who is not known is reported
    (404) if there is no basket to go by. What a customer bought before counts, if that is anything, which
    `history` says; the customer is read as of now, the counts of items are at most seconds older.
    """
    found = await service.recommender.recommend(query.customer_id, query.basket, query.limit)
    return Recommendations.model_validate(found)
