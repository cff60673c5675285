"""One partition as stored: each part is read when it is first needed, all at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from crm_online.baskets import catalogue, sampled, transitions
from crm_online.baskets.catalogue import CatalogueEntries, CatalogueEntry
from crm_online.baskets.sampled import SampledOrder
from crm_online.baskets.transitions import LastOrder, Transition
from crm_online.customers.records import Records
from crm_online.customers.traits import Traits
from crm_online.engine import basket_journal, peers, rules, sampling, segmenting, state
from crm_online.engine.engine import CUSTOMERS, layout
from crm_online.engine.loaded import Loaded
from crm_online.engine.mining import empty_counters
from crm_online.engine.owner import SEGMENTS, SegmentEmitter
from crm_online.engine.peers import PartitionFigures
from crm_online.engine.state import PartitionState
from crm_online.itemsets import names as item_names
from crm_online.itemsets.names import ItemNames
from crm_online.itemsets.parts import PartitionCounters
from crm_online.lookup import segment_labels
from crm_online.lookup.segment_labels import SegmentLabel, decode_labels
from crm_online.pipeline import load
from crm_online.rules.learning import RuleLearning
from crm_online.segments import sample
from crm_online.segments.model import Model
from crm_online.segments.naming import SegmentName
from crm_online.settings import Settings
from crm_online.store import PartitionStore
from crm_online.store.reads import hash_fields, hash_whole, list_part, plain_value

_BATCH = 5000


@dataclass(frozen=True, slots=True)
class Counts:
    """The basket counts of a partition, and what was derived from them.

    Attributes
    ----------
    watermark
        Largest event time when it was read, in ms; 0 before the first.
    counted
        The counters, with the names of the items.
    emitted
        The rules as they were last emitted, by id.
    """

    watermark: int
    counted: PartitionCounters
    emitted: dict[bytes, bytes]


@dataclass(frozen=True, slots=True)
class SampledHere:
    """Some customers of the sample, in the order that was asked for.

    Attributes
    ----------
    records
        Their records.
    traits
        Their traits.
    items
        The items by number.
    """

    records: Records
    traits: list[Traits]
    items: list[str]


class PartitionView:
    """A partition. The small state, the model and the sums are read at once; each other part when it is asked for.

    Nothing is committed while a part is read, but there may be commits between two parts of a state that runs on.

    Parameters
    ----------
    store
        Its state.
    settings
        The settings that shaped it.

    Attributes
    ----------
    state, model, sums
        The small state; the model in use, and the segments' sums, ``None`` before there are any.
    """

    def __init__(self, store: PartitionStore, settings: Settings) -> None:
        self.store, self.settings = store, settings
        self.codec, self.reader = layout(settings)
        small, model, (sums,) = store.together(
            plain_value(store.partition, state.NAME),
            plain_value(store.partition, segmenting.MODEL),
            plain_value(store.partition, peers.NAME),
        )
        self.state = PartitionState.decode(small)
        self.model = Model.from_json(model) if model else None
        self.sums = PartitionFigures.decode(sums) if sums else None

    @cached_property
    def loaded(self) -> Loaded:
        """The bytes of all parts but the customers and their traits, at one position."""
        return self.store.consistent_read(partial(load, with_traits=False))

    @cached_property
    def counts(self) -> Counts:
        """The basket counts, and what was derived from them."""
        here = self.store.partition
        names = (item_names.NAME, basket_journal.COUNTERS, basket_journal.JOURNAL)
        lists = (list_part(here, name, 0, -1) for name in names)
        small, emitted, (stored_names, chunks, journal) = self.store.together(
            plain_value(here, state.NAME), hash_whole(here, rules.NAME), *lists
        )
        items = ItemNames()
        items.load(stored_names)
        counters = basket_journal.restored_counters(empty_counters(self.settings), chunks, journal)
        watermark = PartitionState.decode(small).watermark or 0
        return Counts(watermark, PartitionCounters(counters, items.names, items.ids), emitted)

    @cached_property
    def names(self) -> dict[str, SegmentName]:
        """The segments' names as they were last emitted, by id; partition 0 has them."""
        stored = SegmentEmitter()
        stored.load(self.store.hash_all(SEGMENTS))
        return stored.names()

    @cached_property
    def labels(self) -> dict[str, SegmentLabel]:
        """What somebody gave segments by hand, by id; partition 0 has them."""
        return decode_labels(dict(self.store.hash_all(segment_labels.NAME)))

    @cached_property
    def sample(self) -> list[tuple[bytes, bytes]]:
        """The customers of the partition's sample, with their hashes."""
        return list(self.store.hash_all(sample.NAME))

    @cached_property
    def transitions(self) -> list[Transition]:
        """The orders that the partition keeps with the next one of the same customer, in order."""
        every = (Transition.decode(raw) for _, raw in self.store.hash_all(transitions.NAME))
        return sorted(every, key=lambda one: one.number)

    @cached_property
    def last_orders(self) -> list[tuple[str, LastOrder]]:
        """The sampled customers and the last order of each, in order of their ids."""
        kept = sorted(self.store.hash_all(transitions.LAST_ORDERS))
        return [(customer.decode(), LastOrder.decode(raw)) for customer, raw in kept]

    @cached_property
    def rule_learning(self) -> RuleLearning:
        """What was learned about rules; that of nothing learned in all partitions but one."""
        return RuleLearning.decode(self.store.value(rules.LEARNING))

    @cached_property
    def orders(self) -> list[SampledOrder]:
        """The orders that the partition keeps."""
        return [SampledOrder.decode(raw) for _, raw in sorted(self.store.hash_all(sampled.NAME))]

    @cached_property
    def catalogue(self) -> dict[str, CatalogueEntry]:
        """What the shop says of its items, as far as this partition was given it."""
        found = CatalogueEntries()
        found.load(self.store.hash_all(catalogue.NAME))
        return found.entries

    def sampled(self, names: Sequence[str]) -> SampledHere:
        """Read some customers of the sample."""
        if not names:
            return SampledHere(self.codec.decode([]), [], [])
        here, fields = self.store.partition, [name.encode() for name in names]
        items, raw, (sayings, bought) = self.store.together(
            list_part(here, item_names.NAME, 0, -1),
            hash_fields(here, CUSTOMERS, fields),
            *(hash_whole(here, name) for name in (sampling.TRAITS, sampling.BOUGHT)),
        )
        traits = [Traits.decode(sayings.get(name), bought.get(name)) for name in fields]
        return SampledHere(self.codec.decode(raw), traits, [item.decode() for item in items])

    def traits(self) -> tuple[dict[bytes, bytes], dict[bytes, bytes]]:
        """Return attributes, contact reasons and feedback of sampled customers, and what they bought, by customer."""
        return dict(self.store.hash_all(sampling.TRAITS)), dict(self.store.hash_all(sampling.BOUGHT))

    def batches(self) -> Iterator[tuple[list[str], list[bytes], Records]]:
        """Yield all customers, some thousands at a time: ids, stored bytes, and records."""
        every = self.store.hash_all(CUSTOMERS)
        while some := list(islice(every, _BATCH)):
            raw = [value for _, value in some]
            yield [name.decode() for name, _ in some], raw, self.codec.decode(raw)

    def segment_ids(self, records: Records, labels: NDArray[np.uint8]) -> list[str | None]:
        """Return the segments that labels in some records stand for."""
        return segment_ids(records, labels, self.model, self.state)


def segment_ids(
    records: Records, labels: NDArray[np.uint8], model: Model | None, state: PartitionState
) -> list[str | None]:
    """Return the segment ids for the labels in some records, by the model and state read with them."""
    now = list(model.ids) if model else []
    current = records.scored_by(model.version if model else 0).tolist()
    ids_of = [now if same else state.previous_ids for same in current]
    return [ids[label] if label < len(ids) else None for label, ids in zip(labels.tolist(), ids_of, strict=True)]
