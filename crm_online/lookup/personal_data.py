"""All that a state holds of one person, for whoever asks for it: a copy under Article 15 of the GDPR."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from crm_online.baskets import counted, sampled, transitions
from crm_online.baskets import open as open_baskets
from crm_online.baskets.basket import Basket, unpacked
from crm_online.baskets.counted import SEPARATOR, sessions
from crm_online.baskets.sampled import SampledOrder
from crm_online.baskets.transitions import LastOrder, Transition
from crm_online.customers import own, suppression
from crm_online.customers.codec import RecordCodec
from crm_online.customers.suppression import NOT_ERASED, OBJECTED, Suppression
from crm_online.customers.traits import Traits
from crm_online.engine import example_store, sampling
from crm_online.engine.engine import CUSTOMERS, customer_field, layout
from crm_online.engine.state import NAME as STATE
from crm_online.engine.state import PartitionState
from crm_online.errors import UnknownCustomer
from crm_online.events.columns import Kind
from crm_online.events.times import to_short_iso
from crm_online.itemsets import names as item_names
from crm_online.lookup.customer_json import customer_values
from crm_online.lookup.customer_reader import CustomerReader
from crm_online.predictions.examples import LabelledExamples
from crm_online.predictions.features import FEATURES
from crm_online.privacy.pseudonyms import NO_PSEUDONYMS, Pseudonyms
from crm_online.settings import Settings
from crm_online.settings.conflict import from_stored
from crm_online.step import Topic
from crm_online.store import PartitionStore, Store
from crm_online.store.entries import RejectSearch, is_blank

_TOPICS = {Topic.SEGMENT_CHANGES: "moves", Topic.PREDICTIONS: "prediction_changes", Topic.REJECTS: "rejects"}
_KINDS = {str(int(kind)): kind.name.lower() for kind in (Kind.PURCHASE, Kind.RETURN)}


def personal_data(store: Store, customer: str, pseudonyms: Pseudonyms = NO_PSEUDONYMS) -> dict[str, Any]:
    """Return all that a state holds of a customer, as ``answers.customers.PersonalData`` has it.

    Raises
    ------
    UnknownCustomer
        If it holds nothing, not even that the customer was erased.
    StoreError
        If it cannot be read.
    """
    meta = store.meta()
    settings = from_stored(meta.settings)
    batch = CustomerReader(store, pseudonyms).read([customer]).batch()
    names = pseudonyms.every(customer)
    by_key = customer_values(CustomerReader(store).read(names).batch()) if len(names) > 1 else []
    found = {
        "customer_id": customer,
        "customer": customer_values(batch)[0] if batch.names else None,
        "earlier": by_key[1:],
        "partitions": [
            part
            for number in range(meta.partitions)
            for name in names
            if (part := store.partition(number).consistent_read(_Reading(name, settings, meta.id).read))
        ],
    }
    if found["customer"] is None and not found["partitions"]:
        raise UnknownCustomer(f"nothing is held of a customer {customer!r}")
    return found


@dataclass(frozen=True, slots=True)
class _Reading:
    """What one partition holds of a customer."""

    customer: str
    settings: Settings
    salt: str

    def read(self, store: PartitionStore) -> dict[str, Any]:
        """Return the parts that there are; an empty one is left out."""
        items = [name.decode() for name in store.list_range(item_names.NAME, 0, -1)]
        kept = self._kept(store, items)
        for name, value in self._changes(store):
            kept.setdefault(name, []).append(value)
        found = {name: value for name, value in kept.items() if value}
        return {"partition": store.partition} | found if found else {}

    def _kept(self, store: PartitionStore, items: Sequence[str]) -> dict[str, Any]:
        return {
            "bought": self._bought(store, items),
            "sampled": self._traits(store, items),
            "open_baskets": list(self._open_baskets(store, items)),
            "counted_baskets": list(self._counted_baskets(store, items)),
            "orders": list(self._orders(store, items)),
            "transitions": list(self._transitions(store, items)),
            "examples": list(self._examples(store)),
            **self._suppressed(store),
        }

    def _field(self, store: PartitionStore, name: str) -> bytes | None:
        return store.hash_get(name, [customer_field(self.customer)])[0]

    def _bought(self, store: PartitionStore, items: Sequence[str]) -> dict[str, Any] | None:
        raw = self._field(store, CUSTOMERS)
        if raw is None:
            return None
        codec, _ = layout(self.settings)
        orders, counts = _own_items(codec, raw, PartitionState.decode(store.value(STATE)), self.settings)
        return {"orders": orders, "items": {items[item]: count for item, count in counts.items()}} if orders else None

    def _traits(self, store: PartitionStore, items: Sequence[str]) -> dict[str, Any] | None:
        raw_traits, raw_items = self._field(store, sampling.TRAITS), self._field(store, sampling.BOUGHT)
        if raw_traits is None and raw_items is None:
            return None
        traits = Traits.decode(raw_traits, raw_items)
        return {
            "attributes": traits.attributes,
            "reasons": traits.reasons,
            "feedback": {"count": traits.feedbacks, "score_sum": traits.score, "unhappy": traits.unhappy},
            "items": {items[item]: lines for item, lines in traits.bought.items()},
        }

    def _open_baskets(self, store: PartitionStore, items: Sequence[str]) -> Iterator[dict[str, Any]]:
        for key, raw in sorted(store.hash_all(open_baskets.NAME)):
            basket = Basket.decode(raw)
            yield from self._basket(key, [(basket.first, basket.last, basket.items)], items)

    def _counted_baskets(self, store: PartitionStore, items: Sequence[str]) -> Iterator[dict[str, Any]]:
        for key, raw in sorted(store.hash_all(counted.NAME)):
            yield from self._basket(
                key, ((first, last, set(unpacked(packed))) for first, last, _, packed in sessions(raw)), items
            )

    def _basket(
        self, key: bytes, parts: Iterable[tuple[int, int, set[int]]], items: Sequence[str]
    ) -> Iterator[dict[str, Any]]:
        kind, customer, basket = key.decode().split(SEPARATOR, 2)
        if customer == self.customer:
            for first, last, numbers in parts:
                times = {"first": to_short_iso(first), "last": to_short_iso(last)}
                yield {"basket_id": basket, "type": _KINDS[kind], **times, "items": _named(sorted(numbers), items)}

    def _orders(self, store: PartitionStore, items: Sequence[str]) -> Iterator[dict[str, Any]]:
        for _, raw in sorted(store.hash_all(sampled.NAME)):
            order = SampledOrder.decode(raw)
            if order.customer == self.customer:
                yield {"time": to_short_iso(order.time), "items": _named(order.items, items)}

    def _transitions(self, store: PartitionStore, items: Sequence[str]) -> Iterator[dict[str, Any]]:
        kept = [Transition.decode(raw) for _, raw in store.hash_all(transitions.NAME)]
        for one in sorted(kept, key=lambda one: one.number):
            if one.customer == self.customer:
                yield {"order": _named(one.before, items), "next": _named(one.after, items)}
        last = self._field(store, transitions.LAST_ORDERS)
        if last:
            yield {"order": _named(LastOrder.decode(last).items, items), "next": []}

    def _examples(self, store: PartitionStore) -> Iterator[dict[str, Any]]:
        pending = [LabelledExamples.decode(raw) for _, raw in sorted(store.hash_all(example_store.PENDING))]
        labelled = [example_store.decode_block(raw)[1] for raw in store.list_range(example_store.LABELLED, 0, -1)]
        for block in (*pending, *labelled):
            for row in [row for row, name in enumerate(block.customers) if name == self.customer]:
                outcome, names = float(block.y[row]), [feature.name for feature in FEATURES]
                yield {
                    "target": block.target,
                    "moment": to_short_iso(int(block.moment[row])),
                    "outcome": None if np.isnan(outcome) else outcome,
                    "features": dict(zip(names, map(_number, block.x[row].tolist()), strict=False)),
                    "predicted": [_number(chance) for chance in block.predicted[row].tolist()],
                }

    def _suppressed(self, store: PartitionStore) -> dict[str, str | None]:
        suppressed = Suppression(self.salt)
        suppressed.load(store.hash_all(suppression.NAME))
        since, before = suppressed.objected_since(self.customer), int(suppressed.erased_at([self.customer])[0])
        return {
            "suppressed_before": None if before in (NOT_ERASED, OBJECTED) else to_short_iso(before),
            "objected_since": None if since is None else to_short_iso(since),
        }

    def _changes(self, store: PartitionStore) -> Iterator[tuple[str, dict[str, Any]]]:
        search = RejectSearch({self.customer})
        for entry in store.changes():
            name = _TOPICS.get(entry.topic)
            if name is None or is_blank(entry):
                continue
            whose = search.matches(entry.value) if name == "rejects" else entry.key == self.customer
            if whose:
                yield name, json.loads(entry.value)


def _own_items(
    codec: RecordCodec, raw: bytes, state: PartitionState, settings: Settings
) -> tuple[float, dict[int, float]]:
    record = codec.decode([raw])
    return own.read(bytes(record.own[0]), state.watermark or 0, settings.itemsets.half_life)


def _named(numbers: Sequence[int], items: Sequence[str]) -> list[str]:
    return [items[number] for number in numbers]


def _number(value: float) -> float | None:
    """Return a number as JSON has it: none for one that is not finite."""
    return value if np.isfinite(value) else None
