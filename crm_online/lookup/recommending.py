"""Recommendations from a state: the counts, read once, and customers, read when they are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from crm_online.customers.records import RecordCodec
from crm_online.customers.traits import Traits
from crm_online.engine import sampling, segmenting, state
from crm_online.engine.engine import CUSTOMERS, customer_field
from crm_online.engine.state import PartitionState
from crm_online.errors import UnknownCustomer
from crm_online.lookup.partition import PartitionView, segment_ids
from crm_online.recommend.answer import TOP, Buyer, recommended
from crm_online.recommend.basis import ABSENT, Basis
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
    """

    store: Store
    codec: RecordCodec
    basis: Basis

    @classmethod
    def of(cls, store: Store, views: Sequence[PartitionView]) -> Self:
        """Read the counts of all partitions."""
        counts = [view.counts for view in views]
        basis = Basis.of([one.counted for one in counts], max(one.watermark for one in counts))
        return cls(store, views[0].codec, basis)

    def recommend(self, customer: str | None, basket: Sequence[str], top: int = TOP) -> dict[str, object]:
        """Return recommendations, see :meth:`crm_online.lookup.lookup.Lookup.recommend`."""
        buyer = Buyer() if customer is None else self._buyer(customer)
        if buyer is None and not basket:
            raise UnknownCustomer(f"no customer {customer!r} in the state; ask without one for what is popular")
        return recommended(self.basis, buyer or Buyer(customer), basket, top)

    def _buyer(self, name: str) -> Buyer | None:
        partition, field = self._partition(name), [customer_field(name)]
        (record,), (bought,), (small, raw_model) = self.store.partition(partition).together(
            hash_fields(partition, CUSTOMERS, field),
            hash_fields(partition, sampling.BOUGHT, field),
            plain_value(partition, state.NAME),
            plain_value(partition, segmenting.MODEL),
        )
        if record is None:
            return None
        records = self.codec.decode([record])
        model = Model.from_json(raw_model) if raw_model else None
        here = PartitionState.decode(small)
        segment = segment_ids(records, records.reported, model, here)[0]
        history = self._history(partition, int(records.purchases[0]), bought) if bought is not None else None
        return Buyer(name, segment, history)

    def _partition(self, name: str) -> int:
        """Return the first partition that has a customer; 0 if none has."""
        numbered = self.basis.numbered
        if len(numbered) == 1:
            return 0
        wanted = [hash_fields(number, CUSTOMERS, [customer_field(name)]) for number in range(len(numbered))]
        found = self.store.read_many(wanted)
        return next((number for number, (record,) in enumerate(found) if record is not None), 0)

    def _history(self, partition: int, orders: int, bought: bytes) -> History:
        """Return a history by the basis's ids; items that came after it was read are left out."""
        ids = self.basis.numbered[partition]
        lines = Traits.of(None, bought).bought
        known = {int(ids[item]): count for item, count in lines.items() if item < len(ids)}
        return History(orders, {item: count for item, count in known.items() if item != ABSENT})
