"""The words for features: how a segment that has much or little of one is described to a marketer."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from crm_online.segments.buying import Buying


class Contrast(StrEnum):
    """How a feature's value is compared with the population's."""

    RATIO = "ratio"
    DIFFERENCE = "difference"
    DIRECTION = "direction"


class NamePart(StrEnum):
    """Which part of a segment's name a feature's word is."""

    ADJECTIVE = "adjective"
    NOUN = "noun"


@dataclass(frozen=True, slots=True)
class Words:
    """The words for one feature.

    Attributes
    ----------
    contrast
        Whether the phrase has the ratio to the population's value, for what may be many times as much; both values,
        for shares and days; or only the direction, where the figures would mislead.
    phrase
        A sentence's part with the places ``{value}``, ``{population}``, ``{ratio}`` and ``{direction}``.
    part
        Which part of a name its word is, which has at most one adjective and one noun, the strongest of each;
        "customers" is used where there is no noun.
    more, less
        What is added to a name that two segments have: more, or less, than the other one.
    high, low
        Its word in a name when the segment has more, or less, than the population; empty if that makes no name, as
        where most customers have 0.
    none
        The phrase for a ratio of nearly nothing; a ratio needs one.
    above, below
        What replaces ``{direction}``; a direction needs both.
    pull
        How much its word for high is preferred to others in a name: the deviation counts so many times.
    neutral
        The value about which neither word holds, whatever the population has; ``None`` if there is none.
    high_from, low_until
        In natural units, from where and up to where the words for high and low are true by themselves,
        whatever the population has: they are used where most members are beyond it. ``None`` if they only
        compare the segment with the population.
    of
        Who has the feature at all: those who bought at least so often. It describes no others.
    """

    contrast: Contrast
    phrase: str
    part: NamePart
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
        if self.contrast is Contrast.RATIO and not self.none:
            raise TypeError(f"words with a ratio need some for nearly nothing: {self.phrase}")
        if self.contrast is Contrast.DIRECTION and not (self.above and self.below):
            raise TypeError(f"words with a direction need some for above and below: {self.phrase}")


def made_up(feature: str) -> Words:
    """Return words for a feature that has none of its own, from its name."""
    name = feature.replace("_", " ")
    return Words(
        contrast=Contrast.DIFFERENCE,
        phrase=f"has {name} of {{value}} (typical: {{population}})",
        part=NamePart.NOUN,
        high=f"customers with high {name}",
        low=f"customers with low {name}",
        more=f"with higher {name}",
        less=f"with lower {name}",
    )
