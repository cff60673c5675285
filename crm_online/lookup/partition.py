"""One partition as it stands in the store."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from crm_online.customers.records import Records
from crm_online.engine import counting, sampling
from crm_online.engine.engine import CUSTOMERS, layout
from crm_online.engine.loaded import Loaded
from crm_online.engine.mining import empty_counters
from crm_online.engine.peers import PartitionSums
from crm_online.engine.state import PartitionState
from crm_online.flow import load
from crm_online.itemsets.counters import ItemsetCounters
from crm_online.itemsets.names import ItemNames
from crm_online.itemsets.parts import Counted
from crm_online.segments.model import Model
from crm_online.settings import Settings
from crm_online.store import PartitionStore

_BATCH = 5000


class PartitionView:
    """A partition, read at one position.

    Parameters
    ----------
    store
        Where it stands.
    settings
        The settings that shaped it.
    """

    def __init__(self, store: PartitionStore, settings: Settings) -> None:
        self.store, self.settings = store, settings
        self.codec, self.reader = layout(settings)
        self.loaded: Loaded = store.consistent_read(partial(load, traits=False))
        self.state = PartitionState.decode(self.loaded.engine) if self.loaded.engine else PartitionState()
        self.model = Model.from_json(self.loaded.model) if self.loaded.model else None
        self.sums = PartitionSums.decode(self.loaded.sums) if self.loaded.sums else None

    def counters(self) -> ItemsetCounters:
        """Return the counters: the checkpoint, and what was counted since."""
        return counting.counted(empty_counters(self.settings), self.loaded.counters, self.loaded.journal)

    def counted(self) -> Counted:
        """Return the counters with the names of the items."""
        items = ItemNames()
        items.load(self.loaded.items)
        return Counted(self.counters(), items.names, items.ids)

    def item(self, number: int) -> str:
        """Return the name of an item by its number."""
        return self.loaded.items[number].decode()

    def traits(self) -> tuple[dict[bytes, bytes], dict[bytes, bytes]]:
        """Return what the sampled customers said, and what they bought, by customer."""
        return dict(self.store.hash_all(sampling.SAID)), dict(self.store.hash_all(sampling.BOUGHT))

    def batches(self) -> Iterator[tuple[list[str], list[bytes], Records]]:
        """Yield all customers, some thousands at a time: ids, stored bytes, and records."""
        every = self.store.hash_all(CUSTOMERS)
        while some := list(islice(every, _BATCH)):
            raw = [value for _, value in some]
            yield [name.decode() for name, _ in some], raw, self.codec.decode(raw)

    def customer(self, name: str) -> Records | None:
        """Return one customer's record, or ``None``."""
        raw = self.store.hash_get(CUSTOMERS, [name.encode()])
        return self.codec.decode(raw) if raw[0] is not None else None

    def segment_ids(self, records: Records, labels: NDArray[np.uint8]) -> list[str | None]:
        """Return the segments that labels in some records stand for."""
        now = list(self.model.ids) if self.model else []
        current = records.scored_by(self.model.version if self.model else 0).tolist()
        ids_of = [now if same else self.state.previous_ids for same in current]
        return [ids[label] if label < len(ids) else None for label, ids in zip(labels.tolist(), ids_of, strict=True)]
