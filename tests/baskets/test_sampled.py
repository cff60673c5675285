"""A sample of orders: whole, with their customers, spread over the last weeks, and bounded."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_online.baskets.orders import OrderItems
from crm_online.baskets.sampled import NAME, ROOM, SampledOrder, SampledOrders, SamplingState
from crm_online.errors import StateCorrupt
from crm_online.events import models
from crm_online.step import Put, Remove, Write
from tests.engine import shop

DAY = 86_400_000


def orders(count: int, every: int, begin: int = 0) -> list[models.Event]:
    """Return orders of customers in turn, at even distances of time."""
    made: list[models.Event] = []
    for n in range(begin, begin + count):
        lines = [(f"i{n % 7}", 1.0, 1.0), ("tea", 1.0, 1.0)]
        made.append(shop.order(f"c{n % 50}" if n % 5 else None, n * every, *lines, basket=f"b{n}"))
    return made


def put_by(write: Write) -> dict[bytes, bytes]:
    assert isinstance(write, Put)
    assert write.name == NAME
    return dict(write.fields)


def with_history(history: tuple[bytes, int]) -> Callable[[int], tuple[bytes, int]]:
    """Return what gives each customer the same history."""
    return lambda _: history


def offered(sample: SampledOrders, events: list[models.Event], step: int = 500) -> dict[bytes, bytes]:
    """Offer orders, some at a time, and return what the writes come to."""
    stored: dict[bytes, bytes] = {}
    for begin in range(0, len(events), step):
        columns = shop.columns(events[begin : begin + step], begin)
        sample.offer(columns, OrderItems.of(columns, columns.item.astype(np.int64)), with_history((b"", 0)))
        for write in sample.writes():
            stored |= put_by(write)
    return stored


@given(
    st.none() | st.text(max_size=9),
    st.integers(-(2**40), 2**42),
    st.integers(0, 2**64 - 1),
    st.lists(st.integers(0, 2**31 - 1), min_size=1, max_size=128),
    st.binary(max_size=40),
)
def test_an_order_comes_back_as_it_was(
    customer: str | None, time: int, hash_: int, items: list[int], history: bytes
) -> None:
    order = SampledOrder(customer, time, hash_, items, history, time // 2)
    assert SampledOrder.decode(order.encode()) == order
    for wrong in (b"", b"\x01" + order.encode()[1:], order.encode()[:19]):
        with pytest.raises(StateCorrupt):
            SampledOrder.decode(wrong)


def test_the_sample_is_bounded_and_reaches_back_for_weeks_however_many_orders_come() -> None:
    sample = SampledOrders(SamplingState())
    stored = offered(sample, orders(60_000, 60_000))  # one a minute: six weeks
    kept = [SampledOrder.decode(raw) for raw in stored.values()]
    times = [order.time for order in kept]
    assert len(kept) == ROOM
    assert max(times) - min(times) > 10 * DAY
    assert max(times) > 41 * DAY
    assert sample.state.halvings >= 3


def test_lines_of_an_order_that_come_later_are_added_to_it_and_a_restart_changes_nothing() -> None:
    one = shop.order("ann", 5, ("tea", 1, 1.0), basket="b1")
    other = shop.order("ann", 9, ("cup", 1, 1.0), ("tea", 1, 1.0), basket="b1")
    sample, stored = SampledOrders(SamplingState()), dict[bytes, bytes]()
    columns = shop.columns([one, other])
    numbers = columns.item.astype(np.int64)
    for row, history in ((np.array([0]), (b"first", 3)), (np.array([1]), (b"later", 5))):
        lines = np.repeat(np.isin(np.arange(2), row), np.diff(columns.line_start))
        part = columns.select(row)
        sample.offer(part, OrderItems.of(part, numbers[lines]), with_history(history))
        (write,) = sample.writes()
        stored |= put_by(write)
        sample = SampledOrders(sample.state)
        sample.load(stored.items())
    (order,) = [SampledOrder.decode(raw) for raw in stored.values()]
    assert (order.customer, len(order.items), sample.state.next) == ("ann", 2, 1)
    # What ann had bought before the order is not what she bought with its first lines.
    assert (order.history, order.last_order) == (b"first", 3)


def test_nothing_of_a_customer_who_is_forgotten_stays() -> None:
    sample = SampledOrders(SamplingState())
    stored = offered(sample, orders(300, DAY // 10))
    assert "c1" in {SampledOrder.decode(raw).customer for raw in stored.values()}
    sample.forget("c1")
    (write,) = sample.writes()
    assert isinstance(write, Remove)
    for field in write.fields:
        del stored[field]
    assert "c1" not in {SampledOrder.decode(raw).customer for raw in stored.values()}
    assert len(stored) == 300 - 6
