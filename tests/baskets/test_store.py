"""What the store is told of open baskets is what is open; and what becomes of a customer who is erased."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm_online.baskets.basket import Basket
from crm_online.baskets.counted import NAME as COUNTED
from crm_online.baskets.counted import CountedBaskets
from crm_online.baskets.open import NAME as OPEN
from crm_online.baskets.open import ClosedBasket, OpenBaskets
from crm_online.events import models
from crm_online.itemsets.names import ItemNames
from crm_online.step import Put, Remove
from tests.engine import shop

OPEN_FOR = 100_000


@dataclass
class Till:
    """Baskets beside a store that gets only what is written; what is withdrawn is no longer whole."""

    baskets: OpenBaskets = field(default_factory=lambda: OpenBaskets(OPEN_FOR, CountedBaskets(10**6)))
    items: ItemNames = field(default_factory=ItemNames)
    kept: dict[str, dict[bytes, bytes]] = field(default_factory=lambda: {OPEN: {}, COUNTED: {}})
    closed: list[tuple[int, tuple[str, ...]]] = field(default_factory=list)
    opened: list[bool] = field(default_factory=list)
    retracted: list[int] = field(default_factory=list)
    doubtful: int = 0
    watermark: int = 0

    def take(self, *events: models.Event) -> None:
        columns = shop.columns(events)
        self.watermark = max([self.watermark, *columns.time.tolist()])
        numbers = np.append(self.items.numbers(columns.items), -1)[columns.item]
        found = self.baskets.gather(columns, numbers, self.watermark)
        self.opened += found.opens_order.tolist()
        self.retracted += [time for _, time in found.retracted]
        self.doubtful += found.doubtful
        self._count(found.closed)
        for time, items, _ in found.withdrawn:
            self.closed.remove((time, self._named(items)))

    def forget(self, customer: str) -> None:
        self._count(self.baskets.forget_customer(customer))

    def end(self) -> list[tuple[int, tuple[str, ...]]]:
        self._count(self.baskets.close_all())
        return self.closed

    def write(self) -> None:
        """Write as the engine does, and read it again."""
        for write in self.baskets.writes():
            match write:
                case Remove(name, fields):
                    self.kept[name] = {key: value for key, value in self.kept[name].items() if key not in fields}
                case Put(name, fields):
                    self.kept[name] |= fields
        assert self.kept[OPEN] == {key.encode(): basket.encode() for key, basket in self.baskets.baskets.items()}
        before = self.baskets.counted
        counted = CountedBaskets(before.max_bytes, before.number, before.forgotten_to)
        again = OpenBaskets(OPEN_FOR, counted, self.baskets.quota)
        again.load(self.kept[OPEN].items())
        again.counted.load(self.kept[COUNTED].items())
        assert vars(again.counted) == vars(before)
        assert list(again.counted._values) == list(before._values), "the next to be forgotten is the same"
        self.baskets = again

    def _count(self, whole: list[ClosedBasket]) -> None:
        self.closed += [(time, self._named(found)) for time, found, _ in whole]

    def _named(self, found: list[int]) -> tuple[str, ...]:
        return tuple(sorted(self.items.names[number] for number in found))


events = st.lists(
    st.tuples(
        st.integers(-150_000, 150_000),
        st.sampled_from(("ann", "bob", None)),
        st.sampled_from(("x", "y")),
        st.sampled_from(("tea", "milk", "bread", None)),
        st.sampled_from(("order", "order", "return", "forget", "write")),
    ),
    max_size=30,
)


@settings(max_examples=150)
@given(drawn=events)
def test_the_store_holds_what_is_open_whatever_happens_in_a_step(
    drawn: list[tuple[int, str | None, str, str | None, str]],
) -> None:
    till, time = Till(), 1_000_000
    for gap, customer, basket, item, what in drawn:
        time += gap
        match what:
            case "order":
                till.take(shop.order(customer, time, (item, 1.0, 1.0), basket=basket))
            case "return":
                till.take(shop.returned(customer, time, (item, 1.0, 1.0), basket=basket))
            case "forget":
                till.forget(customer or "cy")
            case _:
                till.write()
    till.write()
    till.end()
    till.write()
    assert not till.kept[OPEN]


@given(
    first=st.integers(0, 2**62),
    last=st.integers(0, 2**62),
    items=st.sets(st.integers(0, 2**31 - 1)),
    admitted=st.sampled_from((None, True, False)),
)
def test_a_basket_comes_back_from_its_bytes(first: int, last: int, items: set[int], admitted: bool | None) -> None:
    basket = Basket(first, last, items, admitted)
    assert Basket.decode(basket.encode()) == basket


def test_a_basket_of_five_hundred_lines_is_one_basket_each_item_once() -> None:
    lines = [(f"item {number % 400}", 1.0, 2.0) for number in range(500)]
    one_by_one, at_once = Till(), Till()
    for number, line in enumerate(lines):
        one_by_one.take(shop.order("ann", 1_000_000 + number, line, basket="x"))
    at_once.take(shop.order("ann", 1_000_000, *lines))
    expected = [(1_000_000, tuple(sorted({item for item, _, _ in lines})))]
    assert one_by_one.end() == at_once.end() == expected
    assert sum(one_by_one.opened) == sum(at_once.opened) == 1


def test_a_line_that_comes_late_joins_its_basket_while_that_is_open() -> None:
    till = Till()
    till.take(shop.order("ann", 1_000_000, ("tea", 1.0, 1.0), basket="x"))
    till.take(shop.order("ann", 1_000_000 - OPEN_FOR, ("milk", 1.0, 1.0), basket="x"))
    till.take(shop.order("ann", 1_000_000 + OPEN_FOR, ("bread", 1.0, 1.0), basket="x"))
    assert not till.closed
    till.take(shop.view("bob", 1_000_000 + 2 * OPEN_FOR + 1))
    assert till.closed == [(1_000_000 - OPEN_FOR, ("bread", "milk", "tea"))]
    assert till.opened == [True, True, False, False]
    assert till.retracted == [1_000_000]


@pytest.mark.parametrize("together", [True, False])
def test_a_line_just_near_enough_joins_and_one_a_millisecond_later_does_not(together: bool) -> None:
    till = Till()
    lines = [
        shop.order("ann", 1_000_000, ("tea", 1.0, 1.0), basket="x"),
        shop.order("ann", 1_000_000 + OPEN_FOR, ("milk", 1.0, 1.0), basket="x"),
        shop.order("ann", 1_000_000 + 2 * OPEN_FOR + 1, ("bread", 1.0, 1.0), basket="x"),
    ]
    for batch in [lines] if together else [[line] for line in lines]:
        till.take(*batch)
    assert till.opened == [True, False, True]
    assert till.end() == [(1_000_000, ("milk", "tea")), (1_000_000 + 2 * OPEN_FOR + 1, ("bread",))]


def test_a_basket_is_open_until_the_watermark_has_passed_it() -> None:
    till = Till()
    till.take(shop.order("ann", 1_000_000, ("tea", 1.0, 1.0), basket="x"))
    till.take(shop.view("bob", 1_000_000 + OPEN_FOR))
    assert not till.closed
    till.take(shop.view("bob", 1_000_000 + OPEN_FOR + 1))
    assert till.closed == [(1_000_000, ("tea",))]


def test_a_line_too_far_away_opens_another_order() -> None:
    till = Till()
    till.take(shop.order("ann", 1_000_000, ("tea", 1.0, 1.0), basket="x"))
    till.take(shop.order("ann", 1_000_000 + OPEN_FOR + 1, ("milk", 1.0, 1.0), basket="x"))
    assert till.opened == [True, True]
    assert till.end() == [(1_000_000, ("tea",)), (1_000_000 + OPEN_FOR + 1, ("milk",))]


def test_returns_never_become_baskets_and_do_not_touch_the_order_of_that_id() -> None:
    till = Till()
    till.take(shop.order("ann", 1_000_000, ("tea", 1.0, 1.0), basket="x"))
    till.take(shop.returned("ann", 1_000_001, ("milk", 1.0, 1.0), basket="x"))
    till.take(shop.returned("ann", 1_000_002, ("bread", 1.0, 1.0)))
    assert till.opened == [True, True, True]
    assert till.end() == [(1_000_000, ("tea",))]


def test_the_same_basket_id_of_two_customers_is_two_baskets() -> None:
    till = Till()
    for name, item in (("ann", "tea"), ("bob", "milk"), (None, "bread")):
        till.take(shop.order(name, 1_000_000, (item, 1.0, 1.0), basket="x"))
    assert sorted(till.end()) == [(1_000_000, ("bread",)), (1_000_000, ("milk",)), (1_000_000, ("tea",))]


def test_an_erased_customers_basket_is_counted_without_the_customer() -> None:
    till = Till()
    till.take(shop.order("ann", 1_000_000, ("tea", 1.0, 1.0), basket="x"))
    till.forget("ann")
    till.write()
    assert not [key for kept in till.kept.values() for key in kept if b"ann" in key]
    till.take(shop.order("ann", 1_000_001, ("milk", 1.0, 1.0), basket="x"))
    assert till.opened == [True, True]
    assert sorted(till.end()) == [(1_000_000, ("tea",)), (1_000_001, ("milk",))]


def test_the_baskets_of_two_erased_customers_are_both_counted() -> None:
    till = Till()
    for name, item in (("ann", "tea"), ("bob", "milk")):
        till.take(shop.order(name, 1_000_000, (item, 1.0, 1.0), basket="x"))
        till.forget(name)
    assert sorted(till.end()) == [(1_000_000, ("milk",)), (1_000_000, ("tea",))]


def test_nobody_can_add_to_the_basket_of_an_erased_customer() -> None:
    till = Till()
    till.take(shop.order("ann", 1_000_000, ("tea", 1.0, 1.0), basket="x"))
    till.forget("ann")
    assert till.closed == [(1_000_000, ("tea",))], "it is counted at once"
    for basket in ("x", "erased x", "erased"):
        till.take(shop.order(None, 1_000_001, ("milk", 1.0, 1.0), basket=basket))
    assert sorted(till.end())[0] == (1_000_000, ("tea",))
    assert len(till.closed) == 4


def test_an_id_made_from_the_customers_does_not_stay_either() -> None:
    till = Till()
    till.take(shop.order("ann", 1_000_000, ("tea", 1.0, 1.0), basket="ann-2024-01-01"))
    till.write()
    till.forget("ann")
    till.write()
    assert not [key for kept in till.kept.values() for key in kept if b"ann" in key]
