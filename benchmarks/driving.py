"""Logs that are at hand as columns, through the pipeline of one partition."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from crm_online.events.batch import Batch
from crm_online.events.columns import EventColumns
from crm_online.pipeline import PartitionPipeline
from crm_online.settings import Settings
from crm_online.step import Entry
from crm_online.store import Store

SOURCE = "made"


class Drive:
    """Drives one partition, and keeps the changes if asked to.

    Parameters
    ----------
    store, settings
        The state and the settings.
    keep
        Whether ``changes`` is filled.

    Attributes
    ----------
    changes
        The changes so far.
    visits
        How many entries of idle customers came due so far.
    """

    def __init__(self, store: Store, settings: Settings, *, keep: bool = False) -> None:
        self.pipeline = PartitionPipeline(store, settings, 0, 1)
        self.changes: list[Entry] = []
        self.visits = 0
        self._keep = keep

    @property
    def position(self) -> int:
        """Where the partition is in the log."""
        return self.pipeline.positions.get(SOURCE, 0)

    def step(self, events: EventColumns, *, ended: bool = False) -> None:
        """Take the next events of the log."""
        before = self.pipeline.engine.state.watermark
        latest = [] if before is None else [before]
        latest += [int(events.time.max())] if len(events) else []
        end, watermark = self.position + len(events), max(latest, default=None)
        batch = Batch(SOURCE, self.position, end, events, watermark=watermark, end_of_log=ended)
        self.visits += sum(count for _, count in self.pipeline.engine.plan_reads(batch).due)
        self.pipeline.run_step(batch)
        self.pipeline.publish(self._taken)

    def run(self, chunks: Iterable[EventColumns]) -> None:
        """Take chunk after chunk."""
        for events in chunks:
            self.step(events)

    def settle(self, *, ended: bool) -> None:
        """Do all that is left to do until more events come; ``ended``: none will."""
        if ended:
            self.step(EventColumns.empty(), ended=True)
        while not self.pipeline.engine.is_idle:
            self.step(EventColumns.empty())

    def _taken(self, partition: int, entries: Sequence[Entry]) -> None:
        if self._keep:
            self.changes += entries
