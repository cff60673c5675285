"""What one batch of events did to the baskets."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Whole = tuple[int, list[int]]
"""A basket to be counted, or withdrawn: its first line's time in ms, and its items' ids in ascending order."""


@dataclass(slots=True)
class Gathered:
    """What one batch of events did to the baskets.

    Attributes
    ----------
    opens_order
        bool[n]: True for the first line of each order or return, where none that came before was as early.
    closed
        Orders and returns that were opened before and are so no longer, since they begin earlier than was known or are
        part of another: an event of the same customer and kind, and the time in ms at which they were opened.
    whole
        Baskets that are whole now, in a fixed order.
    withdrawn
        Baskets that were whole before, and have got more lines.
    doubtful
        How many baskets began where earlier ones are forgotten already: each may be part of one of them.
    """

    opens_order: NDArray[np.bool_]
    closed: list[tuple[int, int]] = field(default_factory=list)
    whole: list[Whole] = field(default_factory=list)
    withdrawn: list[Whole] = field(default_factory=list)
    doubtful: int = 0
