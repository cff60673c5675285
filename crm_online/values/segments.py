"""Customers who move between segments, and segments as they are now."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, Field, PlainSerializer, TypeAdapter, model_validator

from crm_online.events.models import Id
from crm_online.events.times import from_datetime, to_short_iso
from crm_online.values.value import ChangeValue, Share, Value, Weight


def _iso(time: datetime) -> str:
    return to_short_iso(from_datetime(time))


SegmentId = Annotated[str, Field(pattern=r"^s[1-9][0-9]*$")]
Time = Annotated[AwareDatetime, PlainSerializer(_iso, return_type=str, when_used="json")]
Features = dict[str, float]
EventType = Literal["purchase", "return", "view", "feedback", "contact", "profile", "outcome"]


class EventCause(Value):
    """The event after which a customer moved."""

    event_id: str
    type: EventType


class LapseCause(Value):
    """How long a customer had been idle."""

    idle_days: float


class RefitCause(Value):
    """The version of the model with which the customer moved."""

    model_version: Annotated[int, Field(ge=1)]


class EraseCause(Value):
    """The customer was erased."""

    type: Literal["erase"]


class RewindCause(Value):
    """The store was put back in time: it does not know what was published since."""

    type: Literal["rewind"]


_CAUSES = {"event": EventCause, "lapse": LapseCause, "refit": RefitCause, "erase": EraseCause, "rewind": RewindCause}


class SegmentChange(ChangeValue):
    """A customer is reported in another segment. Key: the customer's id."""

    customer_id: Id
    from_: Annotated[SegmentId | None, Field(alias="from", description="null: in none before")]
    to: Annotated[SegmentId | None, Field(description="null: in none any more")]
    reason: Annotated[
        Literal["event", "lapse", "refit", "erase", "rewind"],
        Field(
            description="an event of the customer; time that went by without one; another version of the model; "
            "the customer was erased; the store was put back in time, and this is what holds now"
        ),
    ]
    time: Annotated[Time, Field(description="event time, in UTC")]
    margin: Annotated[
        Share | None,
        Field(description="by what share the new segment is nearer than the old one; null: there is no such one"),
    ]
    features: Annotated[Features, Field(description="the customer's features at that time, in their own units")]
    model_version: Annotated[int, Field(ge=0, description="version of the model; 0: there was none yet")]
    cause: EventCause | LapseCause | RefitCause | EraseCause | RewindCause

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if type(self.cause) is not _CAUSES[self.reason]:
            raise ValueError(f"a change of reason {self.reason} has another cause than {self.cause!r}")
        if self.reason == "erase" and self.to is not None:
            raise ValueError("who was erased is in no segment any more")
        return self


class Fact(Value):
    """One thing that sets a segment apart; it has either a ratio or a difference."""

    feature: str
    value: Annotated[float, Field(description="of the segment")]
    everybody: Annotated[float, Field(description="of all customers")]
    ratio: Annotated[Weight, Field(description="value / everybody")] | None = None
    difference: Annotated[float, Field(description="value - everybody")] | None = None
    unit: str

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if (self.ratio is None) == (self.difference is None):
            raise ValueError("a fact has either a ratio or a difference")
        return self


class Description(Value):
    """What sets a segment apart from the population, in one sentence and in numbers, the strongest first."""

    text: str
    facts: list[Fact]


class Segment(ChangeValue):
    """A segment as it is now. Key: its id."""

    id: Annotated[SegmentId, Field(description="stays when a better model is fitted; is not given again")]
    name: Annotated[str, Field(min_length=1, description="unique among the segments; may change")]
    size: Annotated[int, Field(ge=0, description="number of customers")]
    centroid: Annotated[Features, Field(description="its centre, in the features' own units")]
    description: Description
    J_share: Annotated[Share, Field(description="its share of J, the sum of squared distances to the centres")]
    model_version: Annotated[int, Field(ge=1)]


class SegmentGone(ChangeValue):
    """A segment that is no more, in the file; on the topic it is a tombstone."""

    id: SegmentId
    model_version: Annotated[int, Field(ge=0)]


SEGMENT_LINE: TypeAdapter[Segment | SegmentGone] = TypeAdapter(Segment | SegmentGone)
"""Validates a line of ``segments.jsonl``."""
