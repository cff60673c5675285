"""The words for features: how a segment that has much or little of one is told to a marketer."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from crm_online.segments.buying import Buying


class Told(StrEnum):
    """How a feature's value is set against everybody's."""

    RATIO = "ratio"
    DIFFERENCE = "difference"
    DIRECTION = "direction"


class Place(StrEnum):
    """Where in a segment's name a feature's word stands."""

    ADJECTIVE = "adjective"
    NOUN = "noun"


@dataclass(frozen=True, slots=True)
class Words:
    """The words for one feature.

    Attributes
    ----------
    told
        Whether it is told as a ratio to everybody's value, as what may be many times as much; beside it, as
        shares and days; or only by its direction, where the figures would mislead.
    phrase
        A sentence's part with the places ``{value}``, ``{everybody}``, ``{ratio}`` and ``{direction}``.
    place
        Where its word stands in a name, which has at most one adjective and one noun, the strongest of each;
        "customers" stands where there is no noun.
    more, less
        What is added to a name to tell it from a namesake: more, or less, than that one.
    high, low
        Its word in a name when the segment has more, or less, than everybody; empty if that makes no name, as
        where most customers have 0.
    none
        The phrase for a ratio of nearly nothing; a ratio needs one.
    above, below
        What stands in the place ``{direction}``; a direction needs both.
    pull
        How much its word for high is preferred to others in a name: the deviation counts so many times.
    neutral
        The value about which neither word holds, whatever everybody has; ``None`` if there is none.
    high_from, low_until
        In natural units, from where and up to where the words for high and low are true of somebody alone,
        whatever everybody has: they are used where most members are beyond it. ``None`` if they say no more than
        how the segment stands beside everybody.
    of
        Who has the feature at all: those who bought at least so often. Of others nothing is told by it.
    """

    told: Told
    phrase: str
    place: Place
    more: str
    less: str
    high: str = ""
    low: str = ""
    none: str = ""
    above: str = ""
    below: str = ""
    pull: float = 1.0
    neutral: float | None = None
    high_from: float | None = None
    low_until: float | None = None
    of: Buying = Buying.NEVER

    def __post_init__(self) -> None:
        if self.told is Told.RATIO and not self.none:
            raise TypeError(f"words that are told as a ratio need some for nearly nothing: {self.phrase}")
        if self.told is Told.DIRECTION and not (self.above and self.below):
            raise TypeError(f"words that are told by a direction need some for above and below: {self.phrase}")


def made_up(feature: str) -> Words:
    """Return words for a feature that has none of its own, from its name."""
    name = feature.replace("_", " ")
    return Words(
        told=Told.DIFFERENCE,
        phrase=f"has {name} of {{value}} (typical: {{everybody}})",
        place=Place.NOUN,
        high=f"customers with high {name}",
        low=f"customers with low {name}",
        more=f"with higher {name}",
        less=f"with lower {name}",
    )
