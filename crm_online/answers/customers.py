"""Customers, as look-ups answer them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from crm_online.answers.answer import Answer, Features, SegmentOrNone, Time
from crm_online.answers.predictions import CustomerPredictions
from crm_online.values.predictions import PredictionChange
from crm_online.values.rejects import Reject
from crm_online.values.segments import SegmentChange

Reason = Literal["event", "lapse", "refit", "erase", "rewind"]


class Move(Answer):
    """A customer went from one reported segment to another."""

    time: Time
    from_: Annotated[SegmentOrNone, Field(alias="from")]
    to: SegmentOrNone
    reason: Reason


class Customer(Answer):
    """One customer as of the latest event."""

    customer_id: str
    segment: SegmentOrNone
    since: Annotated[Time | None, Field(description="when the segment was entered; null: in none")]
    features: Annotated[Features, Field(description="as the model sees them: amounts of long ago count less")]
    distances: Annotated[
        dict[str, float], Field(description="to each segment's centroid, in standard deviations; empty: no model yet")
    ]
    history: Annotated[list[Move], Field(description="the last moves, the newest first")]
    predictions: Annotated[
        CustomerPredictions | None, Field(description="null: nothing is predicted yet, or nothing was ever bought")
    ] = None
    events: Annotated[int, Field(ge=0, description="accepted events")]
    last_event: Time
    totals: Totals
    also_in_partitions: Annotated[
        list[int] | None, Field(description="other partitions that have the customer too: producers disagree on keys")
    ] = None


class Customers(Answer):
    """Several customers."""

    customers: Annotated[list[Customer], Field(description="those that are known, in the order asked for")]
    missing: Annotated[list[str], Field(description="those that are not")]


class CustomerIds(Answer):
    """Customers whose ids begin with a text, the shortest first."""

    ids: list[str]
    complete: Annotated[bool, Field(description="whether these are all")]


class RememberedPurchases(Answer):
    """What is remembered of a customer's orders: decayed numbers of them, of all and with each item."""

    orders: float
    items: dict[str, float]


class FeedbackSums(Answer):
    """Sums over a customer's feedback."""

    count: int
    score_sum: float
    unhappy: int


class SampledTraits(Answer):
    """What is remembered of a customer of the sample."""

    attributes: dict[str, str | float | list[str]]
    reasons: Annotated[dict[str, int], Field(description="contacts by reason")]
    feedback: FeedbackSums
    items: Annotated[dict[str, int], Field(description="order lines by item")]


class KeptBasket(Answer):
    """Lines of an order or a return that are kept, so that late ones find theirs."""

    basket_id: str
    type: Literal["purchase", "return"]
    first: Time
    last: Time
    items: list[str]


class KeptOrder(Answer):
    """An order that is kept, for recommendations to learn from."""

    time: Time
    items: list[str]


class KeptTransition(Answer):
    """An order and the next one, for rules to be judged by."""

    order: list[str]
    next: list[str]


class KeptExample(Answer):
    """The customer at a moment, for predictions to learn from."""

    target: str
    moment: Time
    outcome: Annotated[float | None, Field(description="null: not known yet")]
    features: dict[str, float | None]
    predicted: Annotated[list[float | None], Field(description="by each model of then")]


class PersonalDataPart(Answer):
    """What one partition holds of a customer; what it does not hold is left out."""

    partition: int
    bought: RememberedPurchases | None = None
    sampled: SampledTraits | None = None
    open_baskets: Annotated[list[KeptBasket], Field(default_factory=list)]
    counted_baskets: Annotated[list[KeptBasket], Field(default_factory=list)]
    orders: Annotated[list[KeptOrder], Field(default_factory=list)]
    transitions: Annotated[list[KeptTransition], Field(default_factory=list)]
    examples: Annotated[list[KeptExample], Field(default_factory=list)]
    moves: Annotated[
        list[SegmentChange], Field(default_factory=list, description="kept changes of the customer's segment")
    ]
    prediction_changes: Annotated[
        list[PredictionChange], Field(default_factory=list, description="kept changes of what is predicted")
    ]
    rejects: Annotated[list[Reject], Field(default_factory=list, description="kept rejects that have the id")]
    suppressed_before: Annotated[
        Time | None, Field(description="the customer was erased: what happened before is left out")
    ] = None
    objected_since: Annotated[
        Time | None, Field(description="the customer objects to being profiled: nothing of them counts")
    ] = None


class PersonalData(Answer):
    """All that the state holds of a customer."""

    customer_id: str
    customer: Annotated[Customer | None, Field(description="null: no such customer, or no more")]
    earlier: Annotated[
        list[Customer],
        Field(default_factory=list, description="what is held of the customer under older keys of pseudonyms"),
    ]
    partitions: list[PersonalDataPart]


class Totals(Answer):
    """What a customer did so far, as plain numbers: nothing of it decays."""

    purchases: Annotated[int, Field(description="orders")]
    returns: int
    spend: Annotated[float, Field(description="money of all purchases, in the shop's currency")]
    items: Annotated[float, Field(description="pieces bought")]
    first_event: Time
    last_purchase: Time | None
    gave_feedback: Annotated[
        bool | None, Field(description="whether there was any feedback; null: no feature in use reads it")
    ]


class Member(Answer):
    """A customer in a segment."""

    customer_id: str
    since: Time
    spend: Annotated[float, Field(description="money of all purchases, in the shop's currency")] = 0.0
    last_purchase: Annotated[Time | None, Field(description="null: none")] = None


class Members(Answer):
    """Some customers of a segment, in no order, or by a sort."""

    segment: str
    customers: list[Member]
    next: Annotated[str | None, Field(description="give it as ?after= for the next page; null: this was the last")]
    complete: Annotated[
        bool, Field(description="whether all customers were looked at; false: those by a sort are of some only")
    ] = True


class Pull(Answer):
    """What one feature did to a customer's move."""

    feature: str
    value: Annotated[float, Field(description="of the customer")]
    unit: str
    left: Annotated[float, Field(description="centroid of the segment in `against`")]
    entered: Annotated[float, Field(description="centroid of the segment that was entered")]
    pull: Annotated[
        float,
        Field(
            description="squared distance to the segment in `against` less that to the one entered, along this "
            "feature, in squared standard deviations; above 0 it spoke for the move"
        ),
    ]


class Cause(Answer):
    """What made a customer move: an event, idle days, or another version of the model."""

    change_id: Annotated[str | None, Field(description="the change of this move, while it is kept; else null")]
    time: Time
    from_: Annotated[SegmentOrNone, Field(alias="from")]
    to: SegmentOrNone
    reason: Reason
    event_id: str | None = None
    event_type: str | None = None
    idle_days: float | None = None
    model_version: int | None = None
    margin: Annotated[float | None, Field(description="by what share the segment entered was nearer")] = None
    from_name: Annotated[str | None, Field(description="name of the segment left, as it was then")] = None
    to_name: Annotated[str | None, Field(description="name of the segment entered, as it was then")] = None
    pulls: Annotated[
        list[Pull],
        Field(
            default_factory=list,
            description="what each feature did to the move, the strongest first; they add up to what the squared "
            "distances differ by; empty: not kept",
        ),
    ]
    against: Annotated[
        SegmentOrNone,
        Field(
            description="the segment that pulls are measured against: the one left, or the next nearest where there "
            "was none or it is gone"
        ),
    ] = None
    distances: Annotated[
        dict[str, float],
        Field(default_factory=dict, description="to `against` and to the segment entered, at the move"),
    ]


class Explanation(Answer):
    """Why a customer is in the segment: the features and the events that led there."""

    customer_id: str
    segment: SegmentOrNone
    text: Annotated[str, Field(description="one sentence for a person")]
    pulls: Annotated[
        list[Pull],
        Field(description="of the last move, as in its cause: what decided then; empty: that is not kept"),
    ]
    against: Annotated[SegmentOrNone, Field(description="the segment that these pulls are measured against")]
    causes: Annotated[list[Cause], Field(description="of the last moves, the newest first")]


class RemainingCopy(Answer):
    """Where copies of an erased customer may be that this service does not reach."""

    where: str
    until: str


class ErasureReceipt(Answer):
    """The receipt of an erasure: how many customers of those that were asked for have left the state."""

    id: Annotated[str, Field(description="for `/v1/erasures/{id}`")]
    asked: Annotated[datetime, Field(description="when, by the clock, in UTC")]
    customers: Annotated[int, Field(description="how many were asked for")]
    erased: Annotated[
        int, Field(description="of them, those of whom no key of the state has anything but a salted hash of the id")
    ]
    done: Annotated[bool, Field(description="whether these are all")]
    remains: Annotated[list[RemainingCopy], Field(description="what is left elsewhere, and until when")]
