"""Association rules as they are now."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from crm_online.values.segments import Time
from crm_online.values.value import ChangeValue, Share, Weight

Side = Annotated[list[str], Field(min_length=1, max_length=2)]


class Rule(ChangeValue):
    """A rule antecedent ⇒ consequent. Key: both as a JSON array without blanks, ``[["a","b"],["c"]]``.

    One that left has the figures that were last published in the file; on the topic it is a tombstone. A share may
    lie above 1 by what floating point leaves over.
    """

    change: Literal["entered", "changed", "left"]
    antecedent: Annotated[Side, Field(description="items in ascending order")]
    consequent: Annotated[Side, Field(description="items in ascending order")]
    support: Annotated[Weight, Field(description="share of the baskets that has all items of both sides")]
    confidence: Annotated[Weight, Field(description="share of the baskets with the antecedent that has the consequent")]
    lift: Annotated[Weight, Field(description="how many times as often as if the sides were independent")]
    article_gain: Annotated[float, Field(description="confidence · log2(confidence)")]
    mutual_information: Annotated[Weight, Field(description="of having the one side and the other, in bits")]
    leverage: Annotated[float, Field(description="support beyond that of independent sides")]
    conviction: Annotated[float | None, Field(description="null: infinite, the confidence is 1")]
    count: Annotated[Weight, Field(description="decayed number of baskets with all items, at least")]
    error: Annotated[Weight, Field(description="the true number is at most count + error")]
    baskets: Annotated[Weight, Field(description="decayed number of all baskets")]
    rank: Annotated[int, Field(ge=1, description="place among the rules in force when it was published, the best is 1")]
    p_next_basket: Annotated[
        Share | None,
        Field(
            description="what the rank was predicted by: chance that the next basket of who bought the antecedent "
            "holds the consequent; null: nothing was learned yet, the rank is by a fixed score"
        ),
    ]
    segment: Annotated[None, Field(description="null: the rule is of all customers")]
    time: Annotated[
        Time,
        Field(description="event time at which rules were derived and it was found to be so, in whole seconds, UTC"),
    ]
