"""What nobody asks for and must be seen to all the same: quiet partitions, lag, offsets, and that none stands still."""

from __future__ import annotations

import time
from typing import Any, Final

from mode import Service

from crm_online.errors import BrokerError, Stalled
from streams.consumer import EventConsumer
from streams.context import Context
from streams.errors import kafka_errors
from streams.manager import AssignedPartition
from streams.partition import Quiet

_QUIET: Final = 0.1
_ASK: Final = 1.0
_OFFSETS: Final = 5.0


class Supervisor(Service):
    """Sees to the partitions that the intake holds.

    Parameters
    ----------
    context
        What the services of the worker share.
    intake
        The intake.
    """

    def __init__(self, context: Context, consumer: EventConsumer, **kwargs: Any) -> None:
        self._context, self._consumer = context, consumer
        self._stall = context.settings.worker.stall / 1000
        super().__init__(**kwargs)

    @Service.task
    async def _quiet(self) -> None:
        """See to partitions for which nothing comes: time goes on, and work that is left over is done."""
        while not self.should_stop:
            await self.sleep(_QUIET)
            for number, held in list(self._consumer.manager.held.items()):
                if not held.queued:
                    await self._see_to(number, held)

    async def _see_to(self, number: int, held: AssignedPartition) -> None:
        positions = self._consumer.positions
        if (
            number not in positions.assigned()
            or positions.next_offset(number) is None
            or number in self._consumer.in_hand
        ):
            return
        if await positions.skip_transaction_markers(number):
            held.partition.reach_end()
            held.progressed = time.monotonic()
        if held.partition.tick_is_due or not held.partition.settled:
            held.queued += 1
            await self._context.hand_over(Quiet(number, held.claim))

    @Service.task
    async def _progress(self) -> None:
        """See that no partition stands still; whatever else waits, this does not."""
        while not self.should_stop:
            await self.sleep(_QUIET)
            holdings = self._consumer.manager
            for number, held in list(holdings.held.items()):
                # A batch that waits for the steps of other partitions stands still only if these do; one that waits
                # for its own publisher only if that one does.
                waits_for_others = held.queued and not held.deferred
                progressed = max(held.progressed, holdings.progressed) if waits_for_others else held.progressed
                if not self._context.health.ready:  # something is waited for, and told
                    held.progressed = time.monotonic()
                elif time.monotonic() - progressed > self._stall:
                    why = f"partition {number} has made no progress for {self._stall:.0f} s"
                    await self._context.fail(Stalled(why))

    @Service.task
    async def _ends(self) -> None:
        """Ask the broker for the log's ends: for the lag, and since a consumer does not say that no broker answers."""
        while not self.should_stop:
            await self.sleep(_ASK)
            doing = "asking for the ends of the log"
            await self._context.retry.run(self._ask, BrokerError, "broker", doing)

    async def _ask(self) -> None:
        if await self._consumer.other_partitions():
            return
        with kafka_errors(self._context.settings.kafka):
            lags = await self._consumer.positions.lags(self._consumer.manager.positions())
        for number, records in lags.items():
            if number in self._consumer.manager.held:
                self._context.metrics.lag(number, records)

    @Service.task
    async def _offsets(self) -> None:
        while not self.should_stop:
            await self.sleep(_OFFSETS)
            await self._consumer.positions.commit(self._consumer.manager.positions())
