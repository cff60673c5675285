"""Whose turn it is on each day: all events but what is in them.

Every customer joins, which is a profile and the first turn of the segment's script. Then the customers of a segment
take turns in laps: in each lap every customer comes once, in fresh order, but in every third only those who are
brisk. So customers of a segment come about equally often, as their truth says, at times that are their own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crm_online.simulate.people import People
from crm_online.simulate.shop import BEGIN, DAYS, SEGMENTS, WEEKDAYS

BRISK_LAP = 3
"""In each lap of this number only brisk customers come."""


@dataclass(frozen=True, slots=True, eq=False)
class Day:
    """Who comes on a day: numbers of customers.

    Attributes
    ----------
    day
        From 0.
    joining
        Who joins; each of them at once takes a first turn.
    coming
        Who takes a turn, in order; the same customer may come twice.
    """

    day: int
    joining: NDArray[np.int64]
    coming: NDArray[np.int64]


def turns(people: People, events: int, rng: np.random.Generator) -> Iterator[Day]:
    """Yield the days of the log; profiles and turns of all days together are ``events``.

    Parameters
    ----------
    people
        The customers.
    events
        At least two for each customer.
    rng
        What is drawn with.
    """
    counts = _turns_by_day(people, events - 2 * len(people), rng)
    laps = [_Laps(people, place, rng) for place in range(len(SEGMENTS))]
    for day in range(DAYS):
        coming = np.concatenate([lap.draw(int(count), day) for lap, count in zip(laps, counts[day], strict=True)])
        yield Day(day, np.flatnonzero(people.join == day), coming)


def _turns_by_day(people: People, total: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return how many turns each segment takes on each day, int64 ``[days, k]``: ``total`` in all."""
    weights = np.zeros((DAYS, len(SEGMENTS)))
    for day in range(DAYS):
        active = np.bincount(people.on(day)[_active(people, day)], minlength=len(SEGMENTS))
        weekday = WEEKDAYS[(BEGIN.weekday() + day) % 7]
        for place, segment in enumerate(SEGMENTS):
            weights[day, place] = segment.pace * weekday * active[place]
    return rng.multinomial(total, (weights / weights.sum()).ravel()).reshape(weights.shape)


def _active(people: People, day: int) -> NDArray[np.bool_]:
    """Return who may take a turn on a day: who joined before it and has not stopped, bool ``[n]``."""
    return (people.join < day) & (people.stop > day)


class _Laps:
    """The customers of a segment, one lap after the other."""

    def __init__(self, people: People, place: int, rng: np.random.Generator) -> None:
        self._people, self._place, self._rng = people, place, rng
        self._waiting = np.zeros(0, np.int64)
        self._lap = 0

    def draw(self, count: int, day: int) -> NDArray[np.int64]:
        """Return the next ``count`` customers; who has stopped or left the segment is passed over."""
        drawn: list[NDArray[np.int64]] = [self._waiting[:0]]
        while count:
            if not len(self._waiting):
                self._waiting = self._next_lap(day)
            some, self._waiting = self._waiting[:count], self._waiting[count:]
            some = some[self._belongs(some, day)]
            drawn.append(some)
            count -= len(some)
        return np.concatenate(drawn)

    def _belongs(self, numbers: NDArray[np.int64], day: int) -> NDArray[np.bool_]:
        here: NDArray[np.bool_] = self._people.on(day)[numbers] == self._place
        return here & (self._people.stop[numbers] > day)

    def _next_lap(self, day: int) -> NDArray[np.int64]:
        members = np.flatnonzero((self._people.on(day) == self._place) & _active(self._people, day))
        self._lap += 1
        if self._lap % BRISK_LAP == 0:
            members = members[self._people.brisk[members]]
        return self._rng.permutation(members)
