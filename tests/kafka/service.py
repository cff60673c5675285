"""A whole service under test: broker, Redis and workers, what was sent to it, and its books at the end."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pandas as pd

from crm_online.lookup import open_lookup
from tests.kafka.chaos.outputs import Outputs
from tests.kafka.comparing import compare
from tests.kafka.oracle import milliseconds, recount
from tests.kafka.waiting import SECONDS, positions, until_at_rest, until_read
from tests.servers.broker import Broker
from tests.servers.records import Sent
from tests.servers.redis_server import RedisServer
from tests.servers.workers import Worker

SUPPORT = 0.1
"""The setting ``itemsets.min_support``."""

_TOLD_WITHIN = 60.0
_SETTINGS = (
    "kafka.tick=1s",
    "itemsets.epsilon=0",
    "itemsets.half_life=none",
    f"itemsets.min_support={SUPPORT}",
    "segments.k=4",
    "segments.min_customers=20",
    "rules.every=200",
    "worker.logs=json",
)


class Service:
    """Workers on topics of their own and a Redis of their own; they end with the block.

    Parameters
    ----------
    broker
        A broker that runs.
    folder
        For what the processes write.
    prefix
        What the topics' names begin with; the group has the same name.
    settings
        Settings of all workers, with those for small logs.
    partitions
        Of the events topic.
    redis_options
        More of Redis's own settings.
    """

    def __init__(
        self,
        broker: Broker,
        folder: Path,
        prefix: str,
        settings: Iterable[str] = (),
        *,
        partitions: int = 4,
        redis_options: Mapping[str, str] | None = None,
    ) -> None:
        self.broker, self.folder, self.prefix, self.partitions = broker, folder, prefix, partitions
        self.group = prefix.rstrip(".")
        self.redis = RedisServer(folder / "redis", options=redis_options)
        self.workers: list[Worker] = []
        self.sent: list[Sent] = []
        self.settings = [*_SETTINGS, f"kafka.partitions={partitions}", f"kafka.group={self.group}", *settings]
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        """Start Redis."""
        self._stack.enter_context(self.redis)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End all that runs, but for the broker."""
        self._stack.close()

    @property
    def events(self) -> str:
        """The events topic."""
        return f"{self.prefix}events"

    def worker(self, *settings: str, state: str | None = None, **options: Any) -> Worker:
        """Start one more worker; see :class:`tests.servers.workers.Worker` for the options."""
        worker = Worker(
            self.folder,
            brokers=self.broker.address,
            state=state or self.redis.url,
            prefix=self.prefix,
            settings=[*self.settings, *settings],
            name=f"worker-{len(self.workers)}",
            **options,
        )
        self.workers.append(worker)
        return self._stack.enter_context(worker)

    def send(self, records: Sequence[Sent]) -> None:
        """Send events, and note them for the books."""
        self.broker.client.produce(self.events, records)
        self.sent += records

    def command(self, **command: str) -> None:
        """Send a command."""
        self.broker.client.produce(f"{self.prefix}commands", [Sent(None, json.dumps(command).encode())])

    def positions(self) -> dict[int, int] | None:
        """Return how far each partition is committed; None while Redis does not answer."""
        return positions(self.redis, self.prefix, self.partitions)

    def finish(self, end: str, seconds: float = SECONDS) -> None:
        """Wait until all is read, let time go on to ``end``, and wait until nothing is left to do."""
        until_read(self.broker.client, self.redis, self.prefix, seconds)
        self.command(command="tick", time=end)
        running = [worker for worker in self.workers if worker.running]
        until_at_rest(self.redis, self.partitions, milliseconds(end), running, seconds)

    def wrong(self, as_of: str, support: float = SUPPORT, max_size: int = 3) -> list[str]:
        """Return what is wrong with state and outputs, one line each; :meth:`finish` comes before.

        The arguments are those of :func:`books`.
        """
        folder = self.folder / "export"
        deadline = time.monotonic() + _TOLD_WITHIN
        while True:
            # The owner of the segments hears of what the others counted with its next tick, and may fit a model then.
            found = [
                *books(self.redis.url, folder, self.sent, as_of, support, max_size),
                *self.outputs().faults_of_order(),
            ] or self._differences(folder, milliseconds(as_of))
            if not found or time.monotonic() > deadline:
                return found

    def _differences(self, folder: Path, as_of: int) -> list[str]:
        with open_lookup(self.redis.url) as lookup:
            lookup.export(folder, as_of)
        return list(
            self.outputs().differences_to_state(pd.read_parquet(folder / "customers.parquet"), self.redis.admin)
        )

    def outputs(self) -> Outputs:
        """Return what is on the output topics."""
        return Outputs.read(self.broker.client, self.prefix)


def books(state: str, export: Path, sent: Iterable[Sent], as_of: str, support: float, max_size: int) -> list[str]:
    """Return where a state is not what the oracle says of the records sent, and what ``verify`` says.

    Parameters
    ----------
    state
        Its URL or folder.
    export
        Folder for the state as Parquet.
    sent
        The records.
    as_of
        The time of the features.
    support, max_size
        The settings ``itemsets.min_support`` and ``itemsets.max_size``.
    """
    with open_lookup(state) as lookup:
        found: dict[str, Any] = lookup.verify()
        lookup.export(export, milliseconds(as_of))
    oracle = recount((json.loads(record.value or b"") for record in sent), as_of)
    return [*map(str, found["differences"]), *compare(export, oracle, support, max_size)]
