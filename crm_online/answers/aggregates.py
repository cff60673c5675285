"""What keys of the scope ``aggregates`` are shown: each figure stands on enough of them."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import Field

from crm_online.answers.answer import Answer
from crm_online.values.segments import SegmentId

Share = Annotated[float, Field(description="with two digits")]
AsOf = Annotated[date, Field(description="day, in event time, of the figures: they stay until enough changed")]


class AggregateTrait(Answer):
    """What enough of a segment's sampled customers have more, or less, often than others."""

    kind: Annotated[str, Field(description="attributes, contact_reasons or items")]
    name: Annotated[str | None, Field(description="of an attribute; else null")] = None
    value: Annotated[str | None, Field(description="a value, a reason or an item; null: the share is a mean")] = None
    share: Share


class AggregateSegment(Answer):
    """A segment of enough customers."""

    id: SegmentId
    name: str
    size: Annotated[int, Field(ge=0, description="customers, rounded down to a multiple of least_customers")]
    as_of: AsOf
    features: Annotated[
        dict[str, float], Field(description="means with two digits, of features in which enough customers differ")
    ]
    traits: list[AggregateTrait]
    purchase: Annotated[float | None, Field(description="mean chance of a purchase; null: not known yet")] = None


class AggregateRule(Answer):
    """A rule that enough different customers bear out, as far as the orders that are kept can say."""

    antecedent: list[str]
    consequent: list[str]
    as_of: AsOf
    support: Share
    confidence: Share
    lift: Share


class Aggregates(Answer):
    """Segments and rules, each of which stands on enough customers, as does any difference to the last publication."""

    least_customers: Annotated[int, Field(ge=2, description="customers that each figure stands on at least")]
    segments: list[AggregateSegment]
    rules: list[AggregateRule]
