"""The partitions of a state that one process claims together, and takes through its log in a fixed order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, Self

from crm_online.engine.stages import Stage, StageClock
from crm_online.events.batch import Batch
from crm_online.pipeline.partition import PartitionPipeline
from crm_online.settings import Settings
from crm_online.step import StepCounts, Write
from crm_online.store import Store

_NONE: Final[Mapping[int, Sequence[Write]]] = {}


class PartitionGroup:
    """Claimed partitions of one state.

    Parameters
    ----------
    pipelines
        The partitions, in order; partition 0 fits models and derives rules.
    publish
        What is done with the outbox of a partition after each of its commits; nothing, if it is not given: changes wait
        for who claims the partition next.
    """

    def __init__(
        self, pipelines: Sequence[PartitionPipeline], publish: Callable[[PartitionPipeline], object] | None = None
    ) -> None:
        self.pipelines = list(pipelines)
        self._publish = publish

    @classmethod
    def claim(
        cls,
        store: Store,
        settings: Settings,
        partitions: int,
        publish: Callable[[PartitionPipeline], object] | None = None,
        numbers: Sequence[int] | None = None,
    ) -> Self:
        """Claim partitions, of which there are ``partitions``: ``numbers``, or all.

        Raises
        ------
        StoreError
            If the store cannot be read or written.
        """
        chosen = range(partitions) if numbers is None else numbers
        stages = StageClock()
        return cls([PartitionPipeline(store, settings, number, partitions, stages) for number in chosen], publish)

    @property
    def stages(self) -> StageClock:
        """Measures the stages of the steps of all partitions that were claimed together."""
        return self.pipelines[0].stages

    @property
    def watermark(self) -> int | None:
        """The largest event time of all partitions, in ms; ``None`` before the first event."""
        marks = [pipeline.watermark for pipeline in self.pipelines]
        return max((mark for mark in marks if mark is not None), default=None)

    def take_erased(self) -> bool:
        """Return whether a step erased customers since this was asked last: by an event, or as they were idle."""
        found = any(pipeline.has_erased for pipeline in self.pipelines)
        for pipeline in self.pipelines:
            pipeline.has_erased = False
        return found

    def positions(self, source: str) -> list[int]:
        """Return the next position of each partition in a source."""
        return [pipeline.position(source) for pipeline in self.pipelines]

    def run(self, pipeline: PartitionPipeline, batch: Batch, writes: Sequence[Write] = ()) -> StepCounts:
        """Run a batch of one partition, commit it, publish its changes, and return what became of its records.

        Raises
        ------
        FenceError, StoreError
            See :meth:`PartitionPipeline.run_step`.
        """
        counts = pipeline.run_step(batch, writes).counts
        self.publish(pipeline)
        return counts

    def run_all(
        self, batch: Batch, writes: Mapping[int, Sequence[Write]] = _NONE, otherwise: Sequence[Write] = ()
    ) -> None:
        """Run a batch of all partitions in each one that has not committed it yet, and publish; errors as of run.

        Parameters
        ----------
        batch
            The batch.
        writes, otherwise
            What is written with it, by partition; and in those that are not among them.
        """
        with self.stages.measure(Stage.DECODE):
            parts = batch.split(len(self.pipelines))
        for pipeline, part in zip(self.pipelines, parts, strict=True):
            if pipeline.position(batch.source) < part.end or (part.begin == part.end and part.rejects):
                self.run(pipeline, part, writes.get(pipeline.partition, otherwise))

    def tick(
        self, pipeline: PartitionPipeline, source: str, watermark: int | None = None, *, end_of_log: bool = False
    ) -> None:
        """Commit a step without rows that advances time to ``watermark`` at most; errors as of run."""
        mark = pipeline.watermark if watermark is None else watermark
        self.run(pipeline, Batch.empty(source, pipeline.position(source), mark, end_of_log=end_of_log))

    def is_busy(self, pipeline: PartitionPipeline) -> bool:
        """Return whether a partition has work left: something is due, or it is to move to the model of partition 0."""
        return not pipeline.engine.is_idle or pipeline.engine.model_version < self.pipelines[0].engine.model_version

    def drain(self, source: str) -> None:
        """Take steps without rows until nothing is due: a bound on a step's work means more steps, not later work.

        Each partition is drained before the next, so that a resumed replay takes the same steps; errors as of run.
        """
        for pipeline in self.pipelines:
            while self.is_busy(pipeline):
                self.tick(pipeline, source)

    def end_log(self, source: str) -> None:
        """Do what the end of the log allows: open baskets are counted, rules derived; errors as of run."""
        first, *others = self.pipelines  # partition 0 derives rules from what the others have counted
        for pipeline in [*others, first]:
            if not pipeline.engine.state.at_end_of_log:
                self.tick(pipeline, source, end_of_log=True)
        self.drain(source)

    def publish(self, pipeline: PartitionPipeline) -> None:
        """Publish what is in the outbox of a partition, and was not published yet."""
        if self._publish is not None:
            with self.stages.measure(Stage.PUBLISH):
                self._publish(pipeline)

    def close(self) -> None:
        """Trim what was published since the last commits.

        Raises
        ------
        StoreError
            If the store cannot be written.
        """
        for pipeline in self.pipelines:
            pipeline.close()
