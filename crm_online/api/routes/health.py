"""How the service itself is: alive, ready, in numbers."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Response
from prometheus_client import CONTENT_TYPE_LATEST

from crm_online.answers.service import Alive, Ready
from crm_online.api.keys import requires
from crm_online.api.service import TheService

router = APIRouter(tags=["service"])


@router.get("/healthz")
async def get_health() -> Alive:
    """Tell that the process runs."""
    return Alive()


@router.get("/readyz", responses={503: {"model": Ready, "description": "Not ready; the reasons say why"}})
async def get_ready(service: TheService, response: Response) -> Ready:
    """Tell whether look-ups can be answered, and if not, why."""
    reasons = [reason for part in service.parts() if (reason := part.trouble()) is not None]
    response.status_code = 503 if reasons else 200
    response.headers["Cache-Control"] = "no-store"
    return Ready(ready=not reasons, reasons=list(dict.fromkeys(reasons)))


@router.get(
    "/metrics",
    dependencies=[Depends(requires("read"))],
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}, "description": "For Prometheus"}},
)
async def get_metrics(service: TheService) -> Response:
    """Give what the service counted and measured, in the text format of Prometheus."""
    return Response(service.metrics.text(), headers={"Content-Type": CONTENT_TYPE_LATEST, "Cache-Control": "no-store"})
