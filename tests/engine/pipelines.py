"""Steps through partitions on a real embedded Redis, one at a time, so that a test can look between them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from crm_online.engine.engine import CUSTOMERS
from crm_online.events import models
from crm_online.events.batch import Batch
from crm_online.events.rejects import RejectedRow
from crm_online.lookup import Lookup
from crm_online.lookup.partition import PartitionView
from crm_online.pipeline import PartitionGroup, PartitionPipeline
from crm_online.settings import Settings
from crm_online.settings.model import (
    FeatureSettings,
    ItemsetSettings,
    PredictionSettings,
    ReplaySettings,
    RuleSettings,
    SegmentSettings,
)
from crm_online.step import Entry, Topic
from crm_online.store import Store
from tests.engine import shop
from tests.servers.embedded import contents, emptied

LOG = "made"


def settings(
    *,
    k: int | str = 4,
    min_customers: int = 40,
    partitions: int = 1,
    half_life: int | None = 30 * shop.DAY,
    horizon: int = 40 * shop.DAY,
    itemsets: dict[str, Any] | None = None,
    **segments: Any,
) -> Settings:
    """Return settings for small logs."""
    return Settings(
        features=FeatureSettings(half_life=half_life),
        segments=SegmentSettings(**{"k": k, "min_customers": min_customers, "starts": 2, **segments}),
        itemsets=ItemsetSettings(**{"min_support": 0.05, **(itemsets or {})}),
        rules=RuleSettings(every=200),
        predictions=PredictionSettings(horizon=horizon),
        replay=ReplaySettings(partitions=partitions),
    )


@dataclass
class Shop:
    """A log on its way through all partitions of an empty store.

    Attributes
    ----------
    entries
        What was published, in the order in which it was.
    """

    store: Store
    settings: Settings
    entries: list[Entry] = field(default_factory=list)
    position: int = 0
    watermark: int | None = None
    _published: dict[int, list[Entry]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        emptied(self.store).initialise(
            self.settings.replay.partitions, json.dumps(self.settings.shaping(), sort_keys=True), repeatable=True
        )
        self.claim()

    def claim(self) -> None:
        """Take all partitions over anew: nothing in memory is left of what was."""
        number = self.settings.replay.partitions
        self.group = PartitionGroup.claim(
            self.store, self.settings, number, lambda pipeline: pipeline.publish(self._take)
        )

    @property
    def pipelines(self) -> list[PartitionPipeline]:
        """Return the partitions."""
        return self.group.pipelines

    def step(
        self,
        events: Sequence[models.Event],
        rejects: Sequence[RejectedRow] = (),
        look: Callable[[], None] | None = None,
    ) -> None:
        """Run some records through every partition, as a replay does; look after each partition."""
        columns, begin = shop.columns(events, self.position), self.position
        self.position += len(events) + len(rejects)
        self.watermark = max([*([] if self.watermark is None else [self.watermark]), *columns.time.tolist()])
        batch = Batch(LOG, begin, self.position, columns, rejects, self.watermark)
        for pipeline, part in zip(self.pipelines, batch.split(len(self.pipelines)), strict=True):
            self.group.run(pipeline, part)
            if look:
                look()

    def run(self, log: Sequence[models.Event], size: int = 200) -> Iterator[int]:
        """Run a log in steps; yields after each with its number."""
        for number, begin in enumerate(range(0, len(log), size)):
            self.step(log[begin : begin + size])
            yield number

    def all(self, log: Sequence[models.Event], size: int = 200) -> Shop:
        """Run a log to its end."""
        for _ in self.run(log, size):
            pass
        self.end()
        return self

    def tick(self, pipeline: PartitionPipeline) -> None:
        """Run a step without records."""
        self.group.tick(pipeline, LOG, self.watermark)

    def end(self) -> None:
        """Drain every partition at the log's end."""
        self.group.end_log(LOG)

    def drain(self) -> None:
        """Do what is due by now, as a replay does before time goes on."""
        self.group.drain(LOG)

    @property
    def views(self) -> list[PartitionView]:
        """The partitions as look-ups read them now."""
        return [PartitionView(pipeline.store, self.settings) for pipeline in self.pipelines]

    @property
    def lookup(self) -> Lookup:
        """The state as look-ups read it now."""
        return Lookup(self.store)

    def verified(self) -> dict[str, Any]:
        """Return what verify says, which must be that all is well."""
        found: dict[str, Any] = self.lookup.verify()
        assert found["ok"], found["differences"]
        return found

    def moves(self) -> list[dict[str, Any]]:
        """Return the moves told so far."""
        return [json.loads(entry.value) for entry in self.entries if entry.topic is Topic.SEGMENT_CHANGES]

    def record(self, customer: str) -> bytes | None:
        """Return the stored record of a customer of a state with one partition."""
        return self.pipelines[0].store.hash_get(CUSTOMERS, [customer.encode()])[0]

    def contents(self) -> dict[bytes, bytes]:
        """Return every key in Redis with all that is in it."""
        return contents(self.store)

    def _take(self, partition: int, entries: Sequence[Entry]) -> None:
        """Keep what is new: what was published before a claim is handed out again after it, as it was."""
        mine = self._published.setdefault(partition, [])
        for entry in entries:
            if entry.sequence <= len(mine):
                assert entry == mine[entry.sequence - 1]
                continue
            assert entry.sequence == len(mine) + 1
            mine.append(entry)
            self.entries.append(entry)
