"""All partitions of a replay, in a fixed order: a chunk of a log goes through them as its time goes by."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass

from crm_online.events.batch import Batch
from crm_online.events.log import Before, Chunk
from crm_online.events.slices import slices
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
        return [flow.position(source.id) for flow in self.flows]

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

    def take(self, chunk: Chunk, source: Source, notes: Sequence[Write]) -> None:
        """Live through a chunk: its rows in slices of event time, and after each what is due by then.

        Parameters
        ----------
        chunk, source
            The chunk, and its log; what is committed of it already is left out.
        notes
            What the first partition writes with the last slice.
        """
        span = self.flows[0].engine.segmenting.due.bucket_ms
        for part in slices(chunk, chunk.before.watermark, span, self.reached(source)):
            for flow, mine in zip(self.flows, part.split(len(self.flows)), strict=True):
                if flow.position(source.id) >= mine.end and not (mine.begin == mine.end and mine.rejects):
                    continue
                leads = flow.partition == 0
                last = notes if leads and part.end == chunk.end else ()
                flow.step(mine, [*last, *_notes(chunk, part, source, leads=leads)])
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
        flow.step(Batch.empty(source.id, end, flow.engine.state.watermark, end_of_log=ended))
        flow.publish(self.write)


def _notes(chunk: Chunk, part: Batch, log: Source, *, leads: bool) -> Iterator[Write]:
    """Yield what tells which chunk a slice is of, until its last slice is committed, and which log the first is of."""
    source = log.id.encode()
    if leads and part.begin == 0:
        yield Put(LOGS, {source: json.dumps(asdict(log)).encode()})
    if part.end < chunk.end:
        yield Put(BEGUN, {source: json.dumps([chunk.begin, chunk.before.watermark]).encode()})
    elif part.begin > chunk.begin:
        yield Remove(BEGUN, [source])
