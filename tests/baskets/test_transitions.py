"""Orders with the next order of the same customer: each once, bounded, and gone with the customer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_online.baskets.open import ClosedBasket
from crm_online.baskets.transitions import LAST_ORDERS, NAME, ROOM, LastOrder, Transition, Transitions
from crm_online.errors import StateCorrupt
from crm_online.step import Put, Remove

SAMPLE = {"ann", "bob"}
ORDERS = st.lists(st.tuples(st.sampled_from(["ann", "bob", "cy", None]), st.integers(1, 5)), max_size=40)


class Stored:
    """Transitions beside a store that gets only what is written, and is read again after each batch."""

    def __init__(self) -> None:
        self.kept: dict[str, dict[bytes, bytes]] = {NAME: {}, LAST_ORDERS: {}}
        self.transitions = Transitions(4096, 0)

    def add(self, *closed: ClosedBasket) -> list[Transition]:
        self.transitions.add(closed, SAMPLE)
        return self.write()

    def write(self) -> list[Transition]:
        for write in self.transitions.writes():
            match write:
                case Put(name, fields):
                    self.kept[name] |= fields
                case Remove(name, fields):
                    self.kept[name] = {key: raw for key, raw in self.kept[name].items() if key not in fields}
        again = Transitions(4096, self.transitions.next)
        again.load(self.kept[NAME].items(), self.kept[LAST_ORDERS].items())
        assert again.latest == self.transitions.latest
        self.transitions = again
        return again.latest


@given(ORDERS, st.integers(1, 10))
def test_each_order_of_a_sampled_customer_is_kept_with_the_next_whatever_the_batches(
    drawn: list[tuple[str | None, int]], size: int
) -> None:
    closed = [ClosedBasket(time, [time % 7, 9], customer) for time, (customer, _) in enumerate(drawn)]
    stored = Stored()
    for begin in range(0, len(closed), size):
        stored.add(*closed[begin : begin + size])
    expected = [
        (
            before.customer,
            before.items,
            next(one.items for one in closed if one.customer == before.customer and one > before),
        )
        for before in closed
        if before.customer in SAMPLE and any(one.customer == before.customer and one > before for one in closed)
    ]
    found = stored.transitions.latest
    assert sorted((one.customer, one.before, one.after) for one in found) == sorted(expected)
    assert [one.number for one in found] == list(range(len(expected)))


def test_lines_that_come_late_change_the_transition_that_their_order_ends_and_older_orders_none() -> None:
    stored = Stored()
    stored.add(ClosedBasket(1, [1], "ann"), ClosedBasket(5, [2], "ann"))
    (found,) = stored.add(ClosedBasket(4, [2, 3], "ann"))
    assert (found.before, found.after) == ([1], [2, 3])
    assert stored.add(ClosedBasket(2, [8], "ann")) == [found]
    assert stored.add(ClosedBasket(9, [4], "ann"))[1].before == [2, 3]


def test_the_latest_are_kept_and_nothing_of_a_customer_who_is_forgotten() -> None:
    stored = Stored()
    found = stored.add(*(ClosedBasket(time, list(range(300)), "ann") for time in range(ROOM + 9)))
    assert [one.number for one in found] == list(range(8, ROOM + 8))
    assert max(len(one.after) for one in found) <= 128
    stored.add(ClosedBasket(1, [1], "bob"))
    stored.transitions.forget("ann")
    assert stored.write() == []
    assert list(stored.kept[LAST_ORDERS]) == [b"bob"]
    assert stored.add(ClosedBasket(2, [1], "bob"))[0].number == ROOM + 8


def test_last_orders_are_those_of_the_sample() -> None:
    transitions = Transitions(2, 0)
    for customer in ("ann", "bob", "cy"):
        transitions.add([ClosedBasket(1, [1], customer)], {customer})
    assert [write.name for write in transitions.writes()] == [LAST_ORDERS, LAST_ORDERS]
    transitions.add([ClosedBasket(2, [1], name) for name in ("ann", "bob", "cy")], {"ann", "cy"})
    assert [one.customer for one in transitions.latest] == ["cy"], "the others had left"


@given(st.integers(-1, 2**40), st.text(max_size=9), *[st.lists(st.integers(0, 2**31 - 1), max_size=128)] * 2)
def test_a_transition_comes_back_as_it_was(number: int, customer: str, before: list[int], after: list[int]) -> None:
    kept = Transition(number, customer, before, after)
    last = LastOrder(7, number, after)
    assert Transition.decode(kept.encode()) == kept
    assert LastOrder.decode(last.encode()) == last
    for one in (kept, last):
        for wrong in (b"", b"\x09" + one.encode()[1:], one.encode()[:12]):
            with pytest.raises(StateCorrupt):
                type(one).decode(wrong)
