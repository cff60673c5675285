"""The itemset counters of one partition."""

from __future__ import annotations

from typing import Self

import numpy as np
from numpy.typing import NDArray

from crm_online.decay import Decay
from crm_online.errors import InvalidSetting
from crm_online.itemsets import counting, encoding, reading
from crm_online.itemsets.baskets import Baskets
from crm_online.itemsets.keys import items_of
from crm_online.itemsets.reading import Itemsets
from crm_online.itemsets.state import COUNT, ERROR, CounterState

_MOST_FLOORS = 1 << 14
_FLOORS_OF_BUDGET = 1024


Chunks = list[bytes]
"""A dump, in pieces of bounded length."""


class ItemsetCounters:
    """Counts of items, pairs and triples with bounds: count ≤ true ≤ count + error, as of any time.

    Weights are decayed and relative to a landmark. N is the weight of all baskets that are not empty, and the
    threshold is θ = max(εN, H), where H is what the budget has raised it to (0 at first). θ never falls while the
    landmark stays, and a new landmark scales all weights alike; so below "before" and "now" can be compared.

    *What is counted.* Single items, exactly. An item opens once its count, this batch's included, is ≥ θ/3; its count
    before this batch is its *opening*. A pair is counted in the baskets of a batch when both its items are open, and
    opens once its count + error is ≥ 2θ/3; a triple is counted when its three pairs are open. (For ``max_size`` 2
    items open at θ/2.) Pruning closes items below θ/3, drops pairs below θ/3 and triples below θ, and closes
    pairs below 2θ/3. The *floor* of a key is the largest count + error ever pruned of keys with the same hash.

    *What may have been missed.* Let S be an itemset with no entry, and all its subsets open. The one that opened last
    did so in some batch; before it S came at most as often as this subset, so at most its opening. Since then
    each batch counted S. Either S did not come, or it had an entry that was pruned, when all it had missed was
    within count + error, which is at most the floor. Hence an entry is born with
    error = min(max(openings of the subsets, floor), count + error of each subset before this batch), which is what it
    can have missed, and count ≤ true ≤ count + error holds from there on, since what is added to an entry is added
    to the truth. If a subset is not open, S is no more than that subset: this is the bound of an absent S.

    *Nothing frequent is missed.* Openings of items are < θ/3, of pairs < 2θ/3, floors < θ/3 and < θ, and a closed
    item or pair is below its gate. So an itemset without an entry has a true weight < θ. With
    ``achieved_epsilon`` = θ/N ≤ min_support no itemset at or above min_support is absent. With ε = 0 and within the
    budget θ is 0, nothing is ever closed or pruned, and every count is exact.

    *Baskets withdrawn.* A basket may be taken out again: what has an entry loses weight, in count and truth alike.
    Truths only fall by that, so bounds of what has no entry still hold; H keeps θ where N has become smaller.

    *The budget.* When the entries take more than ``max_bytes``, H rises to where three quarters of it are enough. This
    may happen in the middle of a batch: then its pairs are all counted, some of its triples are, and what is born
    afterwards takes as "before" what its pairs have now. A batch is cut into parts of bounded numbers of pairs, triples
    are listed in bounded pieces, and a single basket with more pairs than a part may have closes its rarest items
    first. A basket with more triples than a quarter of the budget may hold (at 256 MB: more than 213 open items) closes
    its rarest pairs first.

    Parameters
    ----------
    epsilon
        Largest error as a share of N that is asked for; 0 counts everything.
    decay
        How the weight of a basket fades.
    max_size
        Items in an itemset, 1 to 3.
    max_bytes
        Budget of the counters; above it ``achieved_epsilon`` rises.

    Raises
    ------
    InvalidSetting
        If a parameter is out of its range.

    Notes
    -----
    Gates on upper bounds and entries born with an error go back to Manku and Motwani: Approximate frequency counts
    over data streams, VLDB 2002 (Lossy Counting). Counting is a function of the state and the batches alone.

    Examples
    --------
    >>> counters = ItemsetCounters(epsilon=0.0, decay=Decay(None), max_size=2, max_bytes=10**6)
    >>> counters.count(Baskets.of([(0, [1, 2]), (0, [1, 2, 3]), (0, [3])]))
    >>> counters.baskets(as_of=0)
    3.0
    >>> sets = counters.frequent(min_support=0.5, as_of=0)
    >>> sets.items[:, :2].tolist(), sets.count.tolist()
    ([[1, -1], [2, -1], [3, -1], [1, 2]], [2.0, 2.0, 2.0, 2.0])
    """

    def __init__(self, epsilon: float, decay: Decay, max_size: int, max_bytes: int) -> None:
        if not 0 <= epsilon <= 1:
            raise InvalidSetting(f"itemsets.epsilon must be from 0 to 1, not {epsilon}")
        if not 1 <= max_size <= 3:
            raise InvalidSetting(f"itemsets.max_size must be 1, 2 or 3, not {max_size}")
        if max_bytes < 1:
            raise InvalidSetting(f"itemsets.max_bytes must be positive, not {max_bytes}")
        cells = min(_MOST_FLOORS, max(1, max_bytes // _FLOORS_OF_BUDGET))
        floors = np.zeros((2, 1 << cells.bit_length() - 1))
        self._state = CounterState(epsilon, decay, max_size, max_bytes, floors=floors)

    @property
    def bytes(self) -> int:
        """Bytes that the counters take, as the budget counts them."""
        return self._state.bytes

    @property
    def achieved_epsilon(self) -> float:
        """The share below which an itemset may be absent: ``epsilon``, or more where the budget was spent."""
        state = self._state
        return max(state.epsilon, state.threshold / state.baskets) if state.baskets > 0 else state.epsilon

    @property
    def entries(self) -> tuple[int, int, int]:
        """How many items, pairs and triples are counted."""
        return int(np.count_nonzero(self._state.item_count)), len(self._state.pairs), len(self._state.triples)

    @property
    def landmark(self) -> int:
        """The landmark that stored weights refer to, ms."""
        return self._state.landmark

    @property
    def state(self) -> CounterState:
        """The arrays, for the summary; not to be changed."""
        return self._state

    def count(self, batch: Baskets, withdrawn: Baskets | None = None) -> None:
        """Count a batch of baskets, and take some out that were counted before; empty ones count for nothing.

        Parameters
        ----------
        batch
            Baskets to be counted.
        withdrawn
            Baskets to be taken out: each was counted before with the same items and time, and its items stand in
            a basket of the batch, which takes its place.
        """
        counting.count(self._state, batch, withdrawn)

    def baskets(self, as_of: int) -> float:
        """Return the decayed number of baskets as of a time in ms."""
        return self._state.baskets * self._reading(as_of)

    def lookup(self, items: NDArray[np.int32], as_of: int) -> Itemsets:
        """Return the bounds of any itemsets, also of those that are not counted.

        Parameters
        ----------
        items
            Ascending ids padded with -1, shape (n, 3). An id that was never seen makes both bounds 0.
        as_of
            Time to which weights are decayed, ms.
        """
        return self._read(reading.lookup(self._state, items), as_of)

    def frequent(self, min_support: float, as_of: int, *, upper: bool = True) -> Itemsets:
        """Return the itemsets with at least this support, by size and then by items.

        Parameters
        ----------
        min_support
            Share of the decayed number of baskets.
        as_of
            Time to which weights are decayed, ms.
        upper
            Judge by the upper bound, so that none is missed while ``achieved_epsilon`` ≤ ``min_support``; else by the
            count, so that none is there that is not frequent.
        """
        return self._read(reading.frequent(self._state, min_support * self._state.baskets, upper=upper), as_of)

    def dump(self) -> Chunks:
        """Return the whole state as chunks of at most 8 MiB; ``load`` gives a twin that counts on bit by bit alike."""
        return encoding.encode(self._state)

    @classmethod
    def load(cls, chunks: Chunks) -> Self:
        """Return the counters of a dump.

        Raises
        ------
        StateTooNew
            If a newer version wrote it.
        StateCorrupt
            If no version wrote it, or bytes are missing or changed.
        """
        counters = cls.__new__(cls)
        counters._state = encoding.decode(chunks)
        return counters

    def items(self, as_of: int) -> NDArray[np.float64]:
        """Return the counts of single items by id, which are exact."""
        return self._state.item_count * self._reading(as_of)

    def pairs(self, as_of: int) -> Itemsets:
        """Return all pairs that are counted, frequent or not, in a fixed order."""
        table = self._state.pairs
        sets = Itemsets(items_of(table.keys, 2), table.values[COUNT].copy(), table.values[ERROR].copy())
        return self._read(sets, as_of)

    def _reading(self, as_of: int) -> float:
        return float(self._state.decay.reading(np.array([as_of]), np.array([self._state.landmark]))[0])

    def _read(self, sets: Itemsets, as_of: int) -> Itemsets:
        factor = self._reading(as_of)
        return Itemsets(sets.items, sets.count * factor, sets.error * factor)
