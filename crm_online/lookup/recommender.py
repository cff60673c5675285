"""Recommendations from a state: the counts are read once, each customer when it is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from crm_online.baskets.catalogue import merged
from crm_online.customers import own
from crm_online.decay import Decay
from crm_online.errors import UnknownCustomer
from crm_online.lookup.customer_batch import CustomerBatch
from crm_online.lookup.partition import PartitionView
from crm_online.recommend.answer import Buyer, RecommendationRequest, recommended
from crm_online.recommend.basis import ABSENT, Basis, SampledFrom
from crm_online.recommend.learning import ORDERS
from crm_online.recommend.ranking import History


@dataclass(frozen=True, slots=True, eq=False)
class StateRecommender:
    """Makes recommendations; several threads may use it at once.

    Attributes
    ----------
    basis
        The counts.
    half_life
        In which a basket's weight halves, in ms; ``None``: it does not.
    """

    basis: Basis
    half_life: int | None

    @classmethod
    def of(cls, views: Sequence[PartitionView]) -> Self:
        """Read the counts and the sampled orders of all partitions."""
        counts = [view.counts for view in views]
        as_of, half_life = max(one.watermark for one in counts), views[0].settings.itemsets.half_life
        orders = [one for view in views for one in _sampled_from(view, as_of, half_life)]
        latest = [one for _, one in sorted(orders, key=lambda order: order[0])[-ORDERS:]]
        catalogue = merged(view.catalogue for view in views)
        least = views[0].settings.rules.min_customers
        return cls(Basis.of([one.counted for one in counts], as_of, latest, catalogue, least), half_life)

    def recommend(
        self, customer_id: str | None, read: CustomerBatch | None, request: RecommendationRequest
    ) -> dict[str, object]:
        """Return recommendations, see :meth:`crm_online.lookup.lookup.Lookup.recommend`.

        Parameters
        ----------
        customer_id, read
            The customer, and that customer as read; both are ``None`` for no customer.
        request
            What is asked for.
        """
        buyer = self._buyer(read, 0) if read is not None and read.names else None
        if buyer is None and customer_id is not None and not request.basket:
            raise UnknownCustomer(f"no customer {customer_id!r} in the state; ask without one for what is popular")
        return recommended(self.basis, buyer or Buyer(customer_id), request)

    def each(self, names: Sequence[str], read: CustomerBatch, request: RecommendationRequest) -> dict[str, object]:
        """Return recommendations for each of some customers, as ``crm_online.answers.rules.RecommendationsBatch``.

        Parameters
        ----------
        names
            The customers that were asked for.
        read
            Those who are known, as read.
        request
            What is asked for.
        """
        found = [recommended(self.basis, self._buyer(read, row), request) for row in range(len(read.names))]
        known = set(read.names)
        return {"recommendations": found, "missing": [name for name in names if name not in known]}

    def _buyer(self, read: CustomerBatch, row: int) -> Buyer:
        raw, partition = read.records.own[row], read.partitions[row][0]
        # The counts may be of a state that had fewer partitions.
        known = raw and partition < len(self.basis.numbered)
        last = int(read.records.last_purchase[row])
        return Buyer(read.names[row], read.segments[row], self._history(partition, raw, last) if known else None)

    def _history(self, partition: int, raw: bytes, last_order: int) -> History:
        """Return a history by the basis's ids, as of the customer's last order; items that are newer are left out."""
        ids = self.basis.numbered[partition]
        orders, bought = own.read(raw, last_order, self.half_life)
        known = {int(ids[item]): count for item, count in bought.items() if item < len(ids)}
        return History(orders, {item: count for item, count in known.items() if item != ABSENT})


def _sampled_from(
    view: PartitionView, as_of: int, half_life: int | None
) -> list[tuple[tuple[int, int, int], SampledFrom]]:
    """Return the sampled orders of a partition with what their customers bought, each with what they are sorted by."""
    partition, decay, found = view.store.partition, Decay(half_life), []
    for order in view.orders:
        # The order weighs as at the time that counts are read at, the customer's own as of the order before.
        weight = float(decay.reading(np.array([as_of]), np.array([order.time]))[0])
        number, items = own.read(order.history, order.last_order, half_life)
        key = order.time, partition, order.hash
        found.append((key, SampledFrom(order.customer, partition, order.items, weight, number, items)))
    return found
