"""What no record asks for: ticks of idle partitions, lag, the group's offsets, and that no partition stalls."""

from __future__ import annotations

import logging
import time
from typing import Any, Final

from aiokafka.errors import KafkaError
from mode import Service

from crm_online.errors import BrokerError, Stalled
from crm_online.logs import partition_log
from streams.assigned import AssignedPartition
from streams.consumer import EventConsumer
from streams.context import WorkerContext
from streams.errors import kafka_errors

_IDLE_SECONDS: Final = 0.1
_LAG_SECONDS: Final = 1.0
_OFFSETS_SECONDS: Final = 5.0
_log = logging.getLogger(__name__)


class Supervisor(Service):
    """Sees to the partitions that are claimed.

    Parameters
    ----------
    context
        What the services of the worker share.
    consumer
        Fetches their records.
    """

    def __init__(self, context: WorkerContext, consumer: EventConsumer, **kwargs: Any) -> None:
        self._context, self._consumer, self._manager = context, consumer, consumer.manager
        self._stall = context.settings.worker.stall / 1000
        super().__init__(**kwargs)

    @Service.task
    async def _tick_idle(self) -> None:
        """Queue ticks for partitions without records, so that their time advances and pending work is done."""
        while not self.should_stop:
            await self.sleep(_IDLE_SECONDS)
            for assigned in list(self._manager.assigned.values()):
                if assigned.has_processed_all and self._consumer.has_enqueued_all(assigned.number):
                    await self._tick(assigned)

    async def _tick(self, assigned: AssignedPartition) -> None:
        try:
            if await self._consumer.fetch_positions.skip_transaction_markers(assigned.number):
                assigned.reach_end()
        except KafkaError as error:  # the lag is asked for too, and shows that no broker answers
            partition_log(_log, assigned.number).debug("the end of the log is not known, asked again soon: %s", error)
            return
        await assigned.enqueue_tick()

    @Service.task
    async def _detect_stalls(self) -> None:
        """End the worker if a partition makes no progress; whatever else waits, this does not."""
        while not self.should_stop:
            await self.sleep(_IDLE_SECONDS)
            for assigned in list(self._manager.assigned.values()):
                # Records that wait for the steps of other partitions stall only if these do; those that wait for
                # their own publisher only if that one does.
                others = self._manager.progressed if assigned.waits_for_others else 0.0
                if not self._context.health.ready:  # store or broker is waited for, and health shows it
                    assigned.note_progress()
                elif time.monotonic() - max(assigned.progressed, others) > self._stall:
                    why = f"partition {assigned.number} has made no progress for {self._stall:.0f} s"
                    await self._context.fail(Stalled(why))

    @Service.task
    async def _measure_lag(self) -> None:
        """Ask the broker for the log's ends: for the lag, and since a consumer does not say that no broker answers."""
        while not self.should_stop:
            await self.sleep(_LAG_SECONDS)
            doing = "asking for the ends of the log"
            await self._context.retry.run(self._measure_lag_once, BrokerError, "broker", doing)

    async def _measure_lag_once(self) -> None:
        if await self._consumer.fail_on_other_partitions():
            return
        with kafka_errors(self._context.settings.kafka):
            lags = await self._consumer.fetch_positions.lags(self._manager.positions)
        for number, records in lags.items():
            if number in self._manager.assigned:
                self._context.metrics.lag(number, records)

    @Service.task
    async def _commit_offsets(self) -> None:
        while not self.should_stop:
            await self.sleep(_OFFSETS_SECONDS)
            await self._consumer.commit_offsets()
