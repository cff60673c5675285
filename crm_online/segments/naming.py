"""Names of segments: made of what sets them apart, and kept for as long as they are true."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from crm_online.segments.buying import Buying
from crm_online.segments.deviations import MOST, SegmentDeviations, is_informative, notable_features, strongest
from crm_online.segments.vocabulary import NamePart, Words

NAMING = 0.4
"""Least deviation, in (weighted) standard deviations, that makes a word of a name."""

KEPT = 0.2
"""Least deviation at which a word stays in a name."""

LAPSED_AFTER = 90.0
"""Days without a purchase after which any customer counts as lapsed; before, those who pause for longer than usual."""

NEARLY_ALL = 0.8
"""Share of its members for which a noun such as "one-time buyers" is used; from ``MOST`` on it is "most of whom"."""

_LONGER_THAN_USUAL = 1.5
_NEXT_TO_NOTHING = 0.05
_NOTABLE_APART = 0.02
# From where on a new name says "one-time buyers", or "most of whom bought once": a little beyond where it is true.
_CLEARLY = 0.85
_RATHER_MOST = 0.55


class Role(StrEnum):
    """What a claim does in a name; the values are stored."""

    ADJECTIVE = "adjective"
    NOUN = "noun"
    BUYING = "buying"
    COMPARATIVE = "comparative"
    OTHER = "other"
    ID = "id"


class Purchases(StrEnum):
    """What a name says of how often members have bought; the values are stored."""

    BROWSERS = "browsers who never bought"
    NEVER = "customers who never bought"
    MOSTLY_NEVER = "customers, most of whom never bought"
    ONCE = "one-time buyers"
    MOSTLY_ONCE = "customers, most of whom bought once"


class Claim(NamedTuple):
    """One thing that a name says.

    Attributes
    ----------
    role
        What it does in the name.
    of
        The feature, one of `Purchases`, or the segment's id.
    high
        Whether the segment has more of the feature, or less.
    """

    role: Role
    of: str
    high: bool = True


@dataclass(frozen=True, slots=True)
class SegmentName:
    """A name, and what it claims.

    Attributes
    ----------
    text
        As people read it.
    claims
        What it says; without a claim it is that of average customers.
    fixed
        Whether it stays though it may not be true any more: it is not looked at now.
    """

    text: str
    claims: tuple[Claim, ...] = ()
    fixed: bool = False

    @property
    def base(self) -> tuple[Claim, ...]:
        """What it claims but for what sets it apart from its namesakes."""
        plain = tuple(one for one in self.claims if one.role is not Role.COMPARATIVE and one.role is not Role.ID)
        return plain or self.claims[:1]

    def to_json(self) -> list[list[object]]:
        """Return the claims as they are stored."""
        return [list(one) for one in self.claims]

    @classmethod
    def stored(cls, text: str, claims: Sequence[Sequence[object]]) -> SegmentName:
        """Return a name that was stored."""
        return cls(text, tuple(Claim(Role(str(role)), str(of), bool(high)) for role, of, high in claims))


@dataclass(frozen=True, slots=True)
class Naming:
    """Names the segments of one model.

    Attributes
    ----------
    ids
        The segments' ids.
    segments
        What sets each apart.
    words
        The words for each feature, in the order of the scale.
    """

    ids: Sequence[str]
    segments: Sequence[SegmentDeviations]
    words: Mapping[str, Words]

    def names(self, kept: Mapping[str, SegmentName]) -> list[SegmentName]:
        """Return the names: those there are, by id, as long as they are true, and others where they are not."""
        found: dict[int, SegmentName] = {}
        for row, one in enumerate(self.ids):
            if one in kept and (kept[one].fixed or self._holds(row, kept[one], kept)):
                found[row] = kept[one]
        fresh = {row: self._fresh(self.segments[row]) for row in range(len(self.ids)) if row not in found}
        for row, claims in fresh.items():
            others = {**found, **{other: self._named(some) for other, some in fresh.items() if other != row}}
            found[row] = self._distinguished(row, claims, others)
        texts = [found[row].text for row in range(len(self.ids))]
        for row, one in enumerate(self.ids):
            if texts.count(texts[row]) > 1 and row in fresh:
                found[row] = self._named((*found[row].claims, Claim(Role.ID, one)))
        return [found[row] for row in range(len(self.ids))]

    def _fresh(self, segment: SegmentDeviations) -> tuple[Claim, ...]:
        """Return an adjective and a noun, each from the strongest deviation that has one."""
        words, features = list(self.words.values()), list(self.words)
        notable = list(notable_features(segment, words))
        pulls = np.where(segment.apart > 0, [one.pull for one in words], 1.0)
        found: dict[NamePart, Claim] = {}
        for number in strongest(np.where(np.abs(segment.apart) >= NAMING, segment.apart * pulls, 0.0), NAMING):
            claim = Claim(_ROLES[words[number].part], features[number], bool(segment.apart[number] > 0))
            if self._word(claim) and number in notable and self._is_true_of_most(claim, segment):
                found.setdefault(words[number].part, claim)
        buying = _purchases(segment)
        if buying:
            found[NamePart.NOUN] = Claim(Role.BUYING, buying)
        if found:
            return tuple(found[part] for part in (NamePart.ADJECTIVE, NamePart.NOUN) if part in found)
        for number in notable:
            if segment.sided[number]:
                return (Claim(Role.COMPARATIVE, features[number], bool(segment.apart[number] > 0)),)
        return (Claim(Role.OTHER, ""),) if notable else ()

    def _distinguished(self, row: int, claims: tuple[Claim, ...], others: Mapping[int, SegmentName]) -> SegmentName:
        """Return a name that no other segment has, as far as words go."""
        name = self._named(claims)
        namesakes = [other for other, one in others.items() if one.base == name.base]
        if not namesakes:
            return name
        texts = {one.text for one in others.values()}
        apart = self._from_namesakes(row, namesakes)
        for number in strongest(apart, _NOTABLE_APART)[:3]:
            comparative = Claim(Role.COMPARATIVE, list(self.words)[number], bool(apart[number] > 0))
            longer = self._named((*name.base, comparative))
            compared = [one.of for one in name.base if one.role is Role.COMPARATIVE]
            if comparative.of not in compared and longer.text not in texts:
                return longer
        return name

    def _from_namesakes(self, row: int, namesakes: Sequence[int]) -> NDArray[np.float64]:
        """Return how far a segment is from its namesakes' mean, in what all of them have."""
        some = [self.segments[one] for one in (row, *namesakes)]
        all_have = np.all([list(one.has.values()) for one in some], axis=0)
        mean = np.mean([one.apart for one in some[1:]], axis=0)
        return np.where(all_have, some[0].apart - mean, 0.0)

    def _holds(self, row: int, name: SegmentName, kept: Mapping[str, SegmentName]) -> bool:
        """Return whether a name is still true."""
        segment = self.segments[row]
        if not _buying_holds(segment, [one.of for one in name.claims if one.role is Role.BUYING]):
            return False
        if not name.claims:
            return not any(one.role in (Role.ADJECTIVE, Role.NOUN) for one in self._fresh(segment))
        namesakes = [
            other for other, one in enumerate(self.ids) if other != row and one in kept and kept[one].base == name.base
        ]
        return all(self._claim_holds(row, one, [] if one in name.base else namesakes) for one in name.claims)

    def _claim_holds(self, row: int, claim: Claim, namesakes: Sequence[int]) -> bool:
        segment = self.segments[row]
        if claim.role in (Role.BUYING, Role.ID):
            return True
        if claim.role is Role.OTHER:
            return not any(one.role in (Role.ADJECTIVE, Role.NOUN) for one in self._fresh(segment))
        if claim.of not in self.words:
            return False
        number = list(self.words).index(claim.of)
        if claim.role is Role.COMPARATIVE:
            apart = self._from_namesakes(row, namesakes)[number] if namesakes else segment.apart[number]
            return bool(apart > 0) == claim.high and abs(apart) > 0
        apart = segment.apart[number]
        return abs(apart) >= KEPT and bool(apart > 0) == claim.high and self._is_true_of_most(claim, segment, kept=True)

    def _is_true_of_most(self, claim: Claim, segment: SegmentDeviations, *, kept: bool = False) -> bool:
        """Return whether a word is true of most members themselves, not only compared with the population."""
        feature, high, words = claim.of, claim.high, self.words[claim.of]
        value = segment.natural[feature]
        if not segment.sided[list(self.words).index(feature)] or not is_informative(value, words):
            return False
        lower, upper = (value, value) if kept else (segment.lower[feature], segment.upper[feature])
        if feature == "recency":
            if high:
                return lower >= _lapsed_from(segment)
            return value < _lapsed_from(segment) and upper < LAPSED_AFTER and segment.most(Buying.AGAIN)
        if words.of is not Buying.NEVER and words.part is NamePart.ADJECTIVE and not self._keeps_buying(segment):
            return False
        if words.neutral is not None and (value > words.neutral) != high:
            return False
        bound = words.high_from if high else words.low_until
        return bound is None or (lower >= bound if high else upper <= bound)

    def _keeps_buying(self, segment: SegmentDeviations) -> bool:
        """Return whether a segment's members buy often or seldom at all: who bought once or has lapsed does neither."""
        lapsed_from = max(LAPSED_AFTER, _LONGER_THAN_USUAL * segment.natural.get("gap", 0.0))
        return segment.most(Buying.AGAIN) and segment.natural.get("recency", 0.0) < lapsed_from

    def _named(self, claims: tuple[Claim, ...]) -> SegmentName:
        """Return the name that some claims make."""
        of = {one.role: one for one in claims}
        noun = of[Role.BUYING].of if Role.BUYING in of else self._word(of.get(Role.NOUN))
        if Role.OTHER in of:
            text = "other customers"
        elif not claims:
            text = "average customers"
        else:
            text = " ".join(part for part in (self._word(of.get(Role.ADJECTIVE)), noun or "customers") if part)
        for claim in claims:
            if claim.role is Role.COMPARATIVE:
                words = self.words[claim.of]
                text += f"{',' if ' who' in text else ''} {words.more if claim.high else words.less}"
        if Role.ID in of:
            text += f" ({of[Role.ID].of})"
        return SegmentName(text[0].upper() + text[1:], claims)

    def _word(self, claim: Claim | None) -> str:
        if claim is None:
            return ""
        words = self.words[claim.of]
        return words.high if claim.high else words.low


_ROLES = {NamePart.ADJECTIVE: Role.ADJECTIVE, NamePart.NOUN: Role.NOUN}


def _purchases(segment: SegmentDeviations) -> Purchases | None:
    """Return the noun for a segment of customers who never bought, or bought once."""
    never, once = float(segment.shares[Buying.NEVER]), float(segment.shares[Buying.ONCE])
    if never >= NEARLY_ALL:
        # Most members look at items, as far as that is known.
        return Purchases.BROWSERS if segment.lower.get("views", 0.0) > _NEXT_TO_NOTHING else Purchases.NEVER
    if never >= MOST:
        return Purchases.MOSTLY_NEVER
    if once >= _CLEARLY:
        return Purchases.ONCE
    return Purchases.MOSTLY_ONCE if once >= _RATHER_MOST else None


def _buying_holds(segment: SegmentDeviations, claimed: Sequence[str]) -> bool:
    """Return whether what a name says, or does not say, of how often members have bought is still true."""
    never, once = float(segment.shares[Buying.NEVER]), float(segment.shares[Buying.ONCE])
    what = Purchases(claimed[0]) if claimed else None
    match what:
        case Purchases.BROWSERS:
            return never >= NEARLY_ALL and segment.natural.get("views", 0.0) > _NEXT_TO_NOTHING
        case Purchases.NEVER:
            return never >= NEARLY_ALL
        case Purchases.MOSTLY_NEVER:
            return never >= MOST
        case Purchases.ONCE:
            return once >= NEARLY_ALL
        case Purchases.MOSTLY_ONCE:
            return once >= MOST
        case None:
            return never < MOST and once < NEARLY_ALL


def _lapsed_from(segment: SegmentDeviations) -> float:
    """Return after how many days without a purchase a segment's members have lapsed: longer than they pause."""
    known = segment.has.get("gap", False)
    usual = segment.natural["gap"] if known else segment.typical.get("gap", np.inf)
    return min(LAPSED_AFTER, _LONGER_THAN_USUAL * usual)
