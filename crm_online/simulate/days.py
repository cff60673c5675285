"""The events of each day, as columns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crm_online.events.columns import Kind
from crm_online.simulate import baskets
from crm_online.simulate.baskets import DrawnBaskets
from crm_online.simulate.people import People, pick
from crm_online.simulate.shop import SEGMENTS
from crm_online.simulate.stock import COMMON
from crm_online.simulate.turns import Day, turns

OPENS, CLOSES = 8 * 3_600_000, 22 * 3_600_000
"""When the first event of a day may come, and the last, in ms."""

LATER = (60_000, 600_000)
"""How long after joining the first turn comes, in ms."""

CHANNELS = ("phone", "mail", "chat")

_OF_BUYERS = [Kind.PURCHASE, Kind.RETURN, Kind.FEEDBACK]
_SPREAD = 0.1
_LENGTHS = np.array([len(segment.script) for segment in SEGMENTS])
_SCRIPTS = np.array([np.resize([int(kind) for kind in one.kinds], _LENGTHS.max()) for one in SEGMENTS], np.uint8)
_REASONS = [list(segment.reasons.values()) for segment in SEGMENTS]


@dataclass(frozen=True, slots=True, eq=False)
class DayEvents:
    """The ``n`` events of a day, in order of time.

    Attributes
    ----------
    day, begin
        The day, and the number of its first event in the log, both from 0.
    time
        In ms since the day's beginning, int64 ``[n]``, ascending.
    customer, kind
        Int64 ``[n]`` and uint8 ``[n]``.
    segment
        Of the customer on this day, int8 ``[n]``.
    baskets
        Of the purchases, in their order.
    order
        Number of the purchase's event that a return is of, int64 ``[n]``; -1 elsewhere.
    item, quantity
        What is returned, or viewed, int64 ``[n]``; -1 elsewhere.
    score
        Of feedback, 0 to 1, float64 ``[n]``.
    channel, reason
        Of contacts, places in ``CHANNELS`` and in the segment's reasons, int64 ``[n]``.
    """

    day: int
    begin: int
    time: NDArray[np.int64]
    customer: NDArray[np.int64]
    kind: NDArray[np.uint8]
    segment: NDArray[np.int8]
    baskets: DrawnBaskets
    order: NDArray[np.int64]
    item: NDArray[np.int64]
    quantity: NDArray[np.int64]
    score: NDArray[np.float64]
    channel: NDArray[np.int64]
    reason: NDArray[np.int64]


def draw(people: People, events: int, rng: np.random.Generator) -> Iterator[DayEvents]:
    """Yield the days of the log one by one; what is kept between them is a few numbers for each customer."""
    past = _Past(len(people))
    begin = 0
    for day in turns(people, events, rng):
        drawn = _day(day, begin, people, past, rng)
        begin += len(drawn.time)
        yield drawn


class _Past:
    """What of the past matters: each customer's turns so far, and the dearest line of the last purchase."""

    def __init__(self, customers: int) -> None:
        self.turns = np.zeros(customers, np.int32)
        self.order = np.full(customers, -1, np.int64)
        self.item = np.full(customers, -1, np.int16)
        self.quantity = np.zeros(customers, np.int8)


def _day(day: Day, begin: int, people: People, past: _Past, rng: np.random.Generator) -> DayEvents:
    time, customer, profile = _comings(day, rng)
    segment = people.on(day.day)[customer]
    again = np.zeros(len(time), np.int64)
    again[~profile] = _times_before(customer[~profile])
    turn = past.turns[customer] + again
    kind = np.where(profile, np.uint8(Kind.PROFILE), _SCRIPTS[segment, turn % _LENGTHS[segment]])
    kind[people.browses[customer] & np.isin(kind, _OF_BUYERS)] = Kind.VIEW
    np.add.at(past.turns, customer[~profile], 1)

    bought = baskets.fill(segment[kind == Kind.PURCHASE], day.day >= people.shift.day, rng)
    order, item, quantity = _returned(begin, customer, kind, again, bought, past)
    viewed = kind == Kind.VIEW
    item[viewed] = len(baskets.ITEMS) - len(COMMON) + baskets.common(segment[viewed], rng)
    score = np.array([one.score for one in SEGMENTS])[segment] + _SPREAD * (2 * rng.random(len(time)) - 1)
    channel = (rng.random(len(time)) * len(CHANNELS)).astype(np.int64)
    reason = np.zeros(len(time), np.int64)
    for place, shares in enumerate(_REASONS):
        asking = (segment == place) & (kind == Kind.CONTACT)
        reason[asking] = pick(shares, int(asking.sum()), rng)
    return DayEvents(
        day.day, begin, time, customer, kind, segment, bought, order, item, quantity, score.clip(0, 1), channel, reason
    )


def _comings(day: Day, rng: np.random.Generator) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """Return time and customer of each event of a day, in order of time, and whether it is a profile."""
    joined = len(day.joining)
    time = rng.integers(OPENS, CLOSES - LATER[1], joined + len(day.coming))
    first_turns = time[:joined] + rng.integers(*LATER, joined)
    time = np.concatenate([time[:joined], first_turns, time[joined:]])
    customer = np.concatenate([day.joining, day.joining, day.coming])
    order = np.argsort(time, kind="stable")
    return time[order], customer[order], order < joined


def _times_before(customer: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how often each customer stands before, in the same array.

    Examples
    --------
    >>> _times_before(np.array([7, 3, 7, 7])).tolist()
    [0, 0, 1, 2]
    """
    order = np.argsort(customer, kind="stable")
    ordered = customer[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    ranks = np.arange(len(customer)) - np.repeat(starts, np.diff(np.r_[starts, len(customer)]))
    result = np.empty(len(customer), np.int64)
    result[order] = ranks
    return result


def _returned(
    begin: int,
    customer: NDArray[np.int64],
    kind: NDArray[np.uint8],
    again: NDArray[np.int64],
    bought: DrawnBaskets,
    past: _Past,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return order, item and quantity of the returns: the dearest line of the customer's last purchase before."""
    order, item = np.full(len(customer), -1, np.int64), np.full(len(customer), -1, np.int64)
    quantity = np.zeros(len(customer), np.int64)
    lines = np.full(len(customer), -1, np.int64)
    lines[kind == Kind.PURCHASE] = bought.dearest()
    for visit in range(int(again.max(initial=-1)) + 1):  # no customer comes twice in one
        here = again == visit
        buying = np.flatnonzero(here & (kind == Kind.PURCHASE))
        past.order[customer[buying]] = begin + buying
        past.item[customer[buying]] = bought.item[lines[buying]]
        past.quantity[customer[buying]] = bought.quantity[lines[buying]]
        returning = np.flatnonzero(here & (kind == Kind.RETURN))
        order[returning] = past.order[customer[returning]]
        item[returning] = past.item[customer[returning]]
        quantity[returning] = past.quantity[customer[returning]]
    return order, item, quantity
