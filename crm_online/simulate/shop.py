"""The shop: its calendar, its segments of customers, and how each of them behaves. This is what is planted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from crm_online.events.columns import Kind

BEGIN = datetime(2025, 1, 1, tzinfo=UTC)
"""The log's first day; there is no clock in a simulation."""

DAYS = 365


@dataclass(frozen=True, slots=True)
class Shift:
    """A change of behaviour from one day to the next: customers change their segment, and rules begin and end.

    Attributes
    ----------
    day
        The first day on which behaviour is another, from 0; ``DAYS``: there is none.
    share
        Share of all customers who change their segment on that day.
    """

    day: int
    share: float


USUAL_SHIFT = Shift(146, 0.04)
"""A small one, at 40 % of the year."""

LARGE_SHARE = 0.16
"""All champions were regulars before."""

NO_SHIFT = Shift(DAYS, 0.0)

SHIFT_FROM, SHIFT_TO = "regulars", "champions"

WEEKDAYS = (0.85, 0.85, 0.9, 1.0, 1.2, 1.35, 0.85)
"""How much goes on on each day of the week, Monday first, relative to the mean."""

_LETTERS = {"P": Kind.PURCHASE, "R": Kind.RETURN, "V": Kind.VIEW, "F": Kind.FEEDBACK, "C": Kind.CONTACT}


@dataclass(frozen=True, slots=True)
class PlantedSegment:
    """Customers who behave alike.

    Attributes
    ----------
    name, about
        What it is called in the truth, and its behaviour in words.
    share
        Of all customers, at the log's end.
    pace
        Turns a customer takes on a day of being active, relative to other segments; a turn is one event.
    script
        What a customer's turns are, one letter each, over and over: purchase, return, view, feedback, contact.
        A return stands next after the purchase that it is of.
    lines
        Least and largest number of lines that a basket is meant to have.
    score
        Mean score of the feedback, 0 to 1.
    reasons
        Shares of the reasons for which customers get in touch.
    attributes
        By attribute, the shares of values that differ from those of :data:`ATTRIBUTES`.
    likes
        Items of the common stock that they take more often than others do.
    liking
        How many times as often.
    joins
        First and last of the days on which they join.
    stops
        First and last of the days on which they stop for good; ``None`` if they do not.
    """

    name: str
    about: str
    share: float
    pace: float
    script: str
    lines: tuple[int, int]
    score: float
    reasons: Mapping[str, float]
    attributes: Mapping[str, Mapping[str, float]]
    likes: tuple[str, ...]
    liking: float = 3.0
    joins: tuple[int, int] = (0, 79)
    stops: tuple[int, int] | None = None

    @property
    def kinds(self) -> list[Kind]:
        """The script as kinds of events."""
        return [_LETTERS[letter] for letter in self.script]


REASONS: Mapping[str, float] = {"delivery": 0.4, "opening hours": 0.3, "invoice": 0.3}
"""Why anybody gets in touch."""

ATTRIBUTES: Mapping[str, Mapping[str, float]] = {
    "age_group": {"18-29": 0.25, "30-44": 0.25, "45-59": 0.25, "60+": 0.25},
    "region": {"north": 0.25, "east": 0.25, "south": 0.25, "west": 0.25},
    "came_by": {"friends": 0.4, "search": 0.4, "campaign": 0.2},
}
"""Shares of the values of each attribute in a segment that has none of its own."""

SEGMENTS: tuple[PlantedSegment, ...] = (
    PlantedSegment(
        name="champions",
        about="buy often, with full baskets, and are content",
        share=0.16,
        pace=1.2,
        script="PPPPPFPPPPVPPPPC",
        lines=(8, 12),
        score=0.9,
        reasons={"loyalty points": 0.6, "delivery": 0.2, "invoice": 0.2},
        attributes={"age_group": {"18-29": 0.1, "30-44": 0.6, "45-59": 0.2, "60+": 0.1}},
        likes=("olive oil", "parmesan", "red wine"),
    ),
    PlantedSegment(
        name="regulars",
        about="buy often, a few items at a time",
        share=0.22,
        pace=0.9,
        script="PPPPPPPPFPPPPPPVPPPPPPPPFPPPPPPC",
        lines=(1, 3),
        score=0.7,
        reasons=REASONS,
        attributes={"age_group": {"18-29": 0.1, "30-44": 0.1, "45-59": 0.2, "60+": 0.6}},
        likes=("newspaper", "rolls", "bananas"),
        liking=8.0,
    ),
    PlantedSegment(
        name="browsers",
        about="look at many items and seldom buy",
        share=0.18,
        pace=1.5,
        script="VVPVVVVVVVPVVVVVVVPVVVVVVVPVVVVC",
        lines=(4, 6),
        score=0.7,
        reasons={"price": 0.7, "delivery": 0.3},
        attributes={"age_group": {"18-29": 0.7, "30-44": 0.1, "45-59": 0.1, "60+": 0.1}},
        likes=("headphones", "magazine", "energy drink"),
    ),
    PlantedSegment(
        name="returners",
        about="bring much of it back, are unhappy and get in touch",
        share=0.14,
        pace=0.8,
        script="PRCFPCPRCF",
        lines=(4, 6),
        score=0.15,
        reasons={"damaged": 0.5, "wrong item": 0.3, "invoice": 0.2},
        attributes={"region": {"north": 0.7, "east": 0.1, "south": 0.1, "west": 0.1}},
        likes=("glasses", "lamp", "kettle"),
    ),
    PlantedSegment(
        name="lapsed",
        about="were like champions, and stopped for good in the middle of the year",
        share=0.18,
        pace=1.2,
        script="PPPPPFPPPPVPPPPC",
        lines=(8, 12),
        score=0.9,
        reasons={"late delivery": 0.7, "invoice": 0.3},
        attributes={"region": {"north": 0.1, "east": 0.1, "south": 0.1, "west": 0.7}},
        likes=("nappies", "baby food", "wipes"),
        stops=(120, 219),
    ),
    PlantedSegment(
        name="newcomers",
        about="joined in the autumn, when the others had long been there",
        share=0.12,
        pace=1.1,
        script="PPPVPPPPVPPC",
        lines=(4, 6),
        score=0.7,
        reasons={"registration": 0.8, "delivery": 0.2},
        attributes={"came_by": {"friends": 0.1, "search": 0.1, "campaign": 0.8}},
        likes=("hummus", "tofu", "granola"),
        joins=(245, 284),
    ),
)

NAMES = tuple(segment.name for segment in SEGMENTS)


def date_of(day: int) -> str:
    """Return the beginning of a day, from 0, as ISO 8601.

    Examples
    --------
    >>> date_of(USUAL_SHIFT.day)
    '2025-05-27T00:00:00Z'
    """
    return (BEGIN + timedelta(days=day)).strftime("%Y-%m-%dT%H:%M:%SZ")
