"""Itemsets counted basket by basket in plain Python: what the vectorised counters are measured against.

The same promise (count ≤ true ≤ count + error), the same gates and the same prunings as
``crm_online.itemsets.counters``, judged after every basket, with dictionaries and ``itertools.combinations``
over the open items of a basket. One dictionary look-up a pair or triple; entries are short lists.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations

CLOSED = -1
"""Opening of a pair that is not open."""

COUNT, ERROR, OPENING = 0, 1, 2
"""Places in an entry."""

FEWEST_PAIRS, FEWEST_TRIPLES = 1 << 19, 1 << 19
"""Entries that are not worth a pruning."""


class PlainCounters:
    """Counts of items, pairs and triples of baskets given as ascending item ids; plain counts, no decay."""

    def __init__(self, epsilon: float) -> None:
        self.epsilon = epsilon
        self.baskets = 0
        self.items: dict[int, int] = {}
        self.opened: dict[int, int] = {}
        self.pairs: dict[tuple[int, int], list[int]] = {}
        self.triples: dict[tuple[int, int, int], list[int]] = {}
        self.pair_floor = self.triple_floor = 0
        self.kept_pairs = self.kept_triples = 0

    def count(self, baskets: Iterable[Sequence[int]]) -> None:
        """Count baskets one by one."""
        for basket in baskets:
            self.baskets += 1
            threshold = self.epsilon * self.baskets
            open_items = self._count_items(basket, threshold / 3)
            open_pairs = self._count_pairs(open_items, threshold * 2 / 3)
            self._count_triples(open_pairs)
            if len(self.pairs) > max(2 * self.kept_pairs, FEWEST_PAIRS):
                self._drop_pairs(threshold)
            if len(self.triples) > max(2 * self.kept_triples, FEWEST_TRIPLES):
                self._drop_triples(threshold)

    def _count_items(self, basket: Sequence[int], gate: float) -> list[int]:
        items, opened, found = self.items, self.opened, []
        for item in basket:
            before = items.get(item, 0)
            items[item] = before + 1
            if item not in opened:
                if before + 1 < gate:
                    continue
                opened[item] = before
            found.append(item)
        return found

    def _count_pairs(self, open_items: list[int], gate: float) -> dict[int, dict[int, list[int]]]:
        """Count the pairs and return the open ones: first item → second item → entry."""
        get = self.pairs.get
        found: dict[int, dict[int, list[int]]] = {}
        for pair in combinations(open_items, 2):
            entry = get(pair)
            if entry is None:
                a, b = pair
                missed = max(self.opened[a], self.opened[b], self.pair_floor)
                entry = self.pairs[pair] = [0, min(missed, self.items[a] - 1, self.items[b] - 1), CLOSED]
            entry[COUNT] += 1
            if entry[OPENING] == CLOSED:
                bound = entry[COUNT] + entry[ERROR]
                if bound < gate:
                    continue
                entry[OPENING] = bound - 1
            a, b = pair
            if a in found:
                found[a][b] = entry
            else:
                found[a] = {b: entry}
        return found

    def _count_triples(self, open_pairs: dict[int, dict[int, list[int]]]) -> None:
        get = self.triples.get
        for a, partners in open_pairs.items():
            if len(partners) < 2:
                continue
            for b, c in combinations(partners, 2):
                if b in open_pairs and c in open_pairs[b]:
                    entry = get((a, b, c))
                    if entry is None:
                        self.triples[a, b, c] = [1, self._missed(partners[b], partners[c], open_pairs[b][c])]
                    else:
                        entry[COUNT] += 1

    def _missed(self, ab: list[int], ac: list[int], bc: list[int]) -> int:
        """Return what a new triple may have missed."""
        missed = self.triple_floor
        for _, _, opening in (ab, ac, bc):
            if opening > missed:
                missed = opening
        for count, error, _ in (ab, ac, bc):
            if count + error <= missed:
                missed = count + error - 1
        return missed

    def _drop_pairs(self, threshold: float) -> None:
        for item in [item for item in self.opened if self.items[item] < threshold / 3]:
            del self.opened[item]
        for pair, (count, error, _) in list(self.pairs.items()):
            is_open = pair[0] in self.opened and pair[1] in self.opened
            if not is_open or count + error < threshold / 3:
                del self.pairs[pair]
                if is_open:
                    self.pair_floor = max(self.pair_floor, count + error)
        self.kept_pairs = len(self.pairs)
        self._drop_triples(threshold)

    def _drop_triples(self, threshold: float) -> None:
        for entry in self.pairs.values():
            if entry[COUNT] + entry[ERROR] < threshold * 2 / 3:
                entry[OPENING] = CLOSED
        for triple, (count, error) in list(self.triples.items()):
            if count + error < threshold:
                del self.triples[triple]
                self.triple_floor = max(self.triple_floor, count + error)
        self.kept_triples = len(self.triples)
