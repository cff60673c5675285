"""What the store is told of open baskets is what is open; and what becomes of a customer who is erased."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm_online.baskets.open import OpenBasket, OpenBaskets
from crm_online.events import models
from crm_online.itemsets.names import ItemNames
from tests.engine import shop

OPEN_FOR = 100_000


@dataclass
class Till:
    """Open baskets beside a store that gets only what is written."""

    baskets: OpenBaskets = field(default_factory=lambda: OpenBaskets(OPEN_FOR))
    items: ItemNames = field(default_factory=ItemNames)
    kept: dict[bytes, bytes] = field(default_factory=dict)
    whole: list[tuple[int, tuple[str, ...]]] = field(default_factory=list)
    opened: list[bool] = field(default_factory=list)
    watermark: int = 0

    def take(self, *events: models.Event) -> None:
        columns = shop.columns(events)
        self.watermark = max([self.watermark, *columns.time.tolist()])
        numbers = np.append(self.items.numbers(columns.items), -1)[columns.item]
        found = self.baskets.gather(columns, numbers, self.watermark)
        self.opened += found.opens_order.tolist()
        self._count(found.whole)

    def forget(self, customer: str) -> None:
        self._count(self.baskets.forget_customer(customer))

    def end(self) -> list[tuple[int, tuple[str, ...]]]:
        self._count(self.baskets.close_all().whole)
        return self.whole

    def write(self) -> None:
        """Write as the engine does: what is gone first, then what changed."""
        for key in self.baskets.gone:
            self.kept.pop(key.encode(), None)
        self.kept |= {key.encode(): self.baskets.baskets[key].encode() for key in self.baskets.changed}
        self.baskets.gone, self.baskets.changed = set(), set()
        assert self.kept == {key.encode(): basket.encode() for key, basket in self.baskets.baskets.items()}

    def _count(self, whole: list[tuple[int, list[int]]]) -> None:
        self.whole += [(time, tuple(sorted(self.items.names[number] for number in found))) for time, found in whole]


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
    assert not till.kept


@given(first=st.integers(0, 2**62), last=st.integers(0, 2**62), items=st.sets(st.integers(0, 2**31 - 1)))
def test_a_basket_comes_back_from_its_bytes(first: int, last: int, items: set[int]) -> None:
    assert OpenBasket.decode(OpenBasket(first, last, items).encode()) == OpenBasket(first, last, items)


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
    assert not till.whole
    till.take(shop.view("bob", 1_000_000 + 2 * OPEN_FOR + 1))
    assert till.whole == [(1_000_000 - OPEN_FOR, ("bread", "milk", "tea"))]
    assert till.opened == [True, False, False, False]


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
    assert not till.whole
    till.take(shop.view("bob", 1_000_000 + OPEN_FOR + 1))
    assert till.whole == [(1_000_000, ("tea",))]


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
    assert not [key for key in till.baskets.baskets if "ann" in key]
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
    assert till.whole == [(1_000_000, ("tea",))], "it is counted at once"
    for basket in ("x", "erased x", "erased"):
        till.take(shop.order(None, 1_000_001, ("milk", 1.0, 1.0), basket=basket))
    assert sorted(till.end())[0] == (1_000_000, ("tea",))
    assert len(till.whole) == 4


def test_an_id_made_from_the_customers_does_not_stay_either() -> None:
    till = Till()
    till.take(shop.order("ann", 1_000_000, ("tea", 1.0, 1.0), basket="ann-2024-01-01"))
    till.forget("ann")
    assert not [key for key in till.baskets.baskets if "ann" in key]
