"""One claimed partition: what a step needs is read, the step is computed and committed, its changes are handed over."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from secrets import token_hex

from crm_online.engine.divergence import Divergence
from crm_online.engine.engine import CUSTOMERS, Engine
from crm_online.engine.stages import Stage, StageClock
from crm_online.errors import FenceError, StoreUnavailable
from crm_online.events.batch import Batch
from crm_online.pipeline.reads import StepReader, load
from crm_online.settings import Settings
from crm_online.step import Assign, ChangeId, Entry, Replace, Step, Topic, Write
from crm_online.store import PartitionStore, Store
from crm_online.store.entries import OF_CUSTOMERS, RejectSearch, blank, decode, encode
from crm_online.store.keys import CHANGES, ERASED

_CHANGES_CHUNK = 5000


class PartitionPipeline:
    """One claimed partition.

    Parameters
    ----------
    store
        The store.
    settings
        The settings in force.
    partition, partitions
        Which partition this is, of how many.
    stages
        Measures the stages of its steps; it has a clock of its own, if none is given.

    Attributes
    ----------
    positions
        The next position of each source.
    commit_seconds
        How long the last commit took.
    has_erased
        Whether a step erased customers since the partition was claimed, by an event or as they were idle.

    Raises
    ------
    StoreError
        If the store cannot be read.
    """

    def __init__(
        self, store: Store, settings: Settings, partition: int, partitions: int, stages: StageClock | None = None
    ) -> None:
        self.partition = partition
        self.store = store.partition(partition)
        self.positions = self.store.claim(token_hex(4))
        with self._refuse_mixed_reads():
            loaded = load(self.store)
            self.engine = Engine(settings, partition, partitions, loaded, stages)
            self._outbox = self.store.outbox()
        self.store.refuse_if_moved()
        self.stages = self.engine.stages
        self._others = [store.partition(number) for number in range(partitions) if number != partition]
        self._reader = StepReader(store, partition, partitions, settings.segments.sample, loaded.sampling_key)
        self.commit_seconds = 0.0
        self.has_erased = False
        self._published = 0
        self._keep = settings.changes.keep

    @property
    def watermark(self) -> int | None:
        """The largest event time of the log so far, in ms; ``None`` before the first event."""
        return self.engine.state.watermark

    @property
    def last_change(self) -> ChangeId:
        """The last change that the state knows of."""
        return ChangeId(self.partition, self.engine.state.epoch, self.engine.state.sequence)

    def position(self, source: str) -> int:
        """Return the next position of a source."""
        return self.positions.get(source, 0)

    def run_step(self, batch: Batch, writes: Sequence[Write] = ()) -> Step:
        """Run a batch of this partition, and commit it together with ``writes``.

        Raises
        ------
        FenceError
            If the partition is not ours any more, or the store is not where we left it. The pipeline
            must be thrown away, and the partition claimed again.
        StoreError
            If the store cannot be read or written; the same holds.
        """
        with self._refuse_mixed_reads():
            with self.stages.measure(Stage.FETCH):
                plan = self.engine.plan_reads(batch)
                read = self._reader.read(plan, batch.events)
            if plan.erased:
                batch = _without_rows_of(batch, plan.erased)
            step = self.engine.compute_step(batch, plan, read)
        blanks = self._blanks(plan.erased)
        # Before the commit: a step that is taken again after a crash finds what is left.
        self._blank_elsewhere(plan.erased)
        committed = self._commit(step, [*blanks, *writes])
        self.has_erased = self.has_erased or bool(plan.erased)
        return committed

    def republish(self, source: str, divergence: Divergence) -> Step:
        """Begin a new epoch: consumers have changes that this state, put back in time, knows nothing of.

        Where these differ from the state, changes are published that set them right. The outbox goes: whatever is in it
        was published already, or is made up for by this step.

        Raises
        ------
        FenceError, StoreError
            As for :meth:`run_step`.
        """
        # In the same epoch more was published than the state holds, so all of the outbox too.
        if divergence.epoch > self.engine.state.epoch:
            divergence = divergence.extend(self._outbox)
        found = self.store.hash_get(CUSTOMERS, [name.encode() for name in divergence.names])
        records = dict(zip(divergence.names, found, strict=True))
        before = self.engine.state.sequence
        step = self.engine.republish(source, self.position(source), divergence, records)
        self._outbox, self._published = [], before
        return self._commit(step)

    def reset(self, step: Step) -> None:
        """Commit a step that leaves nothing of what is here in memory: claim the partition again.

        Raises
        ------
        FenceError, StoreError
            As for :meth:`run_step`.
        """
        self._commit(step)

    def publish(self, write: Callable[[int, Sequence[Entry]], None]) -> None:
        """Hand the outbox to ``write``, and take what it was given for published."""
        entries = self.take_outbox()
        if entries:
            write(self.partition, entries)
            self.mark_published(entries[-1].sequence)

    def take_outbox(self) -> list[Entry]:
        """Return the entries of the outbox that were not returned before, in order."""
        entries, self._outbox = self._outbox, []
        return entries

    def mark_published(self, sequence: int) -> None:
        """Note that all entries up to ``sequence`` were published: the next commit drops them from the outbox."""
        self._published = max(self._published, sequence)

    def holds_claim(self) -> bool:
        """Ask the store whether the partition is still ours.

        Raises
        ------
        StoreError
            If it cannot be asked.
        """
        return self.store.holds_claim()

    def close(self) -> None:
        """Trim what was published since the last commit."""
        if self._published:
            self.store.trim(self._published)

    @contextmanager
    def _refuse_mixed_reads(self) -> Iterator[None]:
        """At an error, check whether all reads saw one state: they need not if Redis was restored in between.

        What that leads to is no bug, and no corrupt state: the partition is to be claimed again. Without an error the
        commit's own fences say so.
        """
        try:
            yield
        except (FenceError, StoreUnavailable):
            raise
        except Exception:
            self.store.refuse_if_moved()
            raise

    def _commit(self, step: Step, writes: Sequence[Write] = ()) -> Step:
        """Commit the engine's step with further writes and with what only the pipeline knows; return the whole step."""
        step = replace(
            step,
            begin=self.position(step.source),
            writes=[*step.writes, *writes],
            published=self._published,
            keep=self._keep,
        )
        began = time.perf_counter()
        with self.stages.measure(Stage.COMMIT):
            self.store.commit(step)
        self.commit_seconds = time.perf_counter() - began
        self.positions[step.source] = step.end
        self._outbox += step.entries
        return step

    def _blanks(self, erased: Sequence[str]) -> list[Write]:
        """Blank the kept changes of erased customers, except their tombstones, and the rejects that name them.

        It is noted that files may have them still.
        """
        if not erased:
            return []
        names = set(erased)
        found = [
            Assign(CHANGES[topic], index, encode(blank(change)))
            for topic in sorted(OF_CUSTOMERS)
            for index, change in enumerate(self._kept(self.store, topic))
            if change.key in names and not change.tombstone
        ]
        rejects = self._rejects_of(self.store, erased)
        found += [Assign(CHANGES[Topic.REJECTS], index, encode(blank(reject))) for index, reject in rejects]
        return [*found, Replace(ERASED, b"1")]

    def _blank_elsewhere(self, erased: Sequence[str]) -> None:
        """Blank rejects of other partitions that name erased customers: a rejected row may be in any partition."""
        for other in self._others if erased else ():
            found = self._rejects_of(other, erased)
            other.exchange_rejects((encode(reject), encode(blank(reject))) for _, reject in found)

    def _rejects_of(self, store: PartitionStore, customers: Sequence[str]) -> list[tuple[int, Entry]]:
        """Return the rejects that a partition keeps and that name customers, with their indexes."""
        search = RejectSearch(customers)
        kept = enumerate(self._kept(store, Topic.REJECTS))
        return [(index, reject) for index, reject in kept if not reject.tombstone and search.matches(reject.value)]

    def _kept(self, store: PartitionStore, topic: Topic) -> Iterator[Entry]:
        return (decode(data, store.partition) for data in store.list_all(CHANGES[topic], _CHANGES_CHUNK))


def _without_rows_of(batch: Batch, customers: Sequence[str]) -> Batch:
    """Return a batch with the raw rows removed of rejects that name one of these customers."""
    search = RejectSearch(customers)
    rejects = [replace(reject, raw="") if search.is_in(reject.raw) else reject for reject in batch.rejects]
    return replace(batch, rejects=rejects)
