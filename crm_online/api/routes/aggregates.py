"""What stands on many customers: all that a key with the scope ``aggregates`` can ask for."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Response

from crm_online.answers.aggregates import Aggregates
from crm_online.api.keys import requires
from crm_online.api.service import TheService

router = APIRouter(prefix="/v1", tags=["aggregates"], dependencies=[Depends(requires("aggregates"))])


@router.get("/aggregates")
async def get_aggregates(service: TheService, response: Response) -> Aggregates:
    """Return segments and rules whose figures stand on `privacy.least_customers` different customers.

    So does any difference to the last publication: a figure is published anew only once as many customers changed.
    """
    response.headers["Cache-Control"] = "private, max-age=60"
    return await service.aggregates.current()
