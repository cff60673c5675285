"""Customers of whom something else is predicted than before."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from crm_online.events.models import Id
from crm_online.values.segments import EraseCause, EventCause, LapseCause, RewindCause, Time
from crm_online.values.value import ChangeValue, Share

Band = Annotated[
    str, Field(pattern=r"^[0-9.e-]+-[0-9.e-]+$", description="the borders of a risk band, such as 0.2-0.5")
]


class PredictionChange(ChangeValue):
    """A customer is in another risk band, or in another band of a target of outcome events. Key: the customer's id."""

    customer_id: Id
    target: Annotated[
        str,
        Field(
            description="what is predicted: ``purchase``, within the horizon, or the name of a target of outcome events"
        ),
    ]
    from_: Annotated[Band | None, Field(alias="from", description="null: in none before")]
    to: Annotated[Band | None, Field(description="null: in none any more")]
    p: Annotated[Share | None, Field(description="the chance of it; null: the customer was erased, or see rewind")]
    reasons: Annotated[list[str], Field(description="what weighs most in it, in words, the strongest first")]
    time: Annotated[Time, Field(description="event time, in UTC")]
    model_version: Annotated[int, Field(ge=0, description="version of the predictor; 0: there was none yet")]
    cause: EventCause | LapseCause | EraseCause | RewindCause
