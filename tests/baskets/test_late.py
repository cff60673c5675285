"""Lines that come after their basket was counted: baskets are those of the lines in order of time."""

from __future__ import annotations

from collections import Counter, defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm_online.baskets.anonymous import AnonymousQuota, BasketsByKnown
from crm_online.baskets.basket import Basket
from crm_online.baskets.counted import NAME, SESSIONS, CountedBaskets
from crm_online.baskets.open import OpenBaskets
from crm_online.errors import StateCorrupt
from crm_online.events import models
from crm_online.step import Put
from tests.baskets.test_store import OPEN_FOR, Till
from tests.engine import shop

LINES = st.lists(
    st.tuples(
        st.integers(0, 12 * OPEN_FOR),
        st.sampled_from(("ann", "bob", None)),
        st.sampled_from(("x", "y")),
        st.sampled_from(("tea", "milk", "bread", None)),
        st.sampled_from(("order", "order", "return")),
        st.sampled_from(("", "", "", "write", "end")),
    ),
    max_size=25,
)
Line = tuple[int, str | None, str, str | None, str, str]


def event(line: Line) -> models.Event:
    """Return an order line as an event."""
    time, customer, basket, item, kind, _ = line
    return (shop.order if kind == "order" else shop.returned)(customer, time, (item, 1.0, 1.0), basket=basket)


@settings(max_examples=300)
@given(lines=LINES, size=st.integers(1, 6))
def test_baskets_and_orders_are_those_of_the_lines_in_order_of_time(lines: list[Line], size: int) -> None:
    till = Till()
    opened: list[int] = []
    for begin in range(0, len(lines), size):
        chunk, before = lines[begin : begin + size], len(till.opened)
        till.take(*map(event, chunk))
        opened += [line[0] for line, opens in zip(chunk, till.opened[before:], strict=True) if opens]
        if chunk[-1][-1]:
            till.write()
        if chunk[-1][-1] == "end":
            till.end()
    for time in till.retracted:
        opened.remove(time)

    sessions = defaultdict[tuple[str | None, str, str], list[tuple[int, int, set[str]]]](list)
    for time, customer, basket, item, kind, _ in sorted(lines, key=lambda line: line[0]):
        mine = sessions[customer, basket, kind]
        if not mine or time - mine[-1][1] > OPEN_FOR:
            mine.append((time, time, set()))
        first, _, items = mine.pop()
        mine.append((first, time, items | ({item} if item else set())))
    expected = [
        (first, tuple(sorted(items)))
        for (_, _, kind), mine in sessions.items()
        if kind == "order"
        for first, _, items in mine
        if items
    ]
    assert sorted(till.end()) == sorted(expected)
    assert sorted(opened) == sorted(first for mine in sessions.values() for first, _, _ in mine)


def limited(anonymous: int = 0) -> Till:
    """Return a till that counts two anonymous baskets, of which some came before."""
    quota = AnonymousQuota(0.04, BasketsByKnown(known=50, usual=0.0, checked_at=50, anonymous=anonymous))
    return Till(OpenBaskets(OPEN_FOR, CountedBaskets(10**6), quota))


@settings(max_examples=150)
@given(lines=LINES, size=st.integers(1, 6))
def test_a_basket_is_admitted_once_and_whole_or_not_at_all(lines: list[Line], size: int) -> None:
    lines = [(line[0], None if line[1] == "ann" else line[1], *line[2:]) for line in lines]
    till = limited(anonymous=1)
    for begin in range(0, len(lines), size):
        till.take(*map(event, lines[begin : begin + size]))
        if lines[begin][-1]:
            till.write()
        if lines[begin][-1] == "end":
            till.end()
    everything = Till()
    everything.take(*map(event, lines))
    found, expected = Counter(till.end()), Counter(everything.end())
    counts = till.baskets.quota.counts
    assert found <= expected, "a basket is counted as a part of itself, or twice"
    assert counts.known - 50 + counts.anonymous - 1 == expected.total()
    assert counts.left_out == (expected - found).total()


def test_late_lines_change_no_verdict_on_an_anonymous_basket() -> None:
    till, late = limited(anonymous=1), 1_000_000 + 9 * OPEN_FOR
    till.take(shop.order(None, 1_000_000, ("tea", 1.0, 1.0), basket="in"), shop.view("bob", late))
    till.take(shop.order(None, 1_000_001, ("tea", 1.0, 1.0), basket="out"))
    till.take(shop.order(None, late, ("tea", 1.0, 1.0), basket="next"))
    till.take(shop.order(None, 1_000_002, ("milk", 1.0, 1.0), basket="in"), shop.view("bob", late + 9 * OPEN_FOR))
    till.write()
    till.take(shop.order(None, 1_000_003, ("gold", 1.0, 1.0), basket="out"))
    assert till.end() == [(1_000_000, ("milk", "tea"))]
    assert (till.baskets.quota.counts.anonymous, till.baskets.quota.counts.left_out) == (4, 2)


def test_a_line_between_two_baskets_makes_them_one() -> None:
    till = Till()
    till.take(shop.order("ann", 1_000_000, ("tea", 1.0, 1.0), basket="x"))
    till.take(shop.order("ann", 1_000_000 + 2 * OPEN_FOR, ("milk", 1.0, 1.0), basket="x"))
    till.take(shop.view("bob", 1_000_000 + 9 * OPEN_FOR))
    assert len(till.closed) == 2
    till.take(shop.order("ann", 1_000_000 + OPEN_FOR, ("bread", 1.0, 1.0), basket="x"))
    assert till.end() == [(1_000_000, ("bread", "milk", "tea"))]
    assert till.opened == [True, True, False, False]
    assert till.retracted == [1_000_000 + 2 * OPEN_FOR]


def test_a_line_that_adds_no_item_withdraws_nothing() -> None:
    till = Till()
    till.take(shop.order("ann", 1_000_000, ("tea", 1.0, 1.0), basket="x"), shop.view("bob", 1_000_000 + 9 * OPEN_FOR))
    columns = shop.columns([shop.order("ann", 1_000_001, ("tea", 1.0, 1.0), basket="x")])
    found = till.baskets.gather(columns, till.items.numbers(columns.items), till.watermark)
    assert not found.closed
    assert not found.withdrawn
    assert not found.opens_order.any()


def test_what_was_changed_longest_ago_is_forgotten_first_and_its_late_lines_are_doubtful() -> None:
    till = Till()
    till.baskets.counted.max_bytes = 2_000
    for number in range(20):
        till.take(shop.order("ann", 1_000_000 + number, ("tea", 1.0, 1.0), basket=f"b{number}"))
    till.end()
    till.take(shop.order("ann", 1_000_000, ("milk", 1.0, 1.0), basket="b0"))
    till.end()
    till.write()
    left = [key.split("\x1f")[2] for key in till.baskets.counted._values]
    assert left[-1] == "b0"
    assert left[:-1] == [f"b{number}" for number in range(21 - len(left), 20)]
    assert till.baskets.counted.bytes <= 2_000
    assert till.doubtful == 0
    before = len(till.closed)
    till.take(shop.order("ann", 1_000_001, ("milk", 1.0, 1.0), basket="b1"))
    assert till.doubtful == 1
    assert len(till.end()) == before + 1, "it is a basket of its own"
    till.take(shop.order("ann", 1_000_020 + OPEN_FOR, ("milk", 1.0, 1.0), basket="b2"))
    assert till.doubtful == 1, "it is too far from all that was forgotten"


def test_of_an_id_used_again_and_again_the_last_are_remembered() -> None:
    counted, day = CountedBaskets(10**6), shop.DAY
    for number in range(SESSIONS + 3):
        counted.keep("0\x1fann\x1f1", Basket(number * day, number * day, {number}))
    assert len(counted) == 1
    assert not counted.remove_near("0\x1fann\x1f1", 2 * day, 2 * day, OPEN_FOR)
    assert counted.remove_near("0\x1fann\x1f1", 3 * day, 3 * day, OPEN_FOR) == [Basket(3 * day, 3 * day, {3}, True)]
    assert counted.forgotten_to == 2 * day


@pytest.mark.parametrize("cut", [0, 5, 12, 30, -1])
def test_bytes_that_are_no_counted_basket_are_refused(cut: int) -> None:
    counted = CountedBaskets(10**6)
    counted.keep("0\x1fann\x1fx", Basket(1, 2, {3, 4}))
    (write,) = counted.writes()
    assert isinstance(write, Put)
    assert write.name == NAME
    ((key, value),) = write.fields.items()

    def read() -> None:
        again = CountedBaskets(10**6)
        again.load([(key, value[:cut])])
        again.remove_near("0\x1fann\x1fx", 1, 1, OPEN_FOR)

    with pytest.raises(StateCorrupt):
        read()
