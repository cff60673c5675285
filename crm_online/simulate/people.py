"""The shop's customers: who belongs to which segment, who changes it, who stops, and what is known about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crm_online.simulate.shop import (
    ATTRIBUTES,
    DAYS,
    NAMES,
    SEGMENTS,
    SHIFT_FROM,
    SHIFT_TO,
    USUAL_SHIFT,
    Shift,
)


@dataclass(frozen=True, slots=True, eq=False)
class People:
    """``n`` customers, by number.

    Attributes
    ----------
    first
        Place in ``SEGMENTS`` of each customer's segment until the shift, int8 ``[n]``.
    segment
        The same from the shift to the log's end.
    join, stop
        Day on which each customer joins, and day from which nothing comes any more, int16 ``[n]``; ``DAYS``
        for those who stay.
    brisk
        Who comes a little more often than others of the segment, bool ``[n]``.
    browses
        Who never buys, but looks at items instead, bool ``[n]``.
    shift
        When some change their segment.
    attributes
        By attribute, the place of each customer's value in ``ATTRIBUTES``, int8 ``[n]``.
    """

    first: NDArray[np.int8]
    segment: NDArray[np.int8]
    join: NDArray[np.int16]
    stop: NDArray[np.int16]
    brisk: NDArray[np.bool_]
    browses: NDArray[np.bool_]
    attributes: Mapping[str, NDArray[np.int8]]
    shift: Shift = USUAL_SHIFT

    def __len__(self) -> int:
        """Return the number of customers."""
        return len(self.segment)

    def on(self, day: int) -> NDArray[np.int8]:
        """Return the segment of each customer on a day."""
        return self.first if day < self.shift.day else self.segment

    @property
    def shifted(self) -> NDArray[np.int64]:
        """Numbers of those who changed their segment."""
        return np.flatnonzero(self.first != self.segment)

    @property
    def sizes(self) -> NDArray[np.int64]:
        """Customers of each segment at the log's end, int64 ``[k]``."""
        return np.bincount(self.segment, minlength=len(SEGMENTS))


def settle(customers: int, rng: np.random.Generator, *, browsers: bool = False, shift: Shift = USUAL_SHIFT) -> People:
    """Draw the customers: segments have exactly their shares, to within one customer.

    With ``browsers`` every other one never buys.
    """
    sizes = apportion(customers, [segment.share for segment in SEGMENTS])
    segment = rng.permutation(np.repeat(np.arange(len(SEGMENTS), dtype=np.int8), sizes))
    first = segment.copy()
    grown = np.flatnonzero(segment == NAMES.index(SHIFT_TO))
    first[rng.permutation(grown)[: round(shift.share * customers)]] = NAMES.index(SHIFT_FROM)
    join, stop = np.zeros(customers, np.int16), np.full(customers, DAYS, np.int16)
    for place, one in enumerate(SEGMENTS):
        members = np.flatnonzero(first == place)
        join[members] = _spread(one.joins, len(members), rng)
        if one.stops is not None:
            stop[members] = _spread(one.stops, len(members), rng)
    attributes = {name: np.zeros(customers, np.int8) for name in ATTRIBUTES}
    for name, common in ATTRIBUTES.items():
        for place, one in enumerate(SEGMENTS):
            members = segment == place
            shares = one.attributes.get(name, common)
            attributes[name][members] = pick([shares[value] for value in common], int(members.sum()), rng)
    brisk = rng.random(customers) < 0.5
    browses = rng.permutation(customers) < (customers // 2 if browsers else 0)  # drawn last: the rest stays as it is
    return People(first, segment, join, stop, brisk, browses, attributes, shift)


def _spread(days: tuple[int, int], count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return ``count`` days from the first to the last, evenly, in random order."""
    first, last = days
    return rng.permutation(first + (last - first + 1) * np.arange(count) // count)


def apportion(total: int, shares: Sequence[float]) -> NDArray[np.int64]:
    """Return whole numbers that add up to ``total``, by shares: the largest remainders are rounded up.

    Examples
    --------
    >>> apportion(10, [0.25, 0.25, 0.5]).tolist()
    [3, 2, 5]
    """
    exact = total * np.asarray(shares) / sum(shares)
    parts = np.floor(exact).astype(np.int64)
    order = np.argsort(parts - exact, kind="stable")
    parts[order[: total - int(parts.sum())]] += 1
    return parts


def pick(shares: Sequence[float], count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return ``count`` places in ``shares``, each with its share."""
    steps = np.cumsum(shares)
    return np.searchsorted(steps[:-1] / steps[-1], rng.random(count), side="right")
