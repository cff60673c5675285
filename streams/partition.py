"""The state of one partition: records in, steps committed, changes for the publisher out.

Nothing here knows of a broker: the worker calls it in a thread, the driver of the tests directly.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from crm_online.engine.stages import Stage
from crm_online.events.batch import Batch
from crm_online.events.intake import Intake
from crm_online.events.slices import slices
from crm_online.events.times import to_iso
from crm_online.pipeline import PartitionPipeline
from crm_online.settings import Settings
from crm_online.step import Append, ChangeId, Drop, Entry, Put, Step, Write
from crm_online.store import log_gaps
from crm_online.store.keys import ENDS, FINGERPRINT
from crm_online.store.log_gaps import LogGap
from streams import unpacked
from streams.published import PublishedPosition
from streams.records import DecodedRecords, Record, decode
from streams.resume import LogFingerprint


@dataclass(slots=True)
class RecordBatch:
    """Records of one partition, as they follow on in its log.

    While it waits for its step, what is fetched meanwhile joins it: one larger step is less work than two small ones.

    Attributes
    ----------
    begin, end
        Where they begin in the log, and the offset after them; offsets between that no record has are not lost:
        see :mod:`streams.fetching`.
    records
        The records.
    lag
        How many records come after them in the log; 0 at its end.
    decoded
        What they hold, if that was looked at already.
    size
        Bytes that they take.
    """

    begin: int
    end: int
    records: Sequence[Record]
    lag: int
    decoded: DecodedRecords | None = None
    size: int = field(init=False)

    def __post_init__(self) -> None:
        """Add up its bytes."""
        self.size = sum(map(_size, self.records))

    def join(self, more: RecordBatch, most: int) -> bool:
        """Add the records that follow on, unless more than ``most``, or too many bytes, come of it; return whether."""
        if (
            more.begin != self.end
            or len(self.records) + len(more.records) > most
            or self.size + more.size > unpacked.BUDGET
        ):
            return False
        self.decoded, self.size = None, self.size + more.size
        self.records, self.end, self.lag = [*self.records, *more.records], more.end, more.lag
        return True


def _size(record: Record) -> int:
    headers = sum(len(name) + len(value or b"") for name, value in record.headers) if record.headers else 0
    return len(record.value or b"") + len(record.key or b"") + headers


class PartitionProcessor:
    """The state of one partition, and where it is in its log.

    Parameters
    ----------
    pipeline
        The claimed partition of the state.
    topic
        The events topic.
    settings
        The settings in force.
    clock
        Seconds that pass, for time in idle partitions.

    Attributes
    ----------
    fingerprint
        What the log is known by, see :mod:`streams.resume`.
    """

    def __init__(
        self, pipeline: PartitionPipeline, topic: str, settings: Settings, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.pipeline, self.number = pipeline, pipeline.partition
        self._topic, self._clock = topic, clock
        self._max_ahead, self._tick = settings.events.max_ahead, settings.kafka.tick
        self._intake = Intake.of(settings)
        self._end_reached: tuple[float, int] | None = None
        self._stepped = clock()
        self.fingerprint = LogFingerprint.decode(dict(pipeline.store.hash_all(FINGERPRINT)))

    @property
    def last_change(self) -> ChangeId:
        """The last change that the state knows of."""
        return self.pipeline.last_change

    @property
    def position(self) -> int | None:
        """Offset of the next record; ``None`` if no step was ever committed."""
        return self.pipeline.positions.get(self._topic)

    @property
    def is_idle(self) -> bool:
        """Whether nothing is left to do until more events come, or time goes on."""
        return self.pipeline.engine.is_idle

    @property
    def tick_is_due(self) -> bool:
        """Whether the log's end was reached, and nothing has come for long enough."""
        return self._end_reached is not None and self._clock() - self._stepped >= self._tick / 1000

    def resume(self, published: PublishedPosition) -> list[Entry]:
        """Go on after the changes that are published, and return those that are not.

        If more is published than the state knows of, it was put back in time since: a new epoch begins.

        Raises
        ------
        FenceError, StoreError
            See :meth:`PartitionPipeline.republish`.
        """
        last = published.last
        if published.divergence is not None:
            self.pipeline.republish(self._topic, published.divergence)
        elif last is not None and last.epoch == self.last_change.epoch:
            self.pipeline.mark_published(last.sequence)
        return [entry for entry in self.pipeline.take_outbox() if last is None or entry.id > last]

    def split(self, batch: RecordBatch) -> list[RecordBatch]:
        """Return a batch in parts, in each of which event time goes on by little; as a rule there is one.

        Before each part, what is due by its time is done: see :meth:`is_due_before`.
        """
        cuts = list(slices(self._decoded(batch), self.pipeline.watermark, self._bucket))
        if len(cuts) == 1:
            return [batch]
        parts = []
        for cut in cuts:
            records = [record for record in batch.records if cut.begin <= record.offset < cut.end]
            after = sum(record.offset >= cut.end for record in batch.records)
            parts.append(RecordBatch(cut.begin, cut.end, records, after + batch.lag))
        return parts

    def is_due_before(self, part: RecordBatch) -> bool:
        """Whether something is due before the time of a part: it is to be done first."""
        now, latest = self.pipeline.watermark, self._decoded(part).watermark
        return (
            not self.is_idle
            and None not in (now, latest)
            and (latest or 0) // self._bucket > (now or 0) // self._bucket
        )

    def step(self, batch: RecordBatch) -> Step:
        """Commit a batch.

        Raises
        ------
        FenceError, StoreError
            See :meth:`PartitionPipeline.run_step`.
        """
        found = self._decoded(batch)
        if found.refit:
            self.pipeline.engine.request_refit()
        fingerprint, write = self.fingerprint.extend(batch.records)
        step = self.pipeline.run_step(found, [write, _end(self._topic, batch.end + batch.lag)])
        self.fingerprint = fingerprint
        self._end_reached = None
        if batch.lag == 0:
            self.reach_end()
        self._stepped = self._clock()
        return step

    @property
    def _bucket(self) -> int:
        return self.pipeline.engine.bucket_ms

    def _decoded(self, batch: RecordBatch) -> DecodedRecords:
        """Return what the records of a batch hold, with the watermark of the partition after them."""
        if batch.decoded is None:
            with self.pipeline.stages.measure(Stage.DECODE):
                batch.decoded = decode(batch.records, self._topic, self.number, self._max_ahead, self._intake)
        marks = [mark for mark in (batch.decoded.watermark, self.pipeline.watermark) if mark is not None]
        return replace(batch.decoded, begin=batch.begin, end=batch.end, watermark=max(marks, default=None))

    def tick(self) -> Step:
        """Commit a step without records: it does pending work and, at the log's end, advances time.

        Raises
        ------
        FenceError, StoreError
            See :meth:`PartitionPipeline.run_step`.
        """
        step = self._commit_empty(self.position or 0)
        self._stepped = self._clock()
        return step

    def reach_end(self) -> None:
        """Note that the log holds nothing more: from now on, time goes on with the clock."""
        watermark = self.pipeline.watermark
        if self._end_reached is None and watermark is not None:
            self._end_reached = (self._clock(), watermark)

    def skip(self, to: int, why: str) -> Step:
        """Read on elsewhere in the log, which is not there as it was; that, and why, is written into the state."""
        gap = LogGap(self._topic, self.position or 0, to, why, to_iso(int(time.time() * 1000)))
        step = self._commit_empty(to, Append(log_gaps.NAME, [gap.encode()]), Drop(FINGERPRINT))
        self.fingerprint = LogFingerprint()
        return step

    def _commit_empty(self, end: int, *writes: Write) -> Step:
        watermark = self.pipeline.watermark
        if watermark is not None and self._end_reached is not None:
            began, then = self._end_reached
            watermark = max(watermark, then + int((self._clock() - began) * 1000))
        if self._end_reached is not None:
            writes = (*writes, _end(self._topic, end))
        return self.pipeline.run_step(replace(Batch.empty(self._topic, self.position or 0, watermark), end=end), writes)


def _end(topic: str, end: int) -> Put:
    """Return the write that tells readers of the state where the log ended, as of the last fetch."""
    return Put(ENDS, {topic.encode(): b"%d" % end})
