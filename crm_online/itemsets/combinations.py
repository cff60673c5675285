"""All pairs within each basket of a batch, without a loop over baskets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class PairsWithin:
    """The pairs i < j of places within the same segment, in lexicographic order.

    Attributes
    ----------
    first, second
        The two places of each pair; shape (pairs,).
    offset
        Number of the first pair that begins at a place; shape (places,).
    """

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    offset: NDArray[np.int64]

    def number(self, first: NDArray[np.int64], second: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the numbers of the pairs (first, second), which must be within one segment."""
        found: NDArray[np.int64] = self.offset.take(first)
        found += second
        found -= first
        found -= 1
        return found


def pairs_within(lengths: NDArray[np.int64]) -> PairsWithin:
    """List the pairs of places within segments that follow each other.

    Parameters
    ----------
    lengths
        Number of places of each segment.

    Examples
    --------
    >>> pairs = pairs_within(np.array([3, 1, 2]))
    >>> list(zip(pairs.first.tolist(), pairs.second.tolist()))
    [(0, 1), (0, 2), (1, 2), (4, 5)]
    """
    end = np.cumsum(lengths)
    place = np.arange(end[-1] if len(end) else 0, dtype=np.int64)
    after = np.repeat(end, lengths) - place - 1
    offset = np.cumsum(after) - after
    first = np.repeat(place, after)
    second = np.arange(len(first), dtype=np.int64)
    second -= np.repeat(offset - place - 1, after)
    return PairsWithin(first, second, offset)


def pair_counts(lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how many pairs each segment has."""
    return lengths * (lengths - 1) // 2


def cut(lengths: NDArray[np.int64], most: int) -> list[tuple[int, int]]:
    """Cut into runs of baskets that have at most ``most`` pairs each, or are single baskets."""
    end = np.cumsum(pair_counts(lengths))
    parts, begin, before = [], 0, 0
    while begin < len(lengths):
        stop = max(begin + 1, int(np.searchsorted(end, before + most, side="right")))
        parts.append((begin, stop))
        begin, before = stop, int(end[stop - 1])
    return parts
