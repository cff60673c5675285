"""What may happen to a message on its way, drawn from a seed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from random import Random
from typing import Final


class Fate(Enum):
    """What happens to a request."""

    DONE = "done"
    LOST = "request lost"
    UNANSWERED = "answer lost"
    LATE = "request late"


_IN_A_ROW: Final = ("redis read", "broker offsets")
"""Kinds of which dozens must succeed for anything to go on."""
_SHARES_IN_A_ROW: Final = (0.003, 0.01, 0.03, 0.06)
_SHARES: Final = (0.0, 0.01, 0.03, 0.1, 0.3)


@dataclass
class Faults:
    """Draws what goes wrong, and counts it.

    Each run draws for each kind of request how many of them go wrong: where all kinds do so alike, no run has much of
    one and little of the others, and most of what several kinds do to each other is seldom met.

    Parameters
    ----------
    random
        The seed's draws.

    Attributes
    ----------
    on
        Whether anything goes wrong.
    disturbed
        Whether requests do: if not, they take time all the same.
    counts
        What went wrong, by kind.
    ambushes
        What is done, once, when a request of a kind is about to be sent, by the process that sends it.
    """

    random: Random
    on: bool = True
    disturbed: bool = True
    counts: Counter[str] = field(default_factory=Counter)
    ambushes: dict[str, Callable[[], None]] = field(default_factory=dict)
    _shares: dict[str, float] = field(default_factory=dict)

    def fate(self, of: str) -> Fate:
        """Draw what happens to a request of a kind."""
        if not (self.on and self.disturbed):
            return Fate.DONE
        if of in self.ambushes:
            self.ambushes.pop(of)()
        if self.random.random() >= self._share(of):
            return Fate.DONE
        fate = self.random.choice([Fate.LOST, Fate.UNANSWERED, Fate.LATE])
        self.count(f"{of} {fate.value}")
        return fate

    def happens(self, what: str) -> bool:
        """Draw whether something goes wrong, and count it."""
        if not self.on or self.random.random() >= self._share(what):
            return False
        self.count(what)
        return True

    def _share(self, of: str) -> float:
        share = self._shares.get(of)
        if share is None:
            share = self._shares[of] = self.random.choice(_SHARES_IN_A_ROW if of in _IN_A_ROW else _SHARES)
        return share

    def count(self, what: str) -> None:
        """Count a fault."""
        self.counts[what] += 1

    def delay(self) -> float:
        """Draw the time in s that a message takes: as a rule short, seldom long enough to be overtaken by much."""
        return self.random.choice([0.0005, 0.001, 0.002, 0.005, 0.05 if self.on else 0.005])

    def late(self) -> float:
        """Draw how much later in s than given up a late request arrives."""
        return self.random.choice([0.01, 0.1, 1.0, 5.0])
