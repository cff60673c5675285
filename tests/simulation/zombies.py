"""Processes that are stopped at the moment that matters, and go on once others have taken their place."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from random import Random
from typing import Final

from tests.simulation.clients import Network
from tests.simulation.loop import OUTSIDE, PROCESS
from tests.simulation.store import SimulatedRedis
from tests.simulation.worker import SimulatedWorker

_MOMENTS: Final = ("broker append", "broker end of transaction", "redis commit")
_LONGEST: Final = 15.0
"""Seconds after which a stopped process goes on though nobody has taken its place."""
_LOOKED: Final = 0.02


class Zombies:
    """Makes them: what a process does that was declared dead is what most fences are there for.

    A process that is stopped at any time has seldom anything under way that another would do too, and wakes seldom
    while that still matters. So these are stopped when they are about to send a request, and go on when another has
    done what they were about to do.

    Parameters
    ----------
    network, redis
        What they talk to.
    workers
        Of which some become one.
    events_topic
        The name of the topic of events; all others are outputs.

    Attributes
    ----------
    quiet
        Whether no events come.
    """

    def __init__(
        self, network: Network, redis: SimulatedRedis, workers: Sequence[SimulatedWorker], events_topic: str
    ) -> None:
        self._network, self._redis, self._workers = network, redis, workers
        self._loop, self._faults, self._events_topic = network.loop, network.faults, events_topic
        self.quiet = False

    def stop_next(self, random: Random) -> None:
        """Stop the process that sends the next request of a kind, until others have its partitions and publish."""
        moment, after = random.choice(_MOMENTS), random.uniform(0, 2)

        def stop() -> None:
            process = PROCESS.get()
            for worker in self._workers:
                if worker.process == process and worker.consumer is not None:
                    self._faults.count(f"stopped before {moment}")
                    self._loop.hold(process)
                    partitions = list(worker.consumer.manager.assigned)
                    self._loop.create_task(self._release(process, partitions, after), context=OUTSIDE.copy())

        self._faults.ambushes[moment] = stop

    async def overtake(self, random: Random) -> None:
        """Put Redis back under a stopped process that wakes when the state seems to be as it has left it.

        Others have it then: as many commits lead to the same position, but to another epoch of changes.
        """
        owned = [
            (worker, number)
            for worker in self._workers
            if worker.consumer is not None
            for number in worker.consumer.manager.assigned
            if number > 0  # the first tells of segments whenever another has moved a customer
        ]
        if not owned:
            return
        worker, number = random.choice(owned)
        process, copy = worker.process, self._redis.copy()
        published, commits = self._published(number), self._redis.mark(number)[1]
        if not await self._until(
            lambda: self._published(number) > published and self._redis.mark(number)[1] > commits + 1
        ):
            return
        self.quiet = True
        # What is left to do brings changes, which their numbers would refuse: so it is stopped once only time goes on.
        if await self._until(lambda: worker.process == process and worker.at_rest) and await self._ticked(number):
            self._faults.count("redis put back under a stopped worker")
            self._loop.hold(process)
            left, owner = self._redis.mark(number), self._redis.owner(number)
            self._redis.put_back(copy)
            await self._until(lambda: self._redis.mark(number) == left and self._redis.owner(number) != owner)
            self._loop.release(process)
            await asyncio.sleep(random.uniform(0, 2))
        self.quiet = False

    async def _ticked(self, number: int) -> bool:
        commits = self._redis.mark(number)[1]
        return await self._until(lambda: self._redis.mark(number)[1] > commits + 1)

    async def _release(self, process: str, partitions: Collection[int], after: float) -> None:
        owners = [self._redis.owner(number) for number in partitions]
        await self._until(
            lambda: all(self._redis.owner(number) != owner for number, owner in zip(partitions, owners, strict=True))
        )
        await asyncio.sleep(after)
        self._loop.release(process)

    def _published(self, number: int) -> int:
        return sum(
            len(log.slots)
            for place, log in self._network.broker.logs.items()
            if place.partition == number and place.topic != self._events_topic
        )

    async def _until(self, reached: Callable[[], bool]) -> bool:
        until = self._loop.time() + _LONGEST
        while self._loop.time() < until:
            if reached():
                return True
            await asyncio.sleep(_LOOKED)
        return False
