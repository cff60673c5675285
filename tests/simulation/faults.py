"""What may happen to a message on its way, drawn from a seed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import Enum
from random import Random


class Fate(Enum):
    """What happens to a request."""

    DONE = "done"
    LOST = "request lost"
    UNANSWERED = "answer lost"
    LATE = "request late"


@dataclass
class Faults:
    """Draws what goes wrong, and counts it.

    Parameters
    ----------
    random
        The seed's draws.
    share
        Of the requests to a store or a broker, how many go wrong.

    Attributes
    ----------
    on
        Whether anything goes wrong.
    counts
        What went wrong, by kind.
    """

    random: Random
    share: float = 0.01
    on: bool = True
    counts: Counter[str] = field(default_factory=Counter)

    def fate(self, of: str) -> Fate:
        """Draw what happens to a request."""
        if not self.on or self.random.random() >= self.share:
            return Fate.DONE
        fate = self.random.choice([Fate.LOST, Fate.UNANSWERED, Fate.LATE])
        self.count(f"{of} {fate.value}")
        return fate

    def happens(self, what: str, share: float) -> bool:
        """Draw whether something goes wrong, and count it."""
        if not self.on or self.random.random() >= share:
            return False
        self.count(what)
        return True

    def count(self, what: str) -> None:
        """Count a fault."""
        self.counts[what] += 1

    def delay(self) -> float:
        """Draw the time in s that a message takes: as a rule short, seldom long enough to be overtaken by much."""
        return self.random.choice([0.0005, 0.001, 0.002, 0.005, 0.05 if self.on else 0.005])

    def late(self) -> float:
        """Draw how much later in s than given up a late request arrives."""
        return self.random.choice([0.01, 0.1, 1.0, 5.0])
