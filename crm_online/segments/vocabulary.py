"""The words for features: how a segment that has much or little of one is told to a marketer."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Told(StrEnum):
    """How a feature's value is set against everybody's."""

    RATIO = "ratio"
    DIFFERENCE = "difference"


class Place(StrEnum):
    """Where in a segment's name a feature's word stands."""

    ADJECTIVE = "adjective"
    NOUN = "noun"


@dataclass(frozen=True, slots=True)
class Words:
    """The words for one feature.

    Attributes
    ----------
    unit
        Unit of its value.
    told
        Whether it is told as a ratio to everybody's value or beside it.
    phrase
        A sentence's part with the places ``{value}``, ``{everybody}`` and ``{ratio}``.
    none
        The phrase for a ratio of nearly nothing; empty if there is none.
    place
        Where its word stands in a name.
    high, low
        Its word in a name when the segment has more, or less, than everybody; empty if that makes
        no name.
    more, less
        What is added to a name to tell it from a namesake: more, or less, than that one.
    pull
        How much its word for high is preferred to others in a name: the deviation counts so many times.
    neutral
        The value about which neither word holds, whatever everybody has; ``None`` if there is none.
    """

    unit: str
    told: Told
    phrase: str
    none: str
    place: Place
    high: str
    low: str
    more: str
    less: str
    pull: float = 1.0
    neutral: float | None = None


_R, _D = Told.RATIO, Told.DIFFERENCE
_A, _N = Place.ADJECTIVE, Place.NOUN

VOCABULARY = {
    "orders": Words(
        "orders",
        _R,
        "orders {ratio} as often as the average",
        "hardly ever orders",
        _A,
        "frequent",
        "occasional",
        "who order more",
        "who order less",
    ),
    "spending": Words(
        "money",
        _R,
        "spends {ratio} the average",
        "spends next to nothing",
        _N,
        "big spenders",
        "small spenders",
        "who spend more",
        "who spend less",
        pull=1.5,
    ),
    "recency": Words(
        "days",
        _D,
        "last bought {value} ago (average {everybody})",
        "",
        _A,
        "lapsed",
        "active",
        "who bought longer ago",
        "who bought more lately",
        pull=1.75,
    ),
    "basket_value": Words(
        "money",
        _R,
        "has baskets worth {ratio} the average",
        "has baskets worth next to nothing",
        _N,
        "high-value basket buyers",
        "low-value basket buyers",
        "with baskets of higher value",
        "with baskets of lower value",
    ),
    "basket_size": Words(
        "lines",
        _D,
        "buys {value} lines at a time (average {everybody})",
        "",
        _N,
        "full-basket shoppers",
        "few-item shoppers",
        "with fuller baskets",
        "with fewer items a basket",
    ),
    "gap": Words(
        "days",
        _D,
        "buys every {value} (average {everybody})",
        "",
        _A,
        "seldom-seen",
        "regular",
        "with longer pauses",
        "with shorter pauses",
    ),
    "returned": Words(
        "share",
        _D,
        "returns {value} of what it buys (average {everybody})",
        "",
        _N,
        "returners",
        "",
        "who return more",
        "who return less",
    ),
    "views": Words(
        "views",
        _R,
        "looks at {ratio} as many items as the average",
        "looks at hardly any items",
        _N,
        "browsers",
        "",
        "who look around more",
        "who look around less",
    ),
    "feedback": Words(
        "score",
        _D,
        "gives feedback of {value} (average {everybody})",
        "",
        _A,
        "happy",
        "unhappy",
        "who rate higher",
        "who rate lower",
        neutral=0.5,
    ),
    "contacts": Words(
        "contacts",
        _R,
        "gets in touch {ratio} as often as the average",
        "hardly ever gets in touch",
        _N,
        "help-seekers",
        "",
        "who get in touch more",
        "who get in touch less",
    ),
    "tenure": Words(
        "days",
        _D,
        "known for {value} (average {everybody})",
        "",
        _A,
        "long-standing",
        "new",
        "of longer standing",
        "who came more lately",
    ),
}
"""The words for the default features."""


def words(feature: str, unit: str = "") -> Words:
    """Return the words for a feature, made from its name if it is none of the default ones."""
    if feature in VOCABULARY:
        return VOCABULARY[feature]
    name = feature.replace("_", " ")
    return Words(
        unit,
        _D,
        f"has {name} of {{value}} (average {{everybody}})",
        "",
        _N,
        f"customers with high {name}",
        f"customers with low {name}",
        f"with higher {name}",
        f"with lower {name}",
    )
