"""How far the webhooks are, and what they could not deliver."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field

from crm_online.answers.answer import Answer
from crm_online.values.value import ChangeId


class WebhookStatus(Answer):
    """How far a webhook is."""

    name: Annotated[str, Field(description="as in the settings")]
    receiver: Annotated[str, Field(description="scheme and host of its URL")]
    kinds: Annotated[list[str], Field(description="which kinds of change are sent")]
    cursor: Annotated[
        str | None,
        Field(description="the changes up to which all were delivered or are dead letters; null: none was sent yet"),
    ]
    behind: Annotated[int, Field(ge=0, description="changes after the cursor, whether they match or not")]
    delivered: Annotated[int, Field(ge=0, description="deliveries that the receiver took, in all")]
    dead_letters: Annotated[int, Field(ge=0, description="changes that could not be delivered")]
    error: Annotated[str | None, Field(description="why the last delivery failed; null: it did not")]


class WebhookStatuses(Answer):
    """How far the webhooks are."""

    webhooks: list[WebhookStatus]


class DeadLetter(Answer):
    """A change that could not be delivered; what it says is kept with the other changes, as long as these are."""

    change_id: ChangeId
    kind: Annotated[str, Field(description="what the change is about")]
    attempts: Annotated[int, Field(ge=0, description="how often it was tried since the service last started")]
    failed_at: Annotated[datetime, Field(description="when it was given up, in UTC")]
    error: Annotated[str, Field(description="why the last attempt failed")]


class DeadLetters(Answer):
    """What a webhook could not deliver, the oldest first."""

    dead_letters: list[DeadLetter]


class ResendReceipt(Answer):
    """What became of a request to send dead letters again."""

    requested: Annotated[int, Field(ge=0, description="dead letters that will be sent again, by whoever sends")]
