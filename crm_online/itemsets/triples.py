"""Counting the triples of open pairs in a part of a batch."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from crm_online.itemsets.combinations import cut, pair_counts, pairs_within
from crm_online.itemsets.keys import ITEM_BITS
from crm_online.itemsets.pairs import PairsOfPart, prune_between
from crm_online.itemsets.pruning import close_above, least_that
from crm_online.itemsets.state import COUNT, ERROR, OPENING, TRIPLE_BYTES, CounterState

TRIPLES_AT_ONCE = 1 << 18
"""Triples that are listed in one piece, at least those of one item of one basket."""


def count_triples(state: CounterState, items: NDArray[np.int64], pairs: PairsOfPart) -> None:
    """Count the triples whose three pairs are open, some groups of pairs (a, ·) of a basket at a time."""
    _limit_triples(state, items, pairs)
    place = 0
    while place < len(items):
        chosen = np.flatnonzero(pairs.is_open)
        groups = np.bincount(pairs.places.first[chosen], minlength=len(items))
        start = np.concatenate([[0], np.cumsum(groups)])
        for begin, end in cut(groups[place:], TRIPLES_AT_ONCE):
            here = slice(place + begin, place + end)
            _count_groups(state, items, pairs, chosen[start[here.start] : start[here.stop]], groups[here])
            if state.bytes > state.max_bytes:
                prune_between(state, pairs)
                place = here.stop
                break
        else:
            return


def _limit_triples(state: CounterState, items: NDArray[np.int64], pairs: PairsOfPart) -> None:
    """Raise the threshold until no basket has more triples to try than a quarter of the budget may hold."""
    most = state.max_bytes / (4 * TRIPLE_BYTES)
    chosen = np.flatnonzero(pairs.is_open)
    first, rows = pairs.places.first[chosen], pairs.rows[chosen]
    # Pairs of the last place of a basket are none, so places without pairs part the baskets.
    basket = np.cumsum(np.diff(pairs.places.offset, append=len(pairs.places.first)) == 0)
    counts, errors, _ = state.pairs.values
    bounds = counts.take(rows) + errors.take(rows)

    def fits(gate: float) -> bool:
        groups = np.bincount(first[bounds >= gate], minlength=len(items))
        return bool(np.bincount(basket, pair_counts(groups)).max(initial=0) <= most)

    if not fits(0.0):
        close_above(state, least_that(fits, float(bounds.max())), level=2)
        prune_between(state, pairs)


def _count_groups(
    state: CounterState,
    items: NDArray[np.int64],
    pairs: PairsOfPart,
    chosen: NDArray[np.int64],
    groups: NDArray[np.int64],
) -> None:
    """Count the triples {a, b, c} of open pairs (a, b), (a, c) in the same group, if (b, c) is open too."""
    within = pairs_within(groups)
    ab, ac = chosen.take(within.first), chosen.take(within.second)
    b, c = pairs.places.second.take(ab), pairs.places.second.take(ac)
    bc = pairs.places.number(b, c)
    counted = pairs.is_open.take(bc)
    if not counted.all():
        ab, ac, bc, c = ab[counted], ac[counted], bc[counted], c[counted]
    keys = pairs.keys.take(ab)
    keys <<= ITEM_BITS
    keys |= items.take(c)
    weight = pairs.weight.take(ab) if isinstance(pairs.weight, np.ndarray) else pairs.weight
    table = state.triples
    rows, begin, new = table.find_or_add(keys)
    if len(new) and state.threshold > 0:
        sides = np.stack([ab[new], ac[new], bc[new]])
        table.values[ERROR, begin:] = _error_of_triples(state, pairs, keys[new], sides)
    np.add.at(table.values[COUNT], rows, weight)


def _error_of_triples(
    state: CounterState, pairs: PairsOfPart, keys: NDArray[np.int64], sides: NDArray[np.int64]
) -> NDArray[np.float64]:
    opening = state.pairs.values[OPENING].take(pairs.rows.take(sides)).max(axis=0)
    before = pairs.before.take(sides).min(axis=0)
    error: NDArray[np.float64] = np.minimum(np.maximum(opening, state.floor(3, keys)), before)
    return error
