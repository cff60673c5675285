"""How many baskets of unknown customers are counted beside those of known ones: whoever sends baskets can send many."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pydantic import BaseModel, ConfigDict

BEGINNING: Final = 50
"""Baskets of known customers before which all are counted: what is usual is not known yet."""
FLUCTUATION: Final = 2.0
"""How many times as many anonymous baskets as is usual are counted."""


class BasketsByKnown(BaseModel):
    """Counts of baskets by whether their customer is known, in one partition.

    Attributes
    ----------
    known
        Baskets of known customers.
    anonymous, left_out
        Baskets of unknown ones, of which so many were not counted.
    usual
        Anonymous baskets for each one of a known customer, when these last were twice as many as before; ``None`` until
        then.
    checked_at
        How many of known customers there were then.
    """

    model_config = ConfigDict(extra="forbid")

    known: int = 0
    anonymous: int = 0
    left_out: int = 0
    usual: float | None = None
    checked_at: int = 0


@dataclass(frozen=True, slots=True)
class AnonymousQuota:
    """Decides which anonymous baskets are counted.

    All are in a shop that knows no customers, and until it has ``BEGINNING`` baskets of known ones. Then there may be
    twice as many as is usual in this log, and ``share`` of all baskets besides. What is usual is measured anew when the
    baskets of known customers have doubled, by all that came: a shop that changes is followed, a flood is not.

    Parameters
    ----------
    share
        From 0 to below 1; ``None``: all are counted.
    counts
        What was counted so far, changed in place.

    Examples
    --------
    >>> quota = AnonymousQuota(0.1, BasketsByKnown())
    >>> sum(quota.admits(known=True) for _ in range(900)), sum(quota.admits(known=False) for _ in range(5000))
    (900, 100)
    """

    share: float | None
    counts: BasketsByKnown

    def admits(self, *, known: bool, before: bool | None = None) -> bool:
        """Count a basket, and return whether it is to be counted among the others.

        Parameters
        ----------
        known
            Whether its customer is known.
        before
            Whether it was admitted before it was withdrawn, which stays so; ``None``: it comes for the first time.
        """
        counts = self.counts
        if known:
            counts.known += 1
            if counts.known >= max(2 * counts.checked_at, BEGINNING):
                counts.usual, counts.checked_at = counts.anonymous / counts.known, counts.known
            return True
        counts.anonymous += 1
        admitted = self._has_room() if before is None else before
        counts.left_out += not admitted
        return admitted

    def withdraw(self, *, known: bool, admitted: bool) -> None:
        """Take back a basket that was admitted or left out."""
        if known:
            self.counts.known -= 1
        else:
            self.counts.anonymous -= 1
            self.counts.left_out -= not admitted

    def _has_room(self) -> bool:
        counts = self.counts
        if self.share is None or counts.usual is None:
            return True
        most = (FLUCTUATION * counts.usual + self.share / (1 - self.share)) * counts.known
        return counts.anonymous - counts.left_out <= most
