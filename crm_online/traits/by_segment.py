"""Traits of each segment: attributes, contact reasons, feedback and items, compared with the population.

A trait is one that differs beyond chance, and for enough customers: what fewer than ``SMALL`` of a segment's sampled
customers have, or have not, has no number. Feedback is a trait wherever enough gave any. This keeps rare values out;
it makes no customer anonymous to those who can subtract.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from crm_online.customers.traits import Traits
from crm_online.digits import digits
from crm_online.traits.comparison import Comparison, Counts, compare

SMALL = 10
"""Customers that must have a value for it to be a trait."""
BEYOND_CHANCE = 3.5
"""Standard errors by which a segment's share must differ: there are many values to be wrong about."""
NOTABLE = 1.25
"""Least ratio to the population's share, or its inverse, of a trait."""
MOST_TRAITS = 5
"""Most traits of a kind of a segment: what it has more of first, and of these the most significant."""
NUMBERS = 8
"""A numeric attribute with more different values than this is compared by its mean."""


class TraitShare(TypedDict, total=False):
    """A value that a segment's customers have more, or less, often than the population.

    ``name`` is that of an attribute, ``value`` an attribute's value, a reason or an item. ``share`` and
    ``everybody`` (of the population) are shares; means for a numeric attribute, which has no ``value``.
    ``customers`` is how many of the sampled customers have it. Where those who have an attribute's value, or have not,
    are fewer than ``SMALL``, the figures are those of ``SMALL`` customers, and ``bound`` is ``at most`` or
    ``at least``; of a reason or an item that so few have there are none.
    """

    name: str
    value: str
    share: float
    everybody: float
    ratio: float
    customers: int
    bound: str


class FeedbackTrait(TypedDict, total=False):
    """Mean score, that of the population (``everybody``), and number of sampled customers who gave any.

    ``unhappy`` is the share of feedbacks below :data:`~crm_online.customers.traits.UNHAPPY`, as is the population's;
    left out where fewer than ``SMALL`` customers gave such, or all others.
    """

    score: float
    everybody: float
    unhappy: float
    unhappy_everybody: float
    customers: int


class SegmentTraits(TypedDict):
    """What sets the customers of one segment apart; ``customers`` is how many are sampled."""

    customers: int
    attributes: list[TraitShare]
    contact_reasons: list[TraitShare]
    feedback: FeedbackTrait | None
    items: list[TraitShare]


def traits_of(
    people: Sequence[Traits], bought: Sequence[Mapping[str, int]], labels: NDArray[np.int64], k: int
) -> list[SegmentTraits]:
    """Return what sets each segment's customers apart.

    Parameters
    ----------
    people
        The sampled customers' traits.
    bought
        What each of them bought: order lines by name of the item.
    labels
        Each one's segment, shape (n,).
    k
        Number of segments.
    """
    attributes = [(_mean if _is_number(people, name) else _values)(people, name, labels, k) for name in _names(people)]
    reasons = [_shares("", *matrix([person.reasons for person in people]), labels, k)]
    items = [_shares("", *matrix(bought), labels, k)]
    feedback = _feedback(people, labels, k)
    sizes = np.bincount(labels, minlength=k).tolist()
    return [
        SegmentTraits(
            customers=sizes[row],
            attributes=_most_significant(attributes, row),
            contact_reasons=_most_significant(reasons, row),
            feedback=feedback(row),
            items=_most_significant(items, row),
        )
        for row in range(k)
    ]


_Found = list[list[tuple[float, TraitShare]]]
"""By segment: possible traits, each with its difference in standard errors."""


def _most_significant(found: Iterable[_Found], row: int) -> list[TraitShare]:
    every = [one for values in found for one in values[row]]
    return [share for _, share in sorted(every, key=lambda one: (is_less(one[1]), -round(one[0], 6)))[:MOST_TRAITS]]


def is_less(one: TraitShare) -> bool:
    """Return whether a segment's customers have it less often than the population."""
    return "value" in one and one.get("ratio", 0.0) < 1


def _values(people: Sequence[Traits], name: str, labels: NDArray[np.int64], k: int) -> _Found:
    """Compare the values of an attribute that is a text, several texts, or one of few numbers."""
    having: list[Mapping[str, int]] = []
    for person in people:
        value = person.attributes.get(name)
        values = value if isinstance(value, list) else [] if value is None else [_text(value)]
        having.append(dict.fromkeys(values, 1))
    found, counts, _ = matrix(having)
    known = np.array([float(bool(one)) for one in having])  # of customers: who has it, who has not
    return _shares(name, found, counts, known, labels, k)


def _mean(people: Sequence[Traits], name: str, labels: NDArray[np.int64], k: int) -> _Found:
    """Compare the mean of a numeric attribute."""
    from scipy.sparse import csr_array

    values = np.array([_number(person.attributes.get(name)) for person in people])
    known = np.isfinite(values)
    spread = float(values[known].std())
    counts = csr_array(np.where(known, values, 0.0)[:, None])
    compared = compare(counts, known.astype(np.float64), labels, k)
    found: _Found = [[] for _ in range(k)]
    for row in range(k):
        share, population, z = float(compared.share[row, 0]), float(compared.population[0]), float(compared.z[row, 0])
        if compared.base[row] >= SMALL and abs(z) >= BEYOND_CHANCE and abs(share - population) >= spread / 4:
            one = TraitShare(name=name, share=_digits(share), everybody=_digits(population))
            found[row].append((abs(z), one | {"customers": int(compared.base[row])}))
    return found


def _feedback(people: Sequence[Traits], labels: NDArray[np.int64], k: int) -> Callable[[int], FeedbackTrait | None]:
    from scipy.sparse import csr_array

    given = [[person.score, person.unhappy, person.feedbacks - person.unhappy] for person in people]
    counts = np.array(given, np.float64).reshape(len(people), 3)
    totals = np.array([float(person.feedbacks) for person in people])
    compared = compare(csr_array(counts), totals, labels, k)

    def of_segment(row: int) -> FeedbackTrait | None:
        if compared.base[row] < SMALL:
            return None
        (score, unhappy, _), (every, every_unhappy, _) = compared.share[row].tolist(), compared.population.tolist()
        trait = FeedbackTrait(score=_digits(score), everybody=_digits(every), customers=int(compared.base[row]))
        if compared.customers[row, 1:].min() >= SMALL:
            trait |= {"unhappy": _digits(unhappy), "unhappy_everybody": _digits(every_unhappy)}
        return trait

    return of_segment


def _shares(
    name: str,
    values: list[str],
    counts: Counts,
    totals: NDArray[np.float64],
    labels: NDArray[np.int64],
    k: int,
) -> _Found:
    """Return, by segment, the values that its customers have more or less often than others."""
    if not values:
        return [[] for _ in range(k)]
    compared = compare(counts, totals, labels, k)
    found: _Found = [[] for _ in range(k)]
    for row in range(k):
        for column in np.flatnonzero(np.abs(compared.z[row]) >= BEYOND_CHANCE).tolist():
            one = _share(compared, row, column, of_customers=bool(name))
            if one is not None:
                label = TraitShare(name=name, value=values[column]) if name else TraitShare(value=values[column])
                found[row].append((abs(float(compared.z[row, column])), label | one))
    return found


def _share(compared: Comparison, row: int, column: int, *, of_customers: bool) -> TraitShare | None:
    """Return a value if it is a trait; for shares of customers, few who have it, or not, make it a bound."""
    share, population = float(compared.share[row, column]), float(compared.population[column])
    customers, base = int(compared.customers[row, column]), int(compared.base[row])
    ratio, bound = share / population, ""
    # Less than the population: as many customers must be missing as would have to be there.
    if not ((ratio >= NOTABLE and customers >= SMALL) or (ratio <= 1 / NOTABLE and population * base >= SMALL)):
        return None
    if of_customers and 0 < base - customers < SMALL < base:
        customers, bound = base - SMALL, "at least"
    elif customers < SMALL:
        if not of_customers:
            return TraitShare(everybody=_digits(population))
        customers, bound = SMALL, "at most"
    if bound:
        share = customers / base
        ratio = share / population
    one = TraitShare(share=_digits(share), everybody=_digits(population), ratio=_digits(ratio), customers=customers)
    return one | {"bound": bound} if bound else one


def matrix(
    having: Sequence[Mapping[str, int]],
) -> tuple[list[str], Counts, NDArray[np.float64]]:
    """Return the values that enough people have, in order of name, how much each has of each, and has in all."""
    from scipy.sparse import csr_array

    having_it = Counter(value for one in having for value in one)
    values = sorted(value for value, customers in having_it.items() if customers >= SMALL)
    place = {value: column for column, value in enumerate(values)}
    kept = [{place[value]: count for value, count in one.items() if value in place} for one in having]
    rows = np.repeat(np.arange(len(kept)), [len(one) for one in kept])
    columns = np.array([column for one in kept for column in one], np.int64)
    counts = np.array([count for one in kept for count in one.values()], np.float64)
    totals = np.array([float(sum(one.values())) for one in having])
    return values, csr_array((counts, (rows, columns)), shape=(len(having), len(values))), totals


def _names(people: Sequence[Traits]) -> list[str]:
    """Return the attributes that enough customers have."""
    having = Counter(name for person in people for name in person.attributes)
    return sorted(name for name, customers in having.items() if customers >= SMALL)


def _is_number(people: Sequence[Traits], name: str) -> bool:
    values = [person.attributes[name] for person in people if name in person.attributes]
    return all(isinstance(value, float) for value in values) and len(set(map(str, values))) > NUMBERS


def _number(value: object) -> float:
    return value if isinstance(value, float) else float("nan")


def _text(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:g}"


def _digits(value: float) -> float:
    return digits(value, 4)
