"""What sets a segment apart from everybody, in words and numbers, and a name made from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from crm_online.digits import digits
from crm_online.segments.vectors import RESOLUTION, Scale
from crm_online.segments.vocabulary import Place, Told, Words, made_up

FACTS = 4
"""Most facts that are told of a segment."""

TELLING = 0.25
"""Least deviation from everybody, in (weighted) standard deviations, that is told."""

NAMING = 0.4
"""Least deviation that makes a word of a name."""

LAPSED_AFTER = 90.0
"""Days without a purchase after which anybody counts as lapsed; before, those who pause for longer than usual."""

_LONGER_THAN_USUAL = 1.5
_NO_LONGER = 1.05
_BESIDE_NEUTRAL = 0.05
_TIMES = " \N{MULTIPLICATION SIGN}"
_NEXT_TO_NOTHING = 0.05


class Fact(TypedDict, total=False):
    """One thing that sets a segment apart; it has either a ``ratio`` or a ``difference``."""

    feature: str
    value: float
    everybody: float
    ratio: float
    difference: float
    unit: str


class Text(TypedDict):
    """What sets a segment apart: one sentence, and the facts in it, the strongest first."""

    text: str
    facts: list[Fact]


class Description(TypedDict):
    """A segment's name, unique within its model, and its description."""

    name: str
    description: Text


def describe(
    scale: Scale,
    ids: Sequence[str],
    centroids: NDArray[np.float64],
    everybody: NDArray[np.float64],
    words: Mapping[str, Words],
    units: Mapping[str, str],
) -> list[Description]:
    """Describe each segment by its strongest deviations from everybody.

    Natural values are those of the centroid: for a log1p feature a kind of geometric mean, which a
    few very large customers do not sway. So they are told as what is typical, not as averages.

    Parameters
    ----------
    scale
        Of the model's version.
    ids
        The k segments' ids; they serve only where nothing else tells two segments apart.
    centroids
        In vector units, shape (k, d), without NaN.
    everybody
        The mean of all customers' vectors, shape (d,).
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
    >>> two = describe(scale, ["s1", "s2"], segments, vectors.mean(axis=0), words, units)
    >>> [one["name"] for one in two]
    ['Active big spenders', 'Lapsed small spenders']
    >>> two[0]["description"]["text"].partition(", ")[2]
    'last bought 1 day ago (typical: 15 days).'
    """
    every_word = [words.get(name) or made_up(name) for name in scale.names]
    apart = (centroids - everybody) / RESOLUTION
    values, typical = scale.decode(centroids), scale.decode(everybody)
    naturals = [dict(zip(scale.names, row.tolist(), strict=True)) for row in values]
    names = [_name(every_word, *one) for one in zip(apart, naturals, strict=True)]
    names = _told_apart(names, apart, every_word)
    names = [f"{name} ({one})" if names.count(name) > 1 else name for name, one in zip(names, ids, strict=True)]
    descriptions = []
    for name, deviations, natural in zip(names, apart, naturals, strict=True):
        facts: list[Fact] = []
        phrases: list[str] = []
        for number in _strongest(deviations, TELLING):
            feature = scale.names[number]
            if len(facts) == FACTS or not _says_something(feature, every_word[number], natural):
                continue
            fact, phrase = _fact(
                feature, every_word[number], units.get(feature, ""), natural[feature], float(typical[number])
            )
            facts.append(fact)
            phrases.append(phrase)
        text = ", ".join(phrases) or "like everybody"
        descriptions.append(
            Description(name=name, description=Text(text=text[0].upper() + text[1:] + ".", facts=facts))
        )
    return descriptions


def _strongest(deviations: NDArray[np.float64], least: float) -> list[int]:
    """Return the places of the deviations of at least ``least``, the strongest first, equals by place.

    Rounded, so that the last bits do not decide.
    """
    strength = np.abs(deviations).round(6)
    order = np.argsort(-strength, kind="stable")
    return [int(number) for number in order if strength[number] >= least]


def _name(every_word: Sequence[Words], deviations: NDArray[np.float64], natural: Mapping[str, float]) -> str:
    """Return a name of an adjective and a noun, each from the strongest deviation that has one."""
    found: dict[Place, str] = {}
    pulls = np.where(deviations > 0, [told.pull for told in every_word], 1.0)
    for number in _strongest(np.where(np.abs(deviations) >= NAMING, deviations * pulls, 0.0), NAMING):
        feature, told = list(natural)[number], every_word[number]
        word = told.high if deviations[number] > 0 else told.low
        if word and _holds(feature, told, deviations[number] > 0, natural):
            found.setdefault(told.place, word)
    if _bought_once(natural):
        found[Place.NOUN] = "one-time buyers"
    if not found:
        return "Average customers"
    parts = [found.get(Place.ADJECTIVE, ""), found.get(Place.NOUN, "customers")]
    name = " ".join(part for part in parts if part)
    return name[0].upper() + name[1:]


def _bought_once(natural: Mapping[str, float]) -> bool:
    """Return whether the customers are known no longer than since their last purchase: there was no other."""
    if "tenure" not in natural or "recency" not in natural:
        return False
    return natural["tenure"] <= _NO_LONGER * natural["recency"] + 1


def _says_something(feature: str, told: Words, natural: Mapping[str, float]) -> bool:
    """Return whether a segment's value means what it says: a pause needs two purchases, a score feedback."""
    if feature == "gap":
        return not _bought_once(natural)
    return told.neutral is None or abs(natural[feature] - told.neutral) > _BESIDE_NEUTRAL


def _holds(feature: str, told: Words, high: bool, natural: Mapping[str, float]) -> bool:
    """Return whether a word is true of the segment itself, not only beside everybody."""
    if feature == "recency" and high and not _bought_once(natural):
        return natural["recency"] >= min(LAPSED_AFTER, _LONGER_THAN_USUAL * natural.get("gap", 0.0))
    on_its_side = told.neutral is None or (natural[feature] > told.neutral) == high
    return on_its_side and _says_something(feature, told, natural)


def _told_apart(names: Sequence[str], apart: NDArray[np.float64], every_word: Sequence[Words]) -> list[str]:
    """Return names in which namesakes got what sets them apart from each other, as far as words go."""
    told = list(names)
    for name in dict.fromkeys(names):
        namesakes = [k for k, other in enumerate(names) if other == name]
        if len(namesakes) == 1:
            continue
        for k in namesakes:
            others = [other for other in namesakes if other != k]
            differences = apart[k] - apart[others].mean(axis=0)
            number = _strongest(differences, 0.0)[0]
            told[k] += " " + (every_word[number].more if differences[number] > 0 else every_word[number].less)
    return told


def _fact(feature: str, told: Words, unit: str, value: float, typical: float) -> tuple[Fact, str]:
    """Return a deviation as numbers and as a part of a sentence."""
    fact = Fact(feature=feature, value=_digits(value), everybody=_digits(typical), unit=unit)
    ratio = value / typical if typical > 0 else np.inf
    if told.told is Told.RATIO and 0 <= ratio < np.inf:
        fact["ratio"] = _digits(ratio)
        if ratio < _NEXT_TO_NOTHING:
            return fact, told.none
        return fact, told.phrase.format(ratio=_number(ratio) + _TIMES)
    fact["difference"] = _digits(value - typical)
    return fact, told.phrase.format(
        value=_amount(value, unit),
        everybody=_amount(typical, unit),
        ratio="many times",
        direction=told.above if value > typical else told.below,
    )


def _amount(value: float, unit: str) -> str:
    """Return a value with its unit, as it is said."""
    if unit == "days":
        days = round(value)
        if days < 1:
            return "less than a day"
        return "1 day" if days == 1 else f"{days:,} days"
    if unit == "share":
        return f"{100 * value:.0f} %" if value >= 0.0095 or value < 0.0005 else f"{100 * value:.1f} %"
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
