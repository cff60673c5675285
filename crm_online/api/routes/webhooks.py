"""The webhooks: how far each is, what it could not deliver, and sending that again."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from pydantic import ConfigDict, Field

from crm_online.answers.webhooks import DeadLetters, ResendReceipt, WebhookStatuses
from crm_online.api.body import Body
from crm_online.api.keys import requires
from crm_online.api.problems import ProblemError, problems
from crm_online.api.service import TheService
from crm_online.values.value import ChangeId

router = APIRouter(prefix="/v1/webhooks", tags=["webhooks"], dependencies=[Depends(requires("admin"))])

WebhookName = Annotated[str, Path(max_length=100, description="as in the settings")]
_MOST = 1000


class ResendQuery(Body):
    """Which dead letters to send again."""

    model_config = ConfigDict(json_schema_extra={"example": {"change_ids": ["0-0-17"]}})

    change_ids: Annotated[list[ChangeId], Field(max_length=_MOST, description="of these changes; left out: all")] = (
        Field(default=[])
    )


@router.get("")
async def get_webhooks(service: TheService) -> WebhookStatuses:
    """Return how far each webhook is, whichever process sends."""
    return WebhookStatuses(webhooks=await service.webhooks.statuses())


@router.get("/{name}/dead-letters", responses=problems(404))
async def get_dead_letters(
    service: TheService,
    name: WebhookName,
    limit: Annotated[int, Query(ge=1, le=_MOST, description="dead letters, at most")] = 100,
) -> DeadLetters:
    """Return the changes that a webhook could not deliver, the oldest first."""
    found = await service.webhooks.letters(name, limit)
    if found is None:
        raise _unknown()
    return DeadLetters(dead_letters=found)


@router.post("/{name}/dead-letters:resend", status_code=202, responses=problems(404))
async def resend_dead_letters(service: TheService, name: WebhookName, query: ResendQuery) -> ResendReceipt:
    """Ask for dead letters to be sent again, which whichever process sends does within seconds.

    Those that are delivered are dead letters no more, nor are those whose change is kept no more.
    """
    found = await service.webhooks.request_again(name, query.change_ids)
    if found is None:
        raise _unknown()
    return found


def _unknown() -> ProblemError:
    return ProblemError(404, "the settings have no webhook of this name", kind="unknown-webhook")
