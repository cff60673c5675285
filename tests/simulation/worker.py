"""A worker of the simulation: its services as :mod:`streams.app` starts them, without Faust and its own consumer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import copy_context

from crm_online.errors import Stalled
from crm_online.settings import Settings
from streams.consumer import EventConsumer
from streams.context import QueuedPartition, RetryPolicy, StepTurn, WorkerContext
from streams.health import Health
from streams.metrics import WorkerMetrics
from streams.supervisor import Supervisor
from tests.simulation.loop import PROCESS, SimulatedLoop
from tests.simulation.store import SimulatedRedis

_QUEUED = 8


class SimulatedWorker:
    """A process that is started, killed and started again.

    Parameters
    ----------
    name
        Its name; each start adds a number to it.
    loop, redis
        Where it runs, and where its state is.
    settings
        The settings in force.
    on_failed
        Called with the error that ends it, unless that is one of which a restart is the remedy.
    """

    def __init__(
        self,
        name: str,
        loop: SimulatedLoop,
        redis: SimulatedRedis,
        settings: Settings,
        on_failed: Callable[[Exception], None],
    ) -> None:
        self._name, self._loop, self._redis, self._settings = name, loop, redis, settings
        self._on_failed, self._starts = on_failed, 0
        self.consumer: EventConsumer | None = None

    @property
    def process(self) -> str:
        """The name of the process that runs now."""
        return f"{self._name}.{self._starts}"

    @property
    def at_rest(self) -> bool:
        """Whether it has nothing left to do or to publish."""
        if self.consumer is None:
            return False
        return all(
            assigned.has_processed_all and assigned.processor.is_idle and not assigned.publisher.backlog
            for assigned in self.consumer.manager.assigned.values()
        )

    def start(self) -> None:
        """Start a process."""
        self._starts += 1
        context = copy_context()
        context.run(PROCESS.set, self.process)
        self._loop.create_task(self._run(), context=context)

    def kill(self) -> None:
        """End the process as SIGKILL does."""
        self._loop.kill(self.process)
        self.consumer = None

    async def _run(self) -> None:
        try:
            await self._serve()
        except Exception as error:
            await self._fail(error)

    async def _serve(self) -> None:
        queue: asyncio.Queue[QueuedPartition] = asyncio.Queue(_QUEUED)
        metrics, health = WorkerMetrics(), Health()
        context = WorkerContext(
            self._settings,
            self._redis.store(),
            metrics,
            health,
            RetryPolicy(health, metrics),
            StepTurn(queue.put),
            self._fail,
        )
        consumer = self.consumer = EventConsumer(context, loop=self._loop)
        await consumer.start()
        supervisor = Supervisor(context, consumer, loop=self._loop)
        await supervisor.start()
        while True:
            queued = await supervisor.wait(queue.get())  # raises what the supervisor ended with
            assert queued.result is not None
            await queued.result.process()

    async def _fail(self, error: Exception) -> None:
        """End, and be started again, as by whatever supervises a real worker."""
        if not isinstance(error, Stalled):
            self._on_failed(error)
        self.kill()
        self.start()
