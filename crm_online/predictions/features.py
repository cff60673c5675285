"""Features of predictions: what a customer's record says at a time, with memory of several lengths.

A pure function of totals and decayed sums that hold nothing from after the time of reading.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from crm_online.customers import memory
from crm_online.customers.records import Records

MS_PER_DAY: Final = 86_400_000


@dataclass(frozen=True, slots=True)
class CustomerHistory:
    """What is known of n customers, each at a time of its own.

    Attributes
    ----------
    as_of
        int64[n]: the time of reading, in ms.
    first_event, last_event, first_purchase, last_purchase
        int64[n]: times in ms, none after ``as_of``; -1 where there was none.
    purchases, returns, events
        float64[n]: plain counts of orders, of returns, and of all events.
    spend, items
        float64[n]: money of all purchases, and pieces bought.
    orders, spent
        float64[n, h]: number of orders and money spent, decayed with each of the half-lives
        :data:`crm_online.customers.memory.DAYS`, as of ``as_of``.
    """

    as_of: NDArray[np.int64]
    first_event: NDArray[np.int64]
    last_event: NDArray[np.int64]
    first_purchase: NDArray[np.int64]
    last_purchase: NDArray[np.int64]
    purchases: NDArray[np.float64]
    returns: NDArray[np.float64]
    events: NDArray[np.float64]
    spend: NDArray[np.float64]
    items: NDArray[np.float64]
    orders: NDArray[np.float64]
    spent: NDArray[np.float64]

    @classmethod
    def from_records(cls, records: Records, as_of: NDArray[np.int64]) -> Self:
        """Return what records say as of some times, int64[n], none of them before a customer's last event."""
        remembered = memory.read(records, as_of)
        return cls(
            as_of=as_of,
            first_event=records.first_event,
            last_event=records.last_event,
            first_purchase=records.first_purchase,
            last_purchase=records.last_purchase,
            purchases=records.purchases.astype(np.float64),
            returns=records.returns.astype(np.float64),
            events=records.events.astype(np.float64),
            spend=records.spend,
            items=records.items,
            orders=remembered[:, :, memory.ORDERS],
            spent=remembered[:, :, memory.SPEND],
        )

    def __len__(self) -> int:
        return len(self.as_of)

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Self:
        """Return some rows."""
        return type(self)(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})

    @property
    def has_purchase(self) -> NDArray[np.bool_]:
        """Who has bought at all."""
        return np.greater_equal(self.last_purchase, 0)

    def days_since(self, time: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the days from a time to the time of reading, never less than 0."""
        days: NDArray[np.float64] = np.maximum(self.as_of - time, 0) / MS_PER_DAY
        return days

    @property
    def recency(self) -> NDArray[np.float64]:
        """Days since the last purchase; since the first event, where nothing was bought yet."""
        return self.days_since(np.where(self.has_purchase, self.last_purchase, self.first_event))

    @property
    def age(self) -> NDArray[np.float64]:
        """Days since the first purchase; since the first event, where nothing was bought yet."""
        return self.days_since(np.where(self.has_purchase, self.first_purchase, self.first_event))

    @property
    def gap(self) -> NDArray[np.float64]:
        """Mean days between purchases; the age of who bought once or never."""
        between: NDArray[np.float64] = np.where(
            self.purchases > 1,
            (self.last_purchase - self.first_purchase) / np.maximum(self.purchases - 1, 1) / MS_PER_DAY,
            self.age,
        )
        return np.maximum(between, 1 / 24)


@dataclass(frozen=True, slots=True)
class PredictionFeature:
    """A number that predictions learn from.

    Attributes
    ----------
    name
        Its name.
    high, low
        What a large and a small value of it are, as words that follow "since the customer".
    read
        The numbers of n customers, float64[n]; finite.
    """

    name: str
    high: str
    low: str
    read: Callable[[CustomerHistory], NDArray[np.float64]]


def _memory(name: str, what: str, index: int) -> PredictionFeature:
    """Return the logarithm of a decayed number of orders."""
    return PredictionFeature(
        name,
        f"ordered much {what}",
        f"ordered little {what}",
        lambda history: np.log(np.maximum(history.orders[:, index], 0) + 0.05),
    )


FEATURES: Final[tuple[PredictionFeature, ...]] = (
    PredictionFeature(
        "recency",
        "bought last long ago",
        "bought lately",
        lambda history: np.log1p(history.recency),
    ),
    PredictionFeature(
        "recency over gap",
        "is absent longer than is usual for them",
        "is absent no longer than is usual for them",
        lambda history: np.log((history.recency + 1) / (history.gap + 1)),
    ),
    PredictionFeature("purchases", "bought often", "bought seldom", lambda history: np.log1p(history.purchases)),
    _memory("orders 10 days", "in the last days", 0),
    _memory("orders 30 days", "in the last weeks", 1),
    _memory("orders 60 days", "in the last two months", 2),
    _memory("orders 120 days", "in the last half-year", 3),
    PredictionFeature("spend", "spent much", "spent little", lambda history: np.log1p(np.maximum(history.spend, 0))),
    PredictionFeature(
        "order value",
        "places large orders",
        "places small orders",
        lambda history: np.log1p(np.maximum(history.spend, 0) / np.maximum(history.purchases, 1)),
    ),
    PredictionFeature(
        "pieces",
        "buys many pieces at a time",
        "buys few pieces at a time",
        lambda history: np.log1p(np.maximum(history.items, 0) / np.maximum(history.purchases, 1)),
    ),
    PredictionFeature("returns", "returned much", "returned little", lambda history: np.log1p(history.returns)),
)
"""The features, in the order of a vector's columns."""


def feature_matrix(history: CustomerHistory) -> NDArray[np.float64]:
    """Return the features of n customers, shape (n, d), columns as in :data:`FEATURES`."""
    return np.column_stack([feature.read(history) for feature in FEATURES])
