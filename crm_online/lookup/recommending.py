"""Recommendations from a state: the counts, read once, and customers, read when they are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from crm_online.customers import own
from crm_online.customers.records import RecordCodec
from crm_online.decay import Decay
from crm_online.engine import segmenting, state
from crm_online.engine.engine import CUSTOMERS, customer_field
from crm_online.engine.state import PartitionState
from crm_online.errors import UnknownCustomer
from crm_online.lookup.partition import PartitionView, segment_ids
from crm_online.recommend.answer import TOP, Buyer, recommended
from crm_online.recommend.basis import ABSENT, Basis, SampledFrom
from crm_online.recommend.learning import ORDERS
from crm_online.recommend.ranking import History
from crm_online.segments.model import Model
from crm_online.store import Store
from crm_online.store.reads import hash_fields, plain_value


@dataclass(frozen=True, slots=True, eq=False)
class Recommending:
    """Makes recommendations; it may be used by several threads at once.

    Attributes
    ----------
    store
        Where customers are read, in one round trip, or two if there are several partitions.
    codec
        Reads their records.
    basis
        The counts.
    half_life
        In which a basket's weight halves, in ms; ``None``: it does not.
    """

    store: Store
    codec: RecordCodec
    basis: Basis
    half_life: int | None

    @classmethod
    def of(cls, store: Store, views: Sequence[PartitionView]) -> Self:
        """Read the counts and the sampled orders of all partitions."""
        counts = [view.counts for view in views]
        as_of, half_life = max(one.watermark for one in counts), views[0].settings.itemsets.half_life
        orders = [one for view in views for one in _sampled_from(view, as_of, half_life)]
        latest = [one for _, one in sorted(orders, key=lambda order: order[0])[-ORDERS:]]
        return cls(store, views[0].codec, Basis.of([one.counted for one in counts], as_of, latest), half_life)

    def recommend(self, customer: str | None, basket: Sequence[str], top: int = TOP) -> dict[str, object]:
        """Return recommendations, see :meth:`crm_online.lookup.lookup.Lookup.recommend`."""
        buyer = Buyer() if customer is None else self._buyer(customer)
        if buyer is None and not basket:
            raise UnknownCustomer(f"no customer {customer!r} in the state; ask without one for what is popular")
        return recommended(self.basis, buyer or Buyer(customer), basket, top)

    def _buyer(self, name: str) -> Buyer | None:
        partition, field = self._partition(name), [customer_field(name)]
        (record,), small, (raw_model,) = self.store.partition(partition).together(
            hash_fields(partition, CUSTOMERS, field),
            plain_value(partition, state.NAME),
            plain_value(partition, segmenting.MODEL),
        )
        if record is None:
            return None
        records = self.codec.decode([record])
        model = Model.from_json(raw_model) if raw_model else None
        here = PartitionState.decode(small)
        segment = segment_ids(records, records.reported, model, here)[0]
        return Buyer(name, segment, self._history(partition, records.own[0]) if records.own[0] else None)

    def _partition(self, name: str) -> int:
        """Return the first partition that has a customer; 0 if none has."""
        numbered = self.basis.numbered
        if len(numbered) == 1:
            return 0
        wanted = [hash_fields(number, CUSTOMERS, [customer_field(name)]) for number in range(len(numbered))]
        found = self.store.read_many(wanted)
        return next((number for number, (record,) in enumerate(found) if record is not None), 0)

    def _history(self, partition: int, raw: bytes) -> History:
        """Return a history by the basis's ids; items that came after it was read are left out."""
        ids = self.basis.numbered[partition]
        orders, bought = own.read(raw, self.basis.as_of, self.half_life)
        known = {int(ids[item]): count for item, count in bought.items() if item < len(ids)}
        return History(orders, {item: count for item, count in known.items() if item != ABSENT})


def _sampled_from(
    view: PartitionView, as_of: int, half_life: int | None
) -> list[tuple[tuple[int, int, int], SampledFrom]]:
    """Return the sampled orders of a partition with what their customers bought, each with what they are sorted by."""
    partition = view.store.partition
    orders = view.orders
    names = sorted({order.customer for order in orders if order.customer is not None})
    raw = view.store.hash_get(CUSTOMERS, [name.encode() for name in names]) if names else []
    bought = dict(zip(names, view.codec.decode(raw).own.tolist(), strict=True))
    decay, found = Decay(half_life), []
    for order in orders:
        # Everything weighs as at the one time that counts are read at.
        weight = float(decay.reading(np.array([as_of]), np.array([order.time]))[0])
        number, items = own.read(bought.get(order.customer or "", b""), as_of, half_life)
        place = order.time, partition, order.hash
        found.append((place, SampledFrom(partition, order.items, weight, number, items)))
    return found
