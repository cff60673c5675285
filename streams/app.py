"""The Faust application: ``crm-online worker`` runs it, and so does ``faust -A streams.app worker``.

It has the two agents and the services of the worker. Partitions with work come by the channel that the
:mod:`event consumer <streams.consumer>` fills, commands by Faust's own consumer; that one has a group of its own, since
a group with two assignors does not form.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
from collections.abc import Callable
from contextlib import AsyncExitStack, ExitStack
from typing import Any, Final, cast

import faust
from aiokafka.errors import KafkaError
from faust.channels import Channel
from faust.types import StreamT
from mode import Service

from crm_online.errors import BrokerUnavailable, CrmOnlineError, StateMissing
from crm_online.logs import config as log_config
from crm_online.logs import secrets
from crm_online.settings import Settings, load_settings, refuse_conflict
from crm_online.store import Store, open_store
from streams import commands
from streams.admin import ensure_topics
from streams.connection import faust_options
from streams.consumer import EventConsumer
from streams.context import STORE_OUTAGES, QueuedPartition, RetryPolicy, StepTurn, WorkerContext
from streams.health import Health, serving
from streams.metrics import WorkerMetrics
from streams.supervisor import Supervisor
from streams.topics import COMMANDS, EVENTS, topic_name

DEFAULT_STATE: Final = "redis://localhost:6379"
_QUEUED: Final = 8
_log = logging.getLogger(__name__)


class StepChannel(Channel[QueuedPartition]):
    """The channel of the agent ``steps``: partitions with something to step through, one entry for each piece of work.

    Its size is what holds the event consumer back. Unlike Faust's own, its queue is not emptied when Faust's consumer
    rebalances: these records are not from there.
    """

    @property
    def queue(self) -> Any:
        """The queue of partitions."""
        if self._queue is None:
            self._queue = self.app.FlowControlQueue(maxsize=_QUEUED, clear_on_resume=False)
        return self._queue

    async def enqueue(self, assigned: QueuedPartition) -> None:
        """Put a partition onto the channel; wait while it is full."""
        await self.put(cast(Any, assigned))


class Application(faust.App):
    """The application of one worker.

    Parameters
    ----------
    settings
        The settings in force.
    state
        Where the state is, as for ``--state``.
    on_failure
        Called instead of a crash when ``failure`` is set: a crash ends Faust's thread before it can be stopped.
    """

    store: Store

    def __init__(self, settings: Settings, state: str, on_failure: Callable[[], None] | None = None) -> None:
        self._on_failure = on_failure
        self.settings, self._state_url = settings, state
        self.metrics, self.health = WorkerMetrics(), Health()
        self._retry = RetryPolicy(self.health, self.metrics)
        self.failure: Exception | None = None
        self._opened = AsyncExitStack()
        self._services: list[Service] = []
        kafka = settings.kafka
        super().__init__(
            f"{kafka.group}-control",
            **faust_options(kafka),
            broker_session_timeout=kafka.session_timeout / 1000,
            broker_heartbeat_interval=kafka.session_timeout / 3000,
            topic_disable_leader=True,
            topic_allow_declare=False,
            web_enabled=False,
            autodiscover=False,
            logging_config=log_config(settings.worker.logs, settings.worker.log_level, secrets(settings, state)),
            worker_redirect_stdouts=False,
            store="memory://",
            key_serializer="raw",
            value_serializer="raw",
        )
        self._steps = StepChannel(self)
        self.agent(self._steps, name="steps")(self._process)
        commands_topic = self.topic(
            topic_name(kafka.prefix, COMMANDS), value_type=bytes, value_serializer="raw", allow_empty=True
        )
        self.agent(commands_topic, name="commands")(self._forward_commands)

    async def on_first_start(self) -> None:
        """Wait for broker and store, see that topics and state fit, and show on ``/readyz`` how far this is."""
        # Faust's own would make a folder for tables: there are none.
        asyncio.get_running_loop().set_exception_handler(_handle_unawaited)
        address = await self._opened.enter_async_context(
            serving(self.settings.worker.listen, self.metrics, self.health)
        )
        if address:
            _log.info("metrics and health are at http://%s/metrics, /healthz, /readyz", address)
        retry = self._retry
        of_state = await retry.run(lambda: asyncio.to_thread(self._open_store), STORE_OUTAGES, "store", "starting")
        partitions = await retry.run(
            lambda: ensure_topics(self.settings, of_state), BrokerUnavailable, "broker", "starting"
        )
        replay = self.settings.replay.model_copy(update={"partitions": partitions})
        self.settings = self.settings.model_copy(update={"replay": replay})
        await retry.run(lambda: asyncio.to_thread(self._begin), STORE_OUTAGES, "store", "starting")
        _log.info("%d partitions of %s, state on %s", partitions, self._events_topic, self.store.where)
        if not self.store.durable:
            _log.warning("%s has no appendfsync always: changes may be published again after a crash", self.store.where)

    async def on_started_init_extra_services(self) -> None:
        """Start the event consumer once the agents listen, and the supervisor once it fetches."""
        await super().on_started_init_extra_services()
        turn = StepTurn(self._steps.enqueue)
        context = WorkerContext(self.settings, self.store, self.metrics, self.health, self._retry, turn, self.fail)
        consumer = EventConsumer(context, loop=self.loop, beacon=self.beacon)
        for service in (consumer, Supervisor(context, consumer, loop=self.loop, beacon=self.beacon)):
            self._services.append(service)
            await self.add_runtime_dependency(service)

    async def on_stop(self) -> None:
        """Finish what is under way before Faust stops the agents."""
        for service in reversed(self._services):
            await service.stop()
        await super().on_stop()

    async def on_shutdown(self) -> None:
        """Close the store, and the pages of health and metrics."""
        await super().on_shutdown()
        await self._opened.aclose()

    async def fail(self, error: Exception) -> None:
        """End the worker loudly."""
        if self.failure is None:
            self.failure = error
            known = isinstance(error, CrmOnlineError)
            _log.critical("the worker ends: %s", error, exc_info=None if known else error)
            if self._on_failure is not None:
                self._on_failure()
            else:
                await self.crash(error)

    async def _process(self, partitions: StreamT[QueuedPartition]) -> None:
        """Step through what waits; whatever is raised here is a bug, or a state that is broken."""
        async for assigned in partitions:
            try:
                await assigned.process()
            except Exception as error:
                await self.fail(error)
                raise

    async def _forward_commands(self, stream: StreamT[bytes]) -> None:
        """Put commands onto the events topic."""
        events = self.topic(self._events_topic, value_type=bytes, value_serializer="raw")
        await commands.forward(stream, events, self.settings.replay.partitions)

    @property
    def _events_topic(self) -> str:
        return topic_name(self.settings.kafka.prefix, EVENTS)

    @property
    def _feed(self) -> str:
        return f"kafka:{self._events_topic}"

    def _open_store(self) -> int | None:
        """Open the state, and return how many partitions it has, if events of our topic were ever read into it."""
        with ExitStack() as stack:
            # A Redis that hangs must be distinguished from a step that does, and waited for.
            answer = self.settings.worker.stall / 2000
            self.store = stack.enter_context(open_store(self._state_url, answer_seconds=answer))
            try:
                stored = self.store.meta()
            except StateMissing:
                stored = None
            self._opened.push(stack.pop_all())
        return stored.partitions if stored and stored.feed == self._feed else None

    def _begin(self) -> None:
        """Describe the state if it is new; see that it fits if not."""
        settings = self.settings
        shaping = json.dumps(settings.shaping(), sort_keys=True)
        stored = self.store.initialise(settings.replay.partitions, shaping, self._feed)
        refuse_conflict(json.loads(stored.settings), settings)


def _handle_unawaited(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log errors that nobody awaited; those of aiokafka were raised by another of its futures."""
    if not isinstance(context.get("exception"), KafkaError):
        loop.default_exception_handler(context)


def __getattr__(name: str) -> Application:
    """Make ``app`` for ``faust -A streams.app``: from the settings file and the environment."""
    if name == "app":
        return Application(load_settings().settings, os.environ.get("CRM_ONLINE_STATE", DEFAULT_STATE))
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
