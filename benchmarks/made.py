"""Made shops: seeded logs of events as arrays, as many customers as wanted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crm_online.events.columns import EventColumns, Kind

DAY = 86_400_000
START = 1_672_531_200_000
"""2023-01-01 UTC."""
ITEMS = 300


@dataclass(frozen=True, slots=True)
class MadeLog:
    """``n`` events with ``m`` lines, in the order of time; customers, baskets and items are numbers.

    Attributes
    ----------
    kind, customer, time
        Of each event; time in ms since 1970.
    basket
        Number of each event's basket, -1: it is one by itself.
    start
        Where the lines of each event begin, and where the last ones end.
    item, quantity, price
        Of each line.
    score
        Of each event that is feedback, else NaN.
    """

    kind: NDArray[np.uint8]
    customer: NDArray[np.int64]
    time: NDArray[np.int64]
    basket: NDArray[np.int64]
    start: NDArray[np.int64]
    item: NDArray[np.int64]
    quantity: NDArray[np.float64]
    price: NDArray[np.float64]
    score: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.kind)

    def columns(self, begin: int, end: int) -> EventColumns:
        """Return some events as the engine takes them."""
        low, high = int(self.start[begin]), int(self.start[end])
        customer, customers = _coded(self.customer[begin:end], "c")
        basket, baskets = _coded(self.basket[begin:end], "b")
        item, items = _coded(self.item[low:high], "item ")
        return EventColumns(
            position=np.arange(begin, end),
            event_ids=[f"made-{number}" for number in range(begin, end)],
            kind=self.kind[begin:end],
            customer=customer,
            customers=customers,
            time=self.time[begin:end],
            basket=basket,
            baskets=baskets,
            line_start=self.start[begin : end + 1] - low,
            item=item,
            items=items,
            quantity=self.quantity[low:high],
            price=self.price[low:high],
            score=self.score[begin:end],
            producer=np.zeros(end - begin, np.uint64),
            details={},
        )

    def chunks(self, size: int) -> Iterator[tuple[int, int, EventColumns]]:
        """Yield all events in chunks: begin, end, events."""
        for begin in range(0, len(self), size):
            end = min(begin + size, len(self))
            yield begin, end, self.columns(begin, end)


def visits(customers: NDArray[np.int64], begin: int, end: int, lines: int, seed: int, first_basket: int) -> MadeLog:
    """Return a log in which some customers buy once each, in turn, ``lines`` order lines with one basket id.

    Parameters
    ----------
    customers
        Who buys, in the order of time.
    begin, end
        The time, in ms, over which the purchases are spread evenly.
    lines
        Order lines of each, an event each.
    seed, first_basket
        Seed of what is bought, and number of the first basket.
    """
    random = np.random.default_rng(seed)
    n = len(customers) * lines
    # What a customer spends, and on how much, is a trait: the same at each purchase but for chance.
    trait = np.random.default_rng(1).lognormal(0.0, 1.0, 4096)[customers % 4096]
    return MadeLog(
        kind=np.full(n, Kind.PURCHASE, np.uint8),
        customer=np.repeat(customers, lines),
        time=np.repeat(np.linspace(begin, end, len(customers), endpoint=False).astype(np.int64), lines),
        basket=np.repeat(first_basket + np.arange(len(customers)), lines),
        start=np.arange(n + 1),
        item=_items(random, n),
        quantity=np.ones(n),
        price=np.round(np.repeat(trait, lines) * random.lognormal(1.0, 0.5, n), 2),
        score=np.full(n, np.nan),
    )


@dataclass(frozen=True, slots=True)
class _Group:
    """One kind of customer: its share, events a year, price and lines of a purchase, and what else it does."""

    share: float
    rate: float
    price: float
    lines: float
    views: float
    returns: float
    stays: float
    """Days after which half have lapsed."""


_GROUPS = (
    _Group(0.08, 40.0, 12.0, 5.0, 0.30, 0.02, 2000.0),
    _Group(0.17, 16.0, 4.0, 3.0, 0.20, 0.03, 900.0),
    _Group(0.30, 7.0, 6.0, 2.0, 0.15, 0.04, 300.0),
    _Group(0.10, 14.0, 9.0, 1.5, 0.75, 0.02, 500.0),
    _Group(0.10, 8.0, 20.0, 2.5, 0.20, 0.25, 400.0),
    _Group(0.25, 2.5, 5.0, 1.3, 0.20, 0.03, 90.0),
)


def year(customers: int, seed: int = 1) -> MadeLog:
    """Return a year of a shop: skewed rates, customers who come, drift and lapse; about 10 events each."""
    random = np.random.default_rng(seed)
    group = random.choice(len(_GROUPS), customers, p=[one.share for one in _GROUPS])

    def of(name: str) -> NDArray[np.float64]:
        return np.array([getattr(one, name) for one in _GROUPS])[group]

    spread = random.gamma(1.5, 1 / 1.5, customers)  # rates within a group
    comes = np.where(
        random.random(customers) < 0.6, random.uniform(0, 20, customers), random.uniform(0, 350, customers)
    )
    leaves = np.minimum(comes + random.exponential(of("stays") / np.log(2)), 365.0)
    events = 1 + random.poisson(of("rate") * spread * (leaves - comes) / 365)
    who = np.repeat(np.arange(customers), events)
    # Drift: some buy more and more often, some less and less.
    drift = np.exp(random.normal(0.0, 0.4, customers))[who]
    when = comes[who] + (leaves - comes)[who] * random.random(len(who)) ** drift
    first = np.cumsum(events) - events
    when[first] = comes
    order = np.argsort(when, kind="stable")
    who, when = who[order], when[order]
    kind = _kinds(random, of("views")[who], of("returns")[who])
    buys = (kind == Kind.PURCHASE) | (kind == Kind.RETURN)
    lines = np.where(buys, 1 + random.poisson((of("lines") - 1)[who]), kind == Kind.VIEW).astype(np.int64)
    start = np.concatenate(([0], np.cumsum(lines)))
    level = of("price") * random.lognormal(0.0, 0.5, customers)
    bought = np.repeat(kind, lines) != Kind.VIEW
    price = np.repeat(level[who], lines) * random.lognormal(0.0, 0.4, int(start[-1]))
    score = np.where(kind == Kind.FEEDBACK, random.beta(4, 2, len(who)), np.nan)
    return MadeLog(
        kind=kind,
        customer=who,
        time=START + (when * DAY).astype(np.int64),
        basket=np.full(len(who), -1),
        start=start,
        item=_items(random, int(start[-1])),
        quantity=np.where(bought, 1.0 + random.poisson(0.3, int(start[-1])), 1.0),
        price=np.where(bought, np.round(price, 2), 0.0),
        score=score,
    )


def _kinds(random: np.random.Generator, views: NDArray[np.float64], returns: NDArray[np.float64]) -> NDArray[np.uint8]:
    draw, kind = random.random(len(views)), np.full(len(views), Kind.PURCHASE, np.uint8)
    kind[draw < views + returns + 0.04] = Kind.CONTACT
    kind[draw < views + returns + 0.02] = Kind.FEEDBACK
    kind[draw < views + returns] = Kind.RETURN
    kind[draw < views] = Kind.VIEW
    return kind


def _items(random: np.random.Generator, n: int) -> NDArray[np.int64]:
    """Return items of which some are bought much more often than others."""
    share = 1 / (np.arange(ITEMS) + 5.0)
    return random.choice(ITEMS, n, p=share / share.sum())


def _coded(numbers: NDArray[np.int64], prefix: str) -> tuple[NDArray[np.int32], list[str]]:
    codes, used = pd.factorize(np.where(numbers < 0, -1, numbers))
    names = [f"{prefix}{number}" for number in used.tolist()]
    if "-1" in (name.removeprefix(prefix) for name in names):
        gap = names.index(f"{prefix}-1")
        codes = np.where(codes == gap, -1, codes - (codes > gap))
        del names[gap]
    return codes.astype(np.int32), names
