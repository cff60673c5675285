"""Logs made to defeat gates, budgets and bounds."""

from __future__ import annotations

from hypothesis import strategies as st

DAY = 86_400_000
HALF_LIFE = 30 * DAY

Log = list[tuple[int, list[int]]]


def alternating(baskets: int) -> Log:
    """Three items that come alone by turns and together at last."""
    apart: Log = [(time, [time % 3, 9]) for time in range(baskets)]
    return [*apart, *((baskets + time, [0, 1, 2]) for time in range(baskets // 3))]


def late_friends(baskets: int) -> Log:
    """Rare items that come together late, when the gates have long been high."""
    crowd: Log = [(time, [10 + time % 5, 20 + time % 7, 30 + time % 11]) for time in range(baskets)]
    friends: Log = [(baskets + time, [1, 2, 3, 10 + time % 5]) for time in range(baskets // 6)]
    strangers: Log = [(0, [1, 40]), (1, [2, 41]), (2, [3, 42])]
    return [*crowd[: baskets // 2], *strangers, *crowd[baskets // 2 :], *friends]


def wide(baskets: int) -> Log:
    """Long baskets of ever new items, with one triple that is always there."""
    return [(time, [0, 1, 2, *range(3 + 13 * (time % 9), 3 + 13 * (time % 9) + 30)]) for time in range(baskets)]


_items = st.lists(st.one_of(st.integers(0, 4), st.integers(0, 25)), max_size=9)
_random: st.SearchStrategy[Log] = st.lists(st.tuples(st.integers(0, 400 * DAY), _items), min_size=1, max_size=80)
_made = st.builds(
    lambda make, size, pace: [(time * pace, items) for time, items in make(size)],
    st.sampled_from([alternating, late_friends, wide]),
    st.integers(12, 150),
    st.sampled_from([1, DAY, 40 * DAY]),
)
logs: st.SearchStrategy[Log] = st.one_of(
    _random,
    st.lists(_random, min_size=2, max_size=4).map(lambda parts: [basket for part in parts for basket in part]),
    _made,
)
