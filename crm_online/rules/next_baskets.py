"""What came of a purchase: whether the next basket of who bought the antecedent of a rule held its consequent."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crm_online.baskets.transitions import Transition
from crm_online.rules.occurrences import Occurrences, joined, of_bits

_WORDS_AT_ONCE = 1 << 18
_POPULARITY = 200.0
"""Orders that the popularity of an item counts for, where its share of the next orders is estimated."""


@dataclass(frozen=True, eq=False)
class NextBaskets:
    """Orders of sampled customers, and the next order of each.

    Attributes
    ----------
    before, after
        The items of the orders, and of the next ones, in the same order.
    fresh
        Which transitions were not learned from, bool[n].
    """

    before: Occurrences
    after: Occurrences
    fresh: NDArray[np.bool_]

    @classmethod
    def of(cls, parts: Iterable[tuple[Sequence[Transition], Sequence[str]]], begin: Sequence[int] = ()) -> NextBaskets:
        """Return the transitions of some partitions, each given with the names of its items by number.

        Parameters
        ----------
        parts
            The transitions and the names, partition by partition.
        begin
            Number of each partition's first transition that was not learned from; by default none was.

        Examples
        --------
        >>> orders = [Transition(0, "ann", [0], [0, 1]), Transition(1, "ann", [0, 1], [0])]
        >>> seen = NextBaskets.of([(orders, ["tea", "cup"])])
        >>> visits, hits = seen.outcomes(["cup", "tea"], np.array([[1]]), np.array([[0]]))
        >>> visits.tolist(), hits.tolist()
        ([2], [1])
        """
        parts = list(parts)
        numbers, orders = joined(
            ([items for one in transitions for items in (one.before, one.after)], names) for transitions, names in parts
        )
        first = np.arange(0, len(orders), 2)
        fresh = [
            one.number >= number
            for (transitions, _), number in zip(parts, begin or [0] * len(parts), strict=True)
            for one in transitions
        ]
        before, after = (Occurrences(numbers, orders.take(rows)) for rows in (first, first + 1))
        return cls(before, after, np.array(fresh, bool))

    def __len__(self) -> int:
        """Return the number of transitions."""
        return len(self.before.orders)

    def outcomes(
        self,
        names: Sequence[str],
        antecedent: NDArray[np.int32],
        consequent: NDArray[np.int32],
        *,
        only_fresh: bool = False,
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return how many orders had the antecedent of each rule, and how many of these the consequent in the next one.

        Parameters
        ----------
        names
            Names by item id.
        antecedent, consequent
            Item ids of both sides, padded with -1, int32[n, w].
        only_fresh
            Look at those that were not learned from.
        """
        visits, hits = np.zeros(len(antecedent), np.int64), np.zeros(len(antecedent), np.int64)
        if not len(self):
            return visits, hits
        x, y = self.before.rows(names, antecedent), self.after.rows(names, consequent)
        step = max(1, _WORDS_AT_ONCE // self.before.words)
        for begin in range(0, len(x), step):
            some = slice(begin, begin + step)
            both = self.before.having(x[some])
            if only_fresh:
                both &= of_bits(self.fresh)
            visits[some] = np.bitwise_count(both).sum(axis=1)
            both &= self.after.having(y[some])
            hits[some] = np.bitwise_count(both).sum(axis=1)
        return visits, hits

    def shares(
        self,
        names: Sequence[str],
        consequent: NDArray[np.int32],
        popularity: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        """Return the share of next orders that hold each consequent, drawn towards its popularity.

        Parameters
        ----------
        names
            Names by item id.
        consequent
            Item ids, padded with -1, int32[n, w].
        popularity
            Share of all baskets that have the consequent, float64[n].
        """
        rows = self.after.rows(names, consequent)
        place, base = rows[:, 0], len(self.after.numbers) + 2
        for column in rows.T[1:]:
            _, place = np.unique(place * base + column, return_inverse=True)
        _, first, place = np.unique(place, return_index=True, return_inverse=True)
        having, step = np.zeros(len(first), np.int64), max(1, _WORDS_AT_ONCE // max(self.after.words, 1))
        for begin in range(0, len(first), step):
            some = slice(begin, begin + step)
            having[some] = np.bitwise_count(self.after.having(rows[first[some]])).sum(axis=1)
        share: NDArray[np.float64] = (having[place] + _POPULARITY * popularity) / (len(self) + _POPULARITY)
        return share
