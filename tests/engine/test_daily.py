"""Days of a shop: as many different customers, orders and money as a count of the events themselves."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from crm_online.customers.records import NEVER
from crm_online.customers.sums import Quantities
from crm_online.engine.daily import DAY, KEPT, DailyFigures, DailyRow, RecordedDays
from crm_online.events.columns import Kind
from crm_online.live.feeds.digest import digest
from crm_online.live.feeds.period import Period
from crm_online.live.feeds.tally import Tally
from crm_online.lookup.segment_names import SegmentNames
from crm_online.lookup.shop_history import ShopHistory
from crm_online.step import Put, Remove

_CUSTOMERS = 4
_EVENTS = st.lists(st.tuples(st.integers(0, _CUSTOMERS - 1), st.integers(0, 12)), max_size=40)


@given(_EVENTS, st.lists(st.integers(0, 40), max_size=3))
def test_the_customers_of_any_period_are_counted_once(events: list[tuple[int, int]], cuts: list[int]) -> None:
    events = sorted(events, key=lambda one: one[1])
    days, last, stored = RecordedDays([]), np.full(_CUSTOMERS, NEVER), dict[bytes, bytes]()
    edges = [0, *sorted(min(cut, len(events)) for cut in cuts), len(events)]
    for begin, end in pairwise(edges):
        part = events[begin:end]
        if not part:
            continue
        time = np.array([day * DAY + 5 for _, day in part])
        rows = np.array([who for who, _ in part])
        kinds = np.full(len(part), Kind.PURCHASE, np.uint8)
        days.add(Quantities.of_openings(kinds, time, np.ones(len(part), bool)), rows, last)
        np.maximum.at(last, rows, time)
        for write in days.writes(int(time.max())):
            assert isinstance(write, Put)
            stored |= write.fields
        days = RecordedDays(stored.items())  # as after a crash
    found = DailyFigures.of([stored.items()])
    for first in range(13):
        for until in range(first, 13):
            inside = [who for who, day in events if first <= day <= until]
            assert found.active(first, until) == len(set(inside))
            assert found.orders(first, until) == len(inside)


def test_what_changed_in_a_shop_without_customers_is_its_orders_alone() -> None:
    row = DailyRow(revenue=30.0, orders=3)
    days = DailyFigures(dict.fromkeys(range(20), row))
    assert days.anonymous
    found = digest(Tally(), ShopHistory(SegmentNames(), days, None), Period.of_days(7, 20 * DAY, 0))
    assert found.headline == "14 Jan 1970 to 20 Jan 1970: 21 orders, none of a known customer. "
    assert [one.name for one in found.figures] == ["revenue", "orders"]
    known = DailyFigures({**days.rows, 3: DailyRow(gaps=Counter({0: 1}))})
    assert not known.anonymous
    told = digest(Tally(), ShopHistory(SegmentNames(), known, None), Period.up_to(10 * DAY + 5, 7 * DAY)).headline
    assert told == "4 Jan 1970 to 11 Jan 1970: 18 orders on 6 whole days; there are no segments yet. "
    names = SegmentNames({"s1": [0]}, {"s1": ["Big spenders"]})
    assert "no customer moved" in digest(Tally(), ShopHistory(names, known, None), Period(0, DAY)).headline


def test_orders_of_a_period_that_begins_within_a_day_are_those_of_its_whole_days_and_say_so() -> None:
    history = ShopHistory(SegmentNames(), DailyFigures(dict.fromkeys(range(20), DailyRow(orders=3))), None)
    told = digest(Tally(), history, Period.up_to(12 * DAY + 5, 7 * DAY)).headline
    assert told == "6 Jan 1970 to 13 Jan 1970: 18 orders on 6 whole days, none of a known customer. "
    assert digest(Tally(), history, Period.up_to(0, 7 * DAY)).headline == "nothing that has a time has happened yet. "


def test_days_beyond_what_is_kept_go_and_late_ones_change_their_own_day() -> None:
    days, last = RecordedDays([]), np.array([NEVER])
    who, kind = np.zeros(1, np.int64), np.array([Kind.PURCHASE], np.uint8)
    for day in (1, KEPT + 1, 2):
        one = np.array([day * DAY])
        days.add(Quantities.of_openings(kind, one, np.ones(1, bool)), who, last)
        np.maximum.at(last, who, one)
    assert [type(write) for write in days.writes((KEPT + 1) * DAY)] == [Put, Remove]
    assert sorted(days.rows) == [2, KEPT + 1]
    assert (days.rows[2].orders, sum(days.rows[2].gaps.values())) == (1, 0)  # who is late was not active then


def test_who_is_at_risk_stays_so_when_the_last_day_on_which_that_changed_is_kept_no_more() -> None:
    days, stored = RecordedDays([]), dict[bytes, bytes]()
    for day, difference in ((1, 3), (5, 1), (KEPT, 0), (KEPT + 1, 0), (3 * KEPT, 0), (3 * KEPT + 1, -1)):
        days.change_at_risk(difference, day * DAY)
        for write in days.writes(day * DAY):
            match write:
                case Put(fields=fields):
                    stored |= fields
                case Remove(fields=gone):
                    stored = {day: raw for day, raw in stored.items() if day not in gone}
        days = RecordedDays(stored.items())  # as after a crash
        expected = {1: 3, 5: 4, KEPT: 4, KEPT + 1: 4, 3 * KEPT: 4, 3 * KEPT + 1: 3}[day]
        assert DailyFigures.of([stored.items()]).at_risk(day) == expected
        assert min(days.rows) > day - KEPT
    assert DailyFigures.of([stored.items()]).at_risk(3 * KEPT) == 4
