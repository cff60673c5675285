"""What the feed of changes has besides the changes, whose values are those of the topics (``crm_online.values``)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from crm_online.answers.answer import Answer, Time
from crm_online.step import Kind
from crm_online.values.value import ChangeId

GapReason = Literal["trimmed", "rewound"]
"""Why changes are missing: they are kept no more, or the state was put back in time, and they hold no more."""


class Gap(Answer):
    """Changes of one partition that cannot be sent any more: look up again what you know from changes."""

    partition: Annotated[int, Field(ge=0)]
    after: Annotated[ChangeId, Field(description="the last change before the gap")]
    upto: Annotated[ChangeId, Field(description="the last change in the gap")]
    reason: Annotated[
        GapReason,
        Field(description="they are kept no more; the state was put back in time, and they are not so any more"),
    ]
    kinds: Annotated[list[Kind], Field(description="the kinds of which changes are missing; of others none are")]


class DigestFlow(Answer):
    """How many moves went from one segment to another for one reason."""

    from_: Annotated[str, Field(alias="from")]
    to: str
    from_name: str
    to_name: str
    reason: Annotated[str, Field(description="event or lapse: what customers did, or did no more")]
    moves: int
    monthly: Annotated[
        float | None, Field(description="what those who moved spent a month until then; null: not known, or nothing")
    ] = None
    idle_days: Annotated[
        float | None, Field(description="median of how many days customers had been without an event; null: not so")
    ] = None


class HeadlinePart(Answer):
    """A piece of the headline; one after the other they are the whole."""

    text: Annotated[str | None, Field(description="null: it is money")] = None
    money: Annotated[float | None, Field(description="an amount in the shop's currency")] = None
    list: Annotated[str | None, Field(description="where what it counts is listed, such as /v1/moves?…")] = None


class PeriodFigure(Answer):
    """A figure of the whole days of a period, and of as many days before."""

    name: Annotated[
        Literal["active", "revenue", "orders", "at_risk", "moves"],
        Field(
            description="different customers with an event; money of all purchases; orders; customers in a risk band "
            "below one half on the last day; moves that customers made"
        ),
    ]
    value: float
    before: Annotated[float | None, Field(description="of the period before; null: it is not known whole")]
    series: Annotated[list[float], Field(description="day by day, both periods")]


class Digest(Answer):
    """What changed in a period, as far as changes are kept."""

    since: Time
    until: Annotated[datetime, Field(description="the first event time after it, in UTC")]
    kept_since: Annotated[Time | None, Field(description="from when on all changes are kept; null: none are")] = None
    headline: Annotated[str, Field(description="two or three sentences for a person")]
    parts: Annotated[
        list[HeadlinePart],
        Field(default_factory=list, description="the headline, with where its numbers are listed"),
    ]
    days: Annotated[int, Field(description="whole days (UTC) of the period: what the figures are of")] = 0
    figures: Annotated[list[PeriodFigure], Field(default_factory=list)]
    moves: Annotated[int, Field(description="from one segment to another, by what customers did")]
    moves_before: Annotated[int, Field(description="the same in the period of the same length before")]
    refits: Annotated[int, Field(description="moves since a model was fitted anew, or gone segments")]
    newcomers: Annotated[int, Field(description="customers who got their first segment")]
    flows: Annotated[list[DigestFlow], Field(description="these moves, the largest flow first")]
    rules_entered: Annotated[int, Field(description="rules in force at its end that were not so at its begin")]
    rules_changed: Annotated[int, Field(description="rules in force at both with other figures")]
    rules_left: Annotated[int, Field(description="rules in force at its begin that are so no more")]


class ListedMove(Answer):
    """A customer who moved."""

    customer_id: str
    from_: Annotated[str | None, Field(alias="from")]
    to: str | None
    from_name: Annotated[str | None, Field(description="as it was called then")]
    to_name: str | None
    reason: str
    time: Time
    event_type: Annotated[str | None, Field(description="after which kind of event; null: for another reason")]
    idle_days: Annotated[float | None, Field(description="after how many days without an event; null: not so")]
    monthly: Annotated[
        float | None,
        Field(description="what they used to spend a month, long ago counting less; null: not known"),
    ]


class Moves(Answer):
    """Who moved in a period, the last first, as far as changes are kept."""

    since: Time
    until: Time
    kept_since: Annotated[Time | None, Field(description="from when on all changes are kept; null: none are")]
    total: Annotated[int, Field(description="moves that match; there may be more than are listed")]
    customers: Annotated[int, Field(description="different customers among them")]
    monthly: Annotated[float | None, Field(description="what those who moved used to spend a month, each move counted")]
    moves: list[ListedMove]


class RuleDifference(Answer):
    """How a rule differs between the begin and the end of a period."""

    antecedent: list[str]
    consequent: list[str]
    change: Literal["entered", "changed", "left"]
    time: Annotated[Time, Field(description="event time of its last change in the period")]
    confidence_before: Annotated[float | None, Field(description="at its begin; null: there was none, or not known")]
    lift_before: float | None
    support: Annotated[float, Field(description="at its end; of one that left, the last")]
    confidence: float
    lift: float


class RuleChanges(Answer):
    """How rules changed in a period, as far as changes are kept; those that came and went again are left out."""

    since: Time
    until: Time
    kept_since: Annotated[
        Time | None, Field(description="from when on all changes of rules are kept; null: none are")
    ] = None
    total: int
    rules: Annotated[list[RuleDifference], Field(description="the clearest first")]
