"""All partitions of a replay, in a fixed order: a chunk of a log goes through them as its time goes by."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from crm_online.events.batch import Batch
from crm_online.events.log import Chunk, EventClock
from crm_online.events.slices import slices
from crm_online.events.source import Source
from crm_online.pipeline import PartitionGroup
from crm_online.step import Put, Remove, Write

SOURCES = "logs"
PARTIAL_CHUNK = "begun"
"""Name of the key: of each log the chunk of which a part is committed, by first row and watermark before it."""


@dataclass(frozen=True, slots=True)
class ResumePosition:
    """Where reading goes on: the first row of a chunk, and the clock before it."""

    row: int
    before: EventClock


class ReplayPartitions(PartitionGroup):
    """The partitions of a replay."""

    def resume(self, source: Source) -> ResumePosition:
        """Do what a killed replay left undone after its last row, and return where reading goes on.

        A chunk of which a part is committed is read again from its beginning: what is judged by the whole chunk is
        judged the same then, and what is committed is not done again.
        """
        positions = self.positions(source.id)
        least = min(positions)
        if least == max(positions):
            self.drain(source.id)
        last = self.pipelines[positions.index(least)]
        noted = last.store.hash_get(PARTIAL_CHUNK, [source.id.encode()])[0]
        row, watermark = json.loads(noted) if noted else (least, last.watermark)
        return ResumePosition(row, EventClock(watermark, last.engine.state.pauses))

    def replay(self, chunk: Chunk, source: Source, notes: Sequence[Write] = ()) -> None:
        """Replay a chunk: its rows in slices of event time, and after each what is due by then.

        Parameters
        ----------
        chunk, source
            The chunk, and its log; what is committed of it already is left out.
        notes
            What the first partition writes with the last slice.
        """
        bucket = self.pipelines[0].engine.bucket_ms
        for part in slices(chunk, chunk.before.watermark, bucket, self.positions(source.id)):
            always = list(_progress(chunk, part, source))
            first = [*(notes if part.end == chunk.end else ()), *_log(part, source), *always]
            self.run_all(part, {0: first}, always)
            # A replay that was killed between two partitions goes through slices again that one of them is beyond: what
            # is due in it waits until the others are there too, as in a run that nothing disturbed.
            if set(self.positions(source.id)) == {part.end}:
                self.drain(source.id)


def _log(part: Batch, source: Source) -> Iterator[Write]:
    """Yield what identifies the log of the source, with its first rows."""
    if part.begin == 0:
        yield Put(SOURCES, {source.id.encode(): json.dumps(asdict(source)).encode()})


def _progress(chunk: Chunk, part: Batch, source: Source) -> Iterator[Write]:
    """Yield what identifies the chunk of a slice, until its last slice is committed."""
    name = source.id.encode()
    if part.end < chunk.end:
        yield Put(PARTIAL_CHUNK, {name: json.dumps([chunk.begin, chunk.before.watermark]).encode()})
    elif part.begin > chunk.begin:
        yield Remove(PARTIAL_CHUNK, [name])
