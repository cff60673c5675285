"""One partition that this worker holds: records in, steps committed, changes for the publisher out.

Nothing here knows of a broker: the worker calls it in a thread, the topology driver directly.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from crm_online import gaps
from crm_online.events.columns import EventColumns
from crm_online.events.slices import slices
from crm_online.events.times import to_iso
from crm_online.flow import PartitionFlow
from crm_online.gaps import LogGap
from crm_online.settings import Settings
from crm_online.step import Append, ChangeId, Drop, Entry, Put, Step, Write
from crm_online.store.keys import ENDS
from streams.published import PublishedPosition
from streams.records import DecodedRecords, Record, decode
from streams.resume import FINGERPRINT, LogFingerprint


@dataclass(slots=True)
class Batch:
    """Records of one partition, as they follow on in its log.

    While it waits for its step, what is fetched meanwhile joins it: one larger step is less work than two small ones.

    Attributes
    ----------
    partition
        Number of the partition.
    claim
        Which claim of the partition they were fetched under; those of an earlier one are dropped.
    begin, end
        Where they begin in the log, and the offset behind them; offsets between that no record has are not lost:
        see ``streams.fetching``.
    records
        The records.
    lag
        How many records are behind them in the log; 0 at its end.
    found
        What they hold, if that was looked at already.
    """

    partition: int
    claim: int
    begin: int
    end: int
    records: Sequence[Record]
    lag: int
    found: DecodedRecords | None = None

    def join(self, more: Batch, most: int) -> bool:
        """Take the records that follow on too, if that makes no more than ``most``; return whether they were taken."""
        if more.claim != self.claim or more.begin != self.end or len(self.records) + len(more.records) > most:
            return False
        self.found = None
        self.records, self.end, self.lag = [*self.records, *more.records], more.end, more.lag
        return True


@dataclass(frozen=True, slots=True)
class Quiet:
    """Nothing came for a partition: time goes on, or work is left over."""

    partition: int
    claim: int


class PartitionProcessor:
    """The state of one partition, and where it is in its log.

    Parameters
    ----------
    flow
        The claimed partition of the state.
    topic
        The events topic.
    settings
        The settings in force.
    clock
        Seconds that pass, for time in quiet partitions.

    Attributes
    ----------
    fingerprint
        What the log is known by, see :mod:`streams.resume`.
    """

    def __init__(
        self, flow: PartitionFlow, topic: str, settings: Settings, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.flow, self.number = flow, flow.partition
        self._topic, self._clock = topic, clock
        self._max_ahead, self._tick = settings.events.max_ahead, settings.kafka.tick
        self._end_reached: tuple[float, int] | None = None
        self._stepped = clock()
        self.fingerprint = LogFingerprint.decode(dict(flow.store.hash_all(FINGERPRINT)))

    @property
    def known(self) -> ChangeId:
        """The last change that the state knows of."""
        state = self.flow.engine.state
        return ChangeId(self.number, state.epoch, state.sequence)

    @property
    def position(self) -> int | None:
        """Offset of the next record; ``None`` if no step was ever committed."""
        return self.flow.positions.get(self._topic)

    @property
    def settled(self) -> bool:
        """Whether nothing is left to do until more events come, or time goes on."""
        return self.flow.engine.settled

    @property
    def tick_is_due(self) -> bool:
        """Whether the log's end was reached, and nothing has come for long enough."""
        return self._end_reached is not None and self._clock() - self._stepped >= self._tick / 1000

    def resume(self, told: PublishedPosition) -> list[Entry]:
        """Go on behind what consumers were told, and return the changes that they were not.

        If they were told more than the state knows of, it was put back in time since: a new epoch begins.

        Raises
        ------
        FenceError, StoreError
            See :meth:`PartitionFlow.retell`.
        """
        if told.heard is not None:
            self.flow.retell(self._topic, told.heard)
        elif told.last is not None and told.last.epoch == self.known.epoch:
            self.flow.published(told.last.sequence)
        last = told.last
        return [entry for entry in self.flow.take() if last is None or entry.id > last]

    def parts(self, batch: Batch) -> list[Batch]:
        """Return a batch in parts in which event time goes on little; one part, as a rule.

        Between them, what is due by then is to be done first: see :meth:`goes_on`.
        """
        batch.found = self._decoded(batch)
        before, span = self.flow.engine.state.watermark, self.flow.engine.segmenting.due.bucket_ms
        latest = max((mark for mark in (batch.found.latest, before) if mark is not None), default=None)
        cuts = list(slices(batch.found.events, batch.begin, batch.end, before, latest, span))
        if len(cuts) == 1:
            return [batch]
        parts = []
        for cut in cuts:
            records = [record for record in batch.records if cut.begin <= record.offset < cut.end]
            behind = sum(record.offset >= cut.end for record in batch.records)
            parts.append(Batch(batch.partition, batch.claim, cut.begin, cut.end, records, behind + batch.lag))
        return parts

    def goes_on(self, part: Batch) -> bool:
        """Whether time goes on in a part while something is due: that is to be done first."""
        now, span = self.flow.engine.state.watermark, self.flow.engine.segmenting.due.bucket_ms
        part.found = self._decoded(part)
        latest = part.found.latest
        return not self.settled and None not in (now, latest) and (latest or 0) // span > (now or 0) // span

    def take(self, batch: Batch) -> Step:
        """Commit a batch.

        Raises
        ------
        FenceError, StoreError
            See :meth:`PartitionFlow.step`.
        """
        found = self._decoded(batch)
        if found.refit:
            self.flow.engine.state.fit.due = self.number == 0
        watermark = self.flow.engine.state.watermark
        latest = watermark if found.latest is None else max(found.latest, watermark or found.latest)
        fingerprint, write = self.fingerprint.extend(batch.records)
        step = self.flow.step(
            self._topic,
            self.position or 0,
            batch.end,
            found.events,
            found.rejects,
            latest,
            unknown_fields=found.unknown_fields,
            first=batch.begin,
            beside=[write, _end(self._topic, batch.end + batch.lag)],
        )
        self.fingerprint = fingerprint
        self._end_reached = None
        if batch.lag == 0:
            self.reach_end()
        self._stepped = self._clock()
        return step

    def _decoded(self, batch: Batch) -> DecodedRecords:
        return batch.found or decode(batch.records, self._topic, self.number, self._max_ahead)

    def tick(self) -> Step:
        """Commit a step without records: time goes on if the log's end was reached, and left over work is done.

        Raises
        ------
        FenceError, StoreError
            See :meth:`PartitionFlow.step`.
        """
        step = self._idle(self.position or 0)
        self._stepped = self._clock()
        return step

    def reach_end(self) -> None:
        """Note that the log holds nothing more: from now on, time goes on with the clock."""
        watermark = self.flow.engine.state.watermark
        if self._end_reached is None and watermark is not None:
            self._end_reached = (self._clock(), watermark)

    def skip(self, to: int, why: str) -> Step:
        """Read on elsewhere in the log, which is not there as it was; that, and why, is written into the state."""
        gap = LogGap(self._topic, self.position or 0, to, why, to_iso(int(time.time() * 1000)))
        step = self._idle(to, Append(gaps.NAME, [gap.encode()]), Drop(FINGERPRINT))
        self.fingerprint = LogFingerprint()
        return step

    def _idle(self, end: int, *beside: Write) -> Step:
        watermark = self.flow.engine.state.watermark
        if watermark is not None and self._end_reached is not None:
            began, then = self._end_reached
            watermark = max(watermark, then + int((self._clock() - began) * 1000))
        position = self.position or 0
        if self._end_reached is not None:
            beside = (*beside, _end(self._topic, end))
        return self.flow.step(self._topic, position, end, EventColumns.empty(), (), watermark, beside=beside)


def _end(topic: str, end: int) -> Put:
    """Return the write that tells readers of the state where the log ended, as of the last fetch."""
    return Put(ENDS, {topic.encode(): b"%d" % end})
