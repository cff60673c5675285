"""When examples are taken: event time is cut into slots, and each followed customer is an example in every eighth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

PER_HORIZON: Final = 45
EVERY: Final = 8
"""Slots between two examples of a customer; in which of them they are taken follows from the customer's hash."""


@dataclass(frozen=True, slots=True)
class Slots:
    """The slots of event time of one horizon, given in ms: two days where the horizon is 90.

    Examples
    --------
    >>> slots = Slots(90_000)
    >>> slots.of(7_000), slots.moment(3), slots.reached(1, 7_000), slots.reached(1, 70_000)
    (3, 6000, range(2, 4), range(2, 10))
    >>> slots.is_known(3, 96_000), slots.is_known(3, 96_001)
    (False, True)
    """

    horizon: int

    @property
    def length(self) -> int:
        """Length of a slot in ms."""
        return self.horizon // PER_HORIZON

    def of(self, time: int) -> int:
        """Return the slot of a time in ms."""
        return time // self.length

    def moment(self, slot: int) -> int:
        """Return the time with which a slot begins, in ms: its examples are as of then."""
        return slot * self.length

    def reached(self, last: int, watermark: int) -> range:
        """Return the slots that have begun since slot ``last`` did, at most as many as have each customer once.

        Of more the first are returned, so that they do not depend on how far a step goes.
        """
        return range(last + 1, min(self.of(watermark), last + EVERY) + 1)

    def is_known(self, slot: int, watermark: int) -> bool:
        """Return whether the horizon of a slot's examples has gone by."""
        return watermark > self.moment(slot) + self.horizon
