"""The plain way through a shop log, event by event: what the replay is measured against.

For each order line river's k-means learns the customer's features, and the customer's fields are set in Redis; once
a basket is over, a loop counts its items, pairs and triples, and Redis counts them too. What goes to Redis for one
event goes in one pipeline, to a server that puts each write on disk before it answers.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from dataclasses import dataclass, field
from itertools import combinations
from typing import Protocol

import pandas as pd
import redis
from river import cluster

HALF_LIFE_DAYS = 90.0
SEGMENTS = 6
Fields = dict[bytes | bytearray | memoryview | str | int | float, bytes | bytearray | memoryview | str | int | float]
DAY = 86_400_000
TAKEN = "position"
"""The key in Redis that holds how many order lines were taken."""


@dataclass(slots=True)
class PlainCost:
    """Seconds by what they were spent on: processor time of Python, and waiting for Redis."""

    features: float = 0.0
    model: float = 0.0
    counting: float = 0.0
    client: float = 0.0
    waiting: float = 0.0

    @property
    def without_redis(self) -> float:
        """Processor time of features, model and counting."""
        return self.features + self.model + self.counting


@dataclass(slots=True)
class PlainCustomer:
    """What is known of one customer; the sums decay with a half-life of 90 days."""

    first: int
    last: int
    orders: float = 0.0
    spend: float = 0.0
    lines: float = 0.0
    purchases: int = 0
    events: int = 0
    total: float = 0.0
    items: float = 0.0
    basket: str = ""
    bought: set[str] = field(default_factory=set)

    def add(self, when: int, basket: str, quantity: float, value: float) -> None:
        """Add one order line."""
        fade = 0.5 ** ((when - self.last) / DAY / HALF_LIFE_DAYS)
        opens = basket != self.basket
        self.orders = self.orders * fade + opens
        self.spend = self.spend * fade + value
        self.lines = self.lines * fade + 1
        self.last = when
        self.purchases += opens
        self.events += 1
        self.total += value
        self.items += quantity
        self.basket = basket

    def features(self) -> dict[str, float]:
        """Return the features that the product uses too, in logarithms."""
        gap = (self.last - self.first) / DAY / max(self.purchases - 1, 1)
        return {
            "orders": math.log1p(self.orders),
            "spending": math.log1p(self.spend),
            "recency": 0.0,
            "basket_value": math.log1p(self.spend / self.orders),
            "basket_size": math.log1p(self.lines / self.orders),
            "gap": math.log1p(gap),
            "returned": 0.0,
            "views": 0.0,
            "feedback": 0.5,
            "contacts": 0.0,
            "tenure": math.log1p((self.last - self.first) / DAY),
        }

    def fields(self, features: dict[str, float]) -> Fields:
        """Return what goes into the customer's hash."""
        totals: Fields = {
            "first_event": self.first,
            "last_event": self.last,
            "purchases": self.purchases,
            "events": self.events,
            "spend": self.total,
            "items": self.items,
        }
        return totals | {f"feature.{name}": value for name, value in features.items()}


class Learner(Protocol):
    """What is used of river's models."""

    def learn_one(self, x: dict[str, float]) -> object:
        """Learn one point."""


class PlainReplay:
    """The plain way, with one Redis."""

    def __init__(self, server: redis.Redis) -> None:
        self.server = server
        self.model: Learner = cluster.KMeans(n_clusters=SEGMENTS, seed=1)
        self.customers: dict[str, PlainCustomer] = {}
        self.counts: Counter[tuple[str, ...]] = Counter()
        self.baskets = self.taken = 0
        self.cost = PlainCost()

    def run(self, lines: pd.DataFrame) -> PlainCost:
        """Take order lines one by one, then count the baskets that are still open."""
        columns = ["household_id", "basket_id", "product_category", "quantity", "sales_value", "ms"]
        for line in lines[columns].itertuples(index=False, name=None):
            self.take(*line)
        for customer in self.customers.values():
            self._count(customer.bought)
        return self.cost

    def take(self, household: str, basket: str, item: str | None, quantity: float, value: float, when: int) -> None:
        """Take one order line; ``when`` is in ms, ``item`` no string if the product is unknown."""
        cost, clock, wall = self.cost, time.thread_time, time.perf_counter
        begin = clock()
        customer = self.customers.get(household)
        if customer is None:
            customer = self.customers[household] = PlainCustomer(when, when)
        over: set[str] = set()
        if basket != customer.basket:
            over, customer.bought = customer.bought, set()
        customer.add(when, basket, quantity, value)
        if isinstance(item, str):
            customer.bought.add(item)
        features = customer.features()
        known = clock()
        self.model.learn_one(features)
        learnt = clock()
        sets = self._count(over)
        counted, started = clock(), wall()
        self._write(household, customer.fields(features), sets)
        ended, written = wall(), clock()
        cost.features += known - begin
        cost.model += learnt - known
        cost.counting += counted - learnt
        cost.client += written - counted
        cost.waiting += max((ended - started) - (written - counted), 0.0)

    def _count(self, basket: set[str]) -> list[tuple[str, ...]]:
        if not basket:
            return []
        self.baskets += 1
        items = sorted(basket)
        sets = [found for size in (1, 2, 3) for found in combinations(items, size)]
        for found in sets:
            self.counts[found] += 1
        return sets

    def _write(
        self,
        household: str,
        fields: Fields,
        sets: list[tuple[str, ...]],
    ) -> None:
        self.taken += 1
        with self.server.pipeline() as pipe:
            pipe.hset(f"customer:{household}", mapping=fields)
            for found in sets:
                pipe.hincrby(f"sets:{len(found)}", "|".join(found), 1)
            if sets:
                pipe.incr("baskets")
            pipe.set(TAKEN, self.taken)
            pipe.execute()
