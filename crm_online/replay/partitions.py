"""All partitions of a replay, in a fixed order: a chunk of a log goes through them as its time goes by."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from crm_online.events.columns import EventColumns, partition_of
from crm_online.events.log import Before, Chunk
from crm_online.events.rejects import RejectedRow
from crm_online.events.slices import Slice, slices
from crm_online.events.source import Source
from crm_online.flow import PartitionFlow
from crm_online.step import Entry, Put, Remove, Write

LOGS = "logs"
BEGUN = "begun"
"""The chunk of each log of which only a part is committed: its first row, and the watermark before it."""


@dataclass(frozen=True, slots=True)
class Begun:
    """Where reading goes on: the first row of a chunk, and how time stood before it."""

    row: int
    before: Before


@dataclass(frozen=True, slots=True)
class Partitions:
    """The partitions of a replay.

    Parameters
    ----------
    flows
        The claimed partitions, in order; the first one owns the model.
    write
        Takes what is published.
    """

    flows: Sequence[PartitionFlow]
    write: Callable[[int, Sequence[Entry]], None]

    def reached(self, source: Source) -> list[int]:
        """Return the position of each partition in a log."""
        return [flow.positions.get(source.id, 0) for flow in self.flows]

    def resume(self, source: Source) -> Begun:
        """Do what a killed replay left undone behind its last row, and return where reading goes on.

        A chunk of which a part is committed is read again from its beginning: what is judged by the whole chunk is
        judged the same then, and what is committed is not done again.
        """
        reached = self.reached(source)
        least = min(reached)
        if least == max(reached):
            self.rest(source, least)
        behind = self.flows[reached.index(least)]
        noted = behind.store.hash_get(BEGUN, [source.id.encode()])[0]
        state = behind.engine.state
        row, watermark = json.loads(noted) if noted else (least, state.watermark)
        return Begun(row, Before(watermark, state.pauses))

    def take(self, chunk: Chunk, rejects: Sequence[RejectedRow], notes: Sequence[Write]) -> None:
        """Live through a chunk: its rows in slices of event time, and after each what is due by then.

        Parameters
        ----------
        chunk
            The chunk; what is committed of it already is left out.
        rejects
            Those to tell: the first partition does, with the last slice.
        notes
            What the first partition writes with them.
        """
        number, source = len(self.flows), chunk.source
        where = partition_of(chunk.events, number) if number > 1 else np.zeros(len(chunk.events), np.int64)
        for part in self._slices(chunk):
            inside = np.arange(part.events.start, part.events.stop)
            for flow in self.flows:
                leads, last = flow.partition == 0, part.end == chunk.end
                done = flow.positions.get(source.id, 0) >= part.end
                if done and not (leads and chunk.begin == chunk.end and rejects):
                    continue
                mine = inside[where[inside] == flow.partition]
                flow.step(
                    source.id,
                    part.begin,
                    part.end,
                    chunk.events if len(mine) == len(chunk.events) else chunk.events.select(mine),
                    rejects if leads and last else (),
                    part.watermark,
                    pauses=chunk.pauses if last else chunk.before.pauses,
                    unknown_fields=sum(chunk.unknown_fields.values()) if leads and last else 0,
                    beside=[*(notes if leads and last else ()), *_notes(chunk, part, leads=leads)],
                )
                flow.publish(self.write)
            if min(self.reached(source)) >= part.end:
                self.rest(source, part.end)

    def rest(self, source: Source, end: int) -> None:
        """Take steps without records until nothing is due: a bound on a step's work means more steps, not later work.

        Each partition is brought to rest before the next, so that a resumed replay takes the same steps.
        """
        owner = self.flows[0].engine.segmenting
        for flow in self.flows:
            while not flow.engine.settled or flow.engine.segmenting.version < owner.version:
                self.tick(flow, source, end)

    def tick(self, flow: PartitionFlow, source: Source, end: int, *, ended: bool = False) -> None:
        """Take a step without records; ``ended``: at the log's end."""
        state = flow.engine.state
        flow.step(source.id, end, end, EventColumns.empty(), (), state.watermark, ended=ended)
        flow.publish(self.write)

    def _slices(self, chunk: Chunk) -> Iterator[Slice]:
        span = self.flows[0].engine.segmenting.due.bucket_ms
        before, after = chunk.before.watermark, chunk.watermark
        return slices(chunk.events, chunk.begin, chunk.end, before, after, span, self.reached(chunk.source))


def _notes(chunk: Chunk, part: Slice, *, leads: bool) -> Iterator[Write]:
    """Yield what tells which chunk a slice is of, until its last slice is committed, and which log the first is of."""
    source = chunk.source.id.encode()
    if leads and part.begin == 0:
        yield Put(LOGS, {source: json.dumps(asdict(chunk.source)).encode()})
    if part.end < chunk.end:
        yield Put(BEGUN, {source: json.dumps([chunk.begin, chunk.before.watermark]).encode()})
    elif part.begin > chunk.begin:
        yield Remove(BEGUN, [source])
