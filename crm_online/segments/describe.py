"""What sets a segment apart from the population, in words and numbers, and a name made from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypedDict

from crm_online.digits import digits
from crm_online.segments.buying import BuyerFigures, Buying
from crm_online.segments.deviations import (
    MOST,
    SegmentDeviations,
    amounts,
    deviations_of,
    notable_features,
    ratio_of,
)
from crm_online.segments.naming import Claim, Naming, SegmentName
from crm_online.segments.vectors import Scale
from crm_online.segments.vocabulary import Contrast, Words, made_up

FACTS = 4
"""Most facts of a segment."""

SOME = 0.05
"""Share of a segment's members who never bought from which on the text says that figures are of the others."""

_BEYOND = {-1: "at most ", 0: "", 1: "at least "}
"""What is said before a figure where members are at the bound of the scale, or beyond (ADR 58)."""

_TIMES = " \N{MULTIPLICATION SIGN}"
_NEXT_TO_NOTHING = 0.05
_MANY = 100.0
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
    """A segment's name, unique within its model, what it claims, and the segment's description."""

    name: str
    claims: tuple[Claim, ...]
    description: DescriptionValue


def describe(
    scale: Scale,
    ids: Sequence[str],
    figures: BuyerFigures,
    words: Mapping[str, Words],
    units: Mapping[str, str],
    names: Mapping[str, SegmentName] | None = None,
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
    names
        The names that segments have, by id; they are kept as long as they are true.

    Examples
    --------
    >>> import numpy as np
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
    wording = {name: words.get(name) or made_up(name) for name in scale.names}
    segments = deviations_of(scale, figures, list(wording.values()))
    found = Naming(ids, segments, wording).names(names or {})
    return [
        NamedDescription(
            name=name.text,
            claims=name.claims,
            description=_text(segment, wording, _facts(segment, wording, name), units),
        )
        for name, segment in zip(found, segments, strict=True)
    ]


def _facts(segment: SegmentDeviations, words: Mapping[str, Words], name: SegmentName) -> list[int]:
    """Return the features of a segment's description, the strongest first: those of its name are among them."""
    notable = list(notable_features(segment, list(words.values())))
    of_name = [list(words).index(claim.of) for claim in name.claims if claim.of in words]
    most = FACTS - len(_share_facts(segment)[0])
    chosen = set([*of_name, *(one for one in notable if one not in of_name)][:most])
    return sorted(chosen, key=lambda one: (-abs(segment.apart[one]).round(6), one))


def _text(
    segment: SegmentDeviations, every_word: Mapping[str, Words], notable: Sequence[int], units: Mapping[str, str]
) -> DescriptionValue:
    """Return the sentence about a segment, and the facts in it."""
    facts, phrases = _share_facts(segment)
    of_buyers: list[str] = []
    some_never = segment.shares[Buying.NEVER] >= SOME
    for number in notable:
        feature, words = list(every_word.items())[number]
        beyond = segment.beyond[feature]
        fact, phrase = _fact(feature, words, units.get(feature, ""), *amounts(segment, feature, words), beyond)
        facts.append(fact)
        (of_buyers if some_never and words.of is not Buying.NEVER else phrases).append(phrase)
    text = ", ".join(phrases)
    if of_buyers:
        text += ("; " if text else "") + "whoever bought " + ", ".join(of_buyers)
    text = text or "like everybody"
    return DescriptionValue(text=text[0].upper() + text[1:] + ".", facts=facts)


def _share_facts(segment: SegmentDeviations) -> tuple[list[FactValue], list[str]]:
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


def _fact(feature: str, words: Words, unit: str, value: float, typical: float, beyond: int) -> tuple[FactValue, str]:
    """Return a deviation as numbers and as a part of a sentence; see :class:`SegmentDeviations` for ``beyond``."""
    fact = FactValue(feature=feature, value=_digits(value), everybody=_digits(typical), unit=unit)
    ratio = ratio_of(value, typical)
    if words.contrast is Contrast.RATIO and ratio <= _MANY:
        fact["ratio"] = _digits(ratio)
        if ratio < _NEXT_TO_NOTHING:
            return fact, words.none
        return fact, words.phrase.format(ratio=_BEYOND[beyond] + _number(ratio) + _TIMES)
    fact["difference"] = _digits(value - typical)
    return fact, words.phrase.format(
        value=_BEYOND[beyond] + _amount(value, unit),
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
