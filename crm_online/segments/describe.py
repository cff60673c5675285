"""What sets a segment apart from the population, in words and numbers, and a name made from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from crm_online.digits import digits
from crm_online.segments.buying import BuyerFigures, Buying
from crm_online.segments.vectors import RESOLUTION, Scale, Transform
from crm_online.segments.vocabulary import Contrast, NamePart, Words, made_up

FACTS = 4
"""Most facts of a segment."""

NOTABLE = 0.25
"""Least deviation from the population, in (weighted) standard deviations, of a fact."""

NAMING = 0.4
"""Least deviation that makes a word of a name."""

LAPSED_AFTER = 90.0
"""Days without a purchase after which any customer counts as lapsed; before, those who pause for longer than usual."""

MOST = 0.5
"""Share of a segment's members of which something must hold to be true of the segment."""

NEARLY_ALL = 0.8
"""Share of its members for which a noun such as "one-time buyers" is used; from ``MOST`` on it is "most of whom"."""

SOME = 0.05
"""Share of a segment's members who never bought from which on the text says that figures are of the others."""

_LONGER_THAN_USUAL = 1.5
_NEUTRAL_WITHIN = 0.05
_TIMES = " \N{MULTIPLICATION SIGN}"
_NEXT_TO_NOTHING = 0.05
_MANY = 100.0
# A quantity is a fact from a fifth more or less on; from one and a half times on also where it varies widely.
_SAME = 1.2
_FAR = 1.5
_NOTABLE_FAR = 0.1
_NOTABLE_APART = 0.02
_SHARES_APART = 0.1
_A_GOOD_PART = 0.2


class FactValue(TypedDict, total=False):
    """One thing that sets a segment apart; it has either a ``ratio`` or a ``difference``."""

    feature: str
    value: float
    everybody: float
    ratio: float
    difference: float
    unit: str


class DescriptionValue(TypedDict):
    """What sets a segment apart: one sentence, and the facts in it, the strongest first."""

    text: str
    facts: list[FactValue]


class NamedDescription(TypedDict):
    """A segment's name, unique within its model, and its description."""

    name: str
    description: DescriptionValue


@dataclass(frozen=True, slots=True)
class _Segment:
    """What is known of one segment, column by column of the scale.

    Attributes
    ----------
    apart
        float64[d]: how far it is from the population, in (weighted) standard deviations; 0 for what most have not.
    sided
        bool[d]: whether it is on the same side of the middle one of all customers as of their mean.
    natural, typical
        Its and the population's values in natural units, by feature.
    lower, upper
        By feature, values below and above which is at most half of its members.
    shares, population_shares
        float64[3]: which share of it, and of the population, never bought, bought once, bought again.
    has
        By feature, whether most members have it at all.
    log1p
        By feature, whether it is a quantity whose ratios count.
    """

    apart: NDArray[np.float64]
    sided: NDArray[np.bool_]
    natural: Mapping[str, float]
    typical: Mapping[str, float]
    lower: Mapping[str, float]
    upper: Mapping[str, float]
    shares: NDArray[np.float64]
    population_shares: NDArray[np.float64]
    has: Mapping[str, bool]
    log1p: Mapping[str, bool]

    def most(self, kind: Buying) -> bool:
        """Return whether most members are of a kind."""
        return bool(self.shares[kind] >= MOST)


def describe(
    scale: Scale, ids: Sequence[str], figures: BuyerFigures, words: Mapping[str, Words], units: Mapping[str, str]
) -> list[NamedDescription]:
    """Describe each segment by its strongest deviations from the population.

    Natural values are those of the centroid: for a log1p feature a kind of geometric mean, which a
    few very large customers do not sway. So they are called typical, not average. What only buyers have is described
    of those who bought, compared with all who did, and only where most members are such.

    Parameters
    ----------
    scale
        Of the model's version.
    ids
        The k segments' ids; they are in a name only where nothing else distinguishes two segments.
    figures
        The segments' figures, in vector units.
    words, units
        The features' words and units, as far as they have any.

    Examples
    --------
    >>> from crm_online.customers.registry import FEATURES
    >>> words = {name: feature.words for name, feature in FEATURES.items() if feature.words}
    >>> units = {name: feature.unit for name, feature in FEATURES.items()}
    >>> raw = np.array([[100.0, 2.0], [110.0, 1.0], [5.0, 90.0], [6.0, 120.0]])
    >>> scale = Scale.fit(raw, ["spending", "recency"], ["log1p", "log1p"], [1.0, 1.0])
    >>> vectors = scale.encode(raw).astype(float)
    >>> segments = np.array([vectors[:2].mean(axis=0), vectors[2:].mean(axis=0)])
    >>> two = describe(scale, ["s1", "s2"], BuyerFigures.of_buyers(segments, vectors.mean(axis=0)), words, units)
    >>> [one["name"] for one in two]
    ['Active big spenders', 'Lapsed small spenders']
    >>> two[0]["description"]["text"].partition(", ")[2]
    'last bought 1 day ago (typical: 15 days).'
    """
    every_word = [words.get(name) or made_up(name) for name in scale.names]
    segments = _segments(scale, figures, every_word)
    notable = [list(_notable(one, every_word)) for one in segments]
    names = [_name(one, every_word, strong) for one, strong in zip(segments, notable, strict=True)]
    names = _distinguished(names, segments, every_word)
    names = [f"{name} ({one})" if names.count(name) > 1 else name for name, one in zip(names, ids, strict=True)]
    texts = [_text(one, every_word, strong, units) for one, strong in zip(segments, notable, strict=True)]
    return [NamedDescription(name=name, description=text) for name, text in zip(names, texts, strict=True)]


def _segments(scale: Scale, figures: BuyerFigures, every_word: Sequence[Words]) -> list[_Segment]:
    """Return what is known of each segment, each feature of those members who have it."""
    levels = np.array([one.of for one in every_word], np.int64)
    columns = np.arange(len(levels))
    centroids = figures.centroids[levels, :, columns].T if len(levels) else figures.centroids[0]
    population = figures.population[levels, columns]
    deviations = figures.deviations[levels, :, columns].T if len(levels) else figures.deviations[0]
    has = np.array([figures.having(one.of) >= MOST for one in every_word]).reshape(len(levels), -1).T
    apart = np.where(has, (centroids - population) / RESOLUTION, 0.0)
    sided = apart * (centroids - figures.middle()[levels, columns]) >= 0
    typical = dict(zip(scale.names, scale.decode(population).tolist(), strict=True))
    log1p = dict(zip(scale.names, [one is Transform.LOG1P for one in scale.transforms], strict=True))
    natural, lower, upper = (
        [dict(zip(scale.names, values, strict=True)) for values in scale.decode(some).tolist()]
        for some in (centroids, centroids - deviations, centroids + deviations)
    )
    return [
        _Segment(
            apart=apart[row],
            sided=sided[row],
            natural=natural[row],
            typical=typical,
            lower=lower[row],
            upper=upper[row],
            shares=figures.shares[row],
            population_shares=figures.population_shares,
            has=dict(zip(scale.names, has[row].tolist(), strict=True)),
            log1p=log1p,
        )
        for row in range(len(centroids))
    ]


def _strongest(deviations: NDArray[np.float64], least: float) -> list[int]:
    """Return the places of the deviations of at least ``least``, the strongest first, equals by place.

    Rounded, so that the last bits do not decide.
    """
    strength = np.abs(deviations).round(6)
    order = np.argsort(-strength, kind="stable")
    return [int(number) for number in order if strength[number] >= least]


def _notable(segment: _Segment, every_word: Sequence[Words]) -> Iterator[int]:
    """Return the indices of the features that are notable of a segment, the strongest first."""
    for number in _strongest(segment.apart, _NOTABLE_FAR):
        feature, words = list(segment.natural)[number], every_word[number]
        value, typical = _amounts(segment, feature, words)
        ratio = _ratio(value, typical)
        far = segment.log1p[feature] and not 1 / _FAR <= ratio <= _FAR
        same = words.contrast is not Contrast.DIRECTION and segment.log1p[feature] and 1 / _SAME < ratio < _SAME
        if (abs(segment.apart[number]) >= NOTABLE or far) and not same and _is_informative(value, words):
            yield number


def _name(segment: _Segment, every_word: Sequence[Words], notable: Sequence[int]) -> str:
    """Return a name of an adjective and a noun, each from the strongest deviation that has one."""
    found: dict[NamePart, str] = {}
    features = list(segment.natural)
    pulls = np.where(segment.apart > 0, [one.pull for one in every_word], 1.0)
    for number in _strongest(np.where(np.abs(segment.apart) >= NAMING, segment.apart * pulls, 0.0), NAMING):
        words, high = every_word[number], bool(segment.apart[number] > 0)
        word = words.high if high else words.low
        if (
            word
            and number in notable
            and segment.sided[number]
            and _is_true_of_most(features[number], words, high, segment)
        ):
            found.setdefault(words.part, word)
    noun = _by_buying(segment) or found.get(NamePart.NOUN, "")
    if not noun and not found:
        for number in notable:
            if segment.sided[number]:
                return f"Customers {_comparative(every_word[number], bool(segment.apart[number] > 0))}"
        return "Other customers" if notable else "Average customers"
    name = " ".join(part for part in (found.get(NamePart.ADJECTIVE, ""), noun or "customers") if part)
    return name[0].upper() + name[1:]


def _by_buying(segment: _Segment) -> str:
    """Return the noun for a segment of customers who never bought, or bought once; empty for others."""
    never, once = float(segment.shares[Buying.NEVER]), float(segment.shares[Buying.ONCE])
    if never >= NEARLY_ALL:
        return "browsers who never bought" if _mostly_views(segment) else "customers who never bought"
    if never >= MOST:
        return "customers, most of whom never bought"
    if once >= NEARLY_ALL:
        return "one-time buyers"
    return "customers, most of whom bought once" if once >= MOST else ""


def _mostly_views(segment: _Segment) -> bool:
    """Return whether most members of a segment look at items, as far as that is known."""
    return segment.lower.get("views", 0.0) > _NEXT_TO_NOTHING


def _comparative(words: Words, more: bool) -> str:
    return words.more if more else words.less


def _is_informative(value: float, words: Words) -> bool:
    """Return whether a segment's value means what it says: a score needs feedback."""
    return words.neutral is None or abs(value - words.neutral) > _NEUTRAL_WITHIN


def _is_true_of_most(feature: str, words: Words, high: bool, segment: _Segment) -> bool:
    """Return whether a word is true of most members themselves, not only compared with the population."""
    value = segment.natural[feature]
    if feature == "recency":
        if high:
            return segment.lower[feature] >= _lapsed_from(segment)
        return value < _lapsed_from(segment) and segment.upper[feature] < LAPSED_AFTER and segment.most(Buying.AGAIN)
    if words.of is not Buying.NEVER and words.part is NamePart.ADJECTIVE and not segment.most(Buying.AGAIN):
        return False  # who bought once does not buy often or seldom
    if words.neutral is not None and (value > words.neutral) != high:
        return False
    bound = words.high_from if high else words.low_until
    return bound is None or (segment.lower[feature] >= bound if high else segment.upper[feature] <= bound)


def _lapsed_from(segment: _Segment) -> float:
    """Return after how many days without a purchase a segment's members have lapsed: longer than they pause."""
    known = segment.has.get("gap", False)
    usual = segment.natural["gap"] if known else segment.typical.get("gap", np.inf)
    return min(LAPSED_AFTER, _LONGER_THAN_USUAL * usual)


def _distinguished(names: Sequence[str], segments: Sequence[_Segment], every_word: Sequence[Words]) -> list[str]:
    """Return names in which namesakes got what sets them apart from each other, as far as words go."""
    distinct = list(names)
    for name in dict.fromkeys(names):
        namesakes = [k for k, other in enumerate(names) if other == name]
        if len(namesakes) == 1:
            continue
        all_have = np.all([list(segments[k].has.values()) for k in namesakes], axis=0)
        for k in namesakes:
            others = np.mean([segments[other].apart for other in namesakes if other != k], axis=0)
            differences = np.where(all_have, segments[k].apart - others, 0.0)
            comma = "," if " who" in name else ""
            for number in _strongest(differences, _NOTABLE_APART)[:1]:
                distinct[k] += f"{comma} {_comparative(every_word[number], bool(differences[number] > 0))}"
    return distinct


def _text(
    segment: _Segment, every_word: Sequence[Words], notable: Sequence[int], units: Mapping[str, str]
) -> DescriptionValue:
    """Return the sentence about a segment, and the facts in it."""
    facts, phrases = _share_facts(segment)
    of_buyers: list[str] = []
    some_never = segment.shares[Buying.NEVER] >= SOME
    for number in notable[: FACTS - len(facts)]:
        feature, words = list(segment.natural)[number], every_word[number]
        fact, phrase = _fact(feature, words, units.get(feature, ""), *_amounts(segment, feature, words))
        facts.append(fact)
        (of_buyers if some_never and words.of is not Buying.NEVER else phrases).append(phrase)
    text = ", ".join(phrases)
    if of_buyers:
        text += ("; " if text else "") + "whoever bought " + ", ".join(of_buyers)
    text = text or "like everybody"
    return DescriptionValue(text=text[0].upper() + text[1:] + ".", facts=facts)


def _share_facts(segment: _Segment) -> tuple[list[FactValue], list[str]]:
    """Return how many of the members never bought, or bought once, where that is most or unlike the population."""
    facts: list[FactValue] = []
    phrases: list[str] = []
    for kind, feature, phrase in (
        (Buying.NEVER, "never_bought", "{value} never bought"),
        (Buying.ONCE, "bought_once", "{value} bought once"),
    ):
        share, average = float(segment.shares[kind]), float(segment.population_shares[kind])
        apart = abs(share - average) >= _SHARES_APART
        if share >= MOST or (kind is Buying.NEVER and share >= SOME and (apart or share >= _A_GOOD_PART)):
            fact = FactValue(feature=feature, value=_digits(share), everybody=_digits(average), unit="share")
            fact["difference"] = _digits(share - average)
            facts.append(fact)
            average_text = f" (average {_amount(average, 'share')})" if apart else ""
            phrases.append(phrase.format(value=_amount(share, "share")) + average_text)
    return facts, phrases


def _amounts(segment: _Segment, feature: str, words: Words) -> tuple[float, float]:
    """Return a segment's value and the population's; a ratio is one of amounts, which rounding cannot make negative."""
    value, typical = segment.natural[feature], segment.typical[feature]
    return (max(value, 0.0), max(typical, 0.0)) if words.contrast is Contrast.RATIO else (value, typical)


def _ratio(value: float, typical: float) -> float:
    """Return a value by what is typical; infinite where that is nothing, 1 where both are."""
    if typical > 0:
        return value / typical
    return np.inf if value > typical else 1.0


def _fact(feature: str, words: Words, unit: str, value: float, typical: float) -> tuple[FactValue, str]:
    """Return a deviation as numbers and as a part of a sentence."""
    fact = FactValue(feature=feature, value=_digits(value), everybody=_digits(typical), unit=unit)
    ratio = _ratio(value, typical)
    if words.contrast is Contrast.RATIO and ratio <= _MANY:
        fact["ratio"] = _digits(ratio)
        if ratio < _NEXT_TO_NOTHING:
            return fact, words.none
        return fact, words.phrase.format(ratio=_number(ratio) + _TIMES)
    fact["difference"] = _digits(value - typical)
    return fact, words.phrase.format(
        value=_amount(value, unit),
        population=_amount(typical, unit),
        ratio="many times",
        direction=words.above if value > typical else words.below,
    )


def _amount(value: float, unit: str) -> str:
    """Return a value with its unit, as text."""
    if unit == "days":
        days = round(value)
        if days < 1:
            return "less than a day"
        return "1 day" if days == 1 else f"{days:,} days"
    if unit == "share":
        return f"{100 * value:.1f} %" if 0.0005 <= value < 0.0095 else f"{round(100 * value)} %"
    return _number(value)


def _number(value: float) -> str:
    """Return a number with as many digits as a person reads."""
    size = abs(value)
    if size >= 10:
        return f"{value:,.0f}"
    return f"{value:.1f}" if size >= 0.95 else f"{value:.2g}" if size >= 0.005 else "0"


def _digits(value: float) -> float:
    """Return a value with six digits, without the sign of a zero: what is stored and compared."""
    return digits(value) + 0.0
