"""Rules and recommendations, as look-ups answer them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from crm_online.answers.answer import Answer, SegmentOrNone, Time

Sort = Literal["rank", "support", "confidence", "lift", "article_gain", "mutual_information", "leverage", "conviction"]
"""What rules are sorted by: their rank, the best first, or a measure, the largest first and equals by rank."""
Items = Annotated[list[str], Field(description="items in ascending order")]


class RuleInForce(Answer, title="Rule"):
    """A rule antecedent ⇒ consequent that holds now; the measures are explained in the topic's schema."""

    change_id: Annotated[str | None, Field(description="the last change of it; null: none was made yet")]
    change: Literal["entered", "changed", "left"]
    antecedent: Items
    consequent: Items
    support: float
    confidence: float
    lift: float
    article_gain: float
    mutual_information: float
    leverage: float
    conviction: Annotated[float | None, Field(description="null: infinite, the confidence is 1")]
    count: float
    error: float
    baskets: float
    rank: int
    p_next_basket: Annotated[
        float | None,
        Field(
            description="what the rank is predicted by: chance that the next basket of who buys the antecedent holds "
            "the consequent; null: nothing was learned yet, the rank is by a fixed score"
        ),
    ]
    segment: Annotated[str | None, Field(description="the segment whose rule it is; null: of all customers")]
    time: Annotated[
        Time | None, Field(description="event time of its last change; null: none was made yet, or of a segment's rule")
    ] = None
    everybody: Annotated[
        float | None, Field(description="of a segment's rule, the support among the kept orders of all customers")
    ] = None
    customers: Annotated[
        int | None, Field(description="of a segment's rule, how many different customers have an order with both sides")
    ] = None


class Rules(Answer):
    """Some of the rules."""

    as_of: Time
    total: Annotated[int, Field(description="rules that fit, on all pages")]
    lacking: Annotated[
        str | None, Field(description="where no rule is in force at all: what is lacking for one, in words")
    ] = None
    rules: list[RuleInForce]
    next: Annotated[str | None, Field(description="give it as ?after= for the next page; null: this was the last")]


class Because(Answer):
    """Why an item is recommended: the strongest of what speaks for it.

    ``basket``: a rule, of which the antecedent is an item of the basket; its measures are over all baskets.
    ``history``: the customer's own habit. ``everybody``: how popular the item is.
    """

    kind: Annotated[
        Literal["basket", "history", "everybody"],
        Field(description="what speaks for it: an item of the basket, what the customer bought before, all baskets"),
    ]
    antecedent: Annotated[list[str], Field(description="the item of the basket; empty: not for one of them")]
    consequent: Annotated[list[str], Field(description="the item that is recommended")]
    support: Annotated[float, Field(description="share of baskets with both sides, or with the item alone")]
    confidence: Annotated[
        float,
        Field(
            description="basket: share of the baskets with the antecedent that have the item too; history: share of "
            "the customer's orders that had the item, older ones count less; everybody: the support"
        ),
    ]
    lift: Annotated[float, Field(description="confidence as a multiple of the item's own support")]
    bought: Annotated[
        float | None, Field(description="history: decayed number of the customer's orders with the item; else null")
    ] = None
    orders: Annotated[
        float | None, Field(description="history: decayed number of the customer's orders; else null")
    ] = None
    text: Annotated[str, Field(description="one sentence for a person")]


class Recommendation(Answer):
    """An item that is recommended."""

    item: str
    rank: int
    score: Annotated[float, Field(description="items are ranked by it; comparable within one answer only")]
    category: Annotated[str | None, Field(description="as the catalogue says; null: it does not")] = None
    price: Annotated[float | None, Field(description="as the catalogue says; null: it does not")] = None
    because: Because


class Recommendations(Answer):
    """Items that are recommended, the best first; none that is in the basket already, excluded or sold out."""

    customer_id: str | None
    segment: Annotated[SegmentOrNone, Field(description="of the customer; null: in none, or no such customer")]
    history: Annotated[bool, Field(description="whether the customer has bought before")]
    basket: Annotated[list[str], Field(description="the items of the basket, each once, in ascending order")]
    unknown: Annotated[list[str], Field(description="items of the basket that no basket had so far")]
    as_of: Time
    items: list[Recommendation]


class RecommendationsBatch(Answer):
    """Recommendations for several customers."""

    recommendations: Annotated[list[Recommendations], Field(description="in the order asked for")]
    missing: Annotated[list[str], Field(description="customers who are not known")]
