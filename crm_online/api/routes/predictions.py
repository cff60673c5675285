"""How good predictions are."""

from __future__ import annotations

from fastapi import APIRouter, Depends
from starlette.responses import Response

from crm_online.answers.predictions import PredictionFigures
from crm_online.api.documents import NOT_MODIFIED, IfNoneMatch, document
from crm_online.api.keys import requires
from crm_online.api.service import TheService

router = APIRouter(prefix="/v1", tags=["predictions"], dependencies=[Depends(requires("read"))], responses=NOT_MODIFIED)


@router.get("/predictions", response_model=PredictionFigures)
async def get_predictions(service: TheService, if_none_match: IfNoneMatch = None) -> Response:
    """Return how good each model of each target is, as `crm-online predictions --json` has it."""
    found = service.snapshots.needed().predictions
    return document(found.body, found.etag, if_none_match)
