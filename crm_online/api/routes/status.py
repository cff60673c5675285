"""The status of the state, in numbers."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Response

from crm_online.answers.service import Status
from crm_online.api.keys import requires
from crm_online.api.service import TheService

router = APIRouter(prefix="/v1", tags=["service"], dependencies=[Depends(requires("read"))])


@router.get("/status")
async def get_status(service: TheService, response: Response) -> Status:
    """Return how far each partition is, what was counted so far, and how fast it goes on."""
    response.headers["Cache-Control"] = "no-store"
    found = service.snapshots.needed().status
    shop = service.settings.serve
    return found.model_copy(update={"currency": shop.currency, "locale": shop.locale, "zone": shop.zone})
