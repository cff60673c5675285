"""Lines that come one by one become whole baskets, whatever the chunks they come in."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_online.baskets.basket import Basket
from crm_online.baskets.counted import CountedBaskets
from crm_online.baskets.open import ClosedBasket, OpenBaskets
from crm_online.errors import StateCorrupt
from crm_online.events.building import from_events
from crm_online.events.columns import EventColumns
from crm_online.events.models import EVENT
from crm_online.itemsets.names import ItemNames

OPEN_FOR = 100
LINES = st.lists(
    st.tuples(
        st.integers(0, 80),  # seconds since the line before
        st.sampled_from(["a", "b", None]),
        st.sampled_from(["x", "y"]),
        st.sampled_from(["tea", "milk", "bread", None]),
        st.sampled_from(["purchase", "purchase", "return"]),
    ),
    max_size=40,
)
Line = tuple[int, str | None, str, str | None, str]


def columns(lines: list[Line]) -> EventColumns:
    """Return lines, with absolute times in seconds, as events."""
    events = [
        {
            "type": kind,
            "customer_id": customer,
            "basket_id": basket,
            "time": f"1970-01-01T{time // 3600:02}:{time // 60 % 60:02}:{time % 60:02}Z",
            "items": [{"item": item}],
        }
        for time, customer, basket, item, kind in lines
    ]
    return from_events([EVENT.validate_python(event) for event in events], range(len(events)), "log")


def gathered(lines: list[Line], size: int) -> tuple[list[tuple[int, tuple[str, ...]]], int]:
    """Return the baskets of lines that come in chunks, and how many orders and returns were opened."""
    items, baskets = ItemNames(), OpenBaskets(OPEN_FOR * 1000, CountedBaskets(10**6))
    whole: list[ClosedBasket] = []
    opened, watermark = 0, 0
    for begin in range(0, len(lines), size):
        events = columns(lines[begin : begin + size])
        watermark = max(watermark, int(events.time.max()))
        numbers = np.append(items.numbers(events.items), -1)[events.item]
        found = baskets.gather(events, numbers, watermark)
        whole += found.closed
        opened += int(found.opens_order.sum())
        again = OpenBaskets(OPEN_FOR * 1000, CountedBaskets(10**6))  # as after a crash
        again.load((key.encode(), basket.encode()) for key, basket in baskets.baskets.items())
        baskets = again
    whole += baskets.close_all()
    named = [(time, tuple(sorted(items.names[number] for number in basket))) for time, basket, _ in whole]
    return sorted(named), opened


@given(gaps=LINES, size=st.integers(1, 45))
def test_baskets_are_those_of_a_plain_grouping_whatever_the_chunks(gaps: list[Line], size: int) -> None:
    lines: list[Line] = []
    time = 0
    for gap, customer, basket, item, kind in gaps:
        time += gap
        lines.append((time, customer, basket, item, kind))
    sessions: dict[tuple[str | None, str, str], list[tuple[int, int, set[str]]]] = defaultdict(list)
    for at, customer, basket, item, kind in lines:
        mine = sessions[customer, basket, kind]
        if not mine or at - mine[-1][1] > OPEN_FOR:
            mine.append((at, at, set()))
        first, _, items = mine[-1]
        mine[-1] = (first, at, items | {item} if item else items)
    expected = [
        (first * 1000, tuple(sorted(items)))
        for (_, _, kind), mine in sessions.items()
        if kind == "purchase"
        for first, _, items in mine
        if items
    ]
    assert gathered(lines, size) == (sorted(expected), sum(map(len, sessions.values())))


def test_an_event_without_basket_id_is_whole_by_itself() -> None:
    event = {"type": "purchase", "time": "2024-01-01", "items": [{"item": "tea"}, {"item": "tea"}, {"item": None}]}
    events = from_events([EVENT.validate_python(event)] * 2, [0, 1], "log")
    found = OpenBaskets(OPEN_FOR, CountedBaskets(10**6)).gather(
        events, np.array([0, 0, -1, 0, 0, -1]), int(events.time[0])
    )
    assert [items for _, items, _ in found.closed] == [[0], [0]]
    assert found.opens_order.all()


@pytest.mark.parametrize("raw", [b"", b"\x01", b"\x09" * 40, Basket(1, 2, {3}).encode()[:-1]])
def test_bytes_that_are_no_basket_are_refused(raw: bytes) -> None:
    with pytest.raises(StateCorrupt):
        Basket.decode(raw)
