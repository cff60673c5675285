"""Events that are sent to the service, onto the events topic: each under its key, acknowledged by all replicas."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Final

from aiokafka import AIOKafkaProducer
from pydantic_core import to_json

from crm_online.answers.service import EventReceipt
from crm_online.events.intake import INTAKE, Intake
from crm_online.events.models import Event
from crm_online.events.producers import LOG
from crm_online.events.times import to_iso
from crm_online.settings import KafkaSettings
from streams.connection import REQUEST_TIMEOUT, client_options, start
from streams.errors import kafka_errors
from streams.records import PRODUCER, key_of
from streams.topics import EVENTS

_log = logging.getLogger(__name__)
_LARGEST: Final = int(EVENTS.configuration["max.message.bytes"])


class KafkaSink:
    """Sends events to a topic; each answer waits until all replicas have them.

    Parameters
    ----------
    kafka
        The settings.
    topic
        The events topic's name on the broker.
    intake
        What is kept of the events.
    answer_seconds
        Seconds within which the replicas must acknowledge.
    """

    def __init__(
        self, kafka: KafkaSettings, topic: str, intake: Intake = INTAKE, answer_seconds: float = REQUEST_TIMEOUT / 1000
    ) -> None:
        self._kafka, self._topic, self._intake, self._answer_seconds = kafka, topic, intake, answer_seconds

    async def start(self) -> None:
        """Connect.

        Raises
        ------
        BrokerUnavailable, BrokerRefused
            See :func:`streams.connection.start`.
        """
        self._producer = AIOKafkaProducer(
            **client_options(self._kafka, f"{self._kafka.group}-service"),
            acks="all",
            enable_idempotence=True,
            compression_type="lz4",
            max_request_size=_LARGEST,
            request_timeout_ms=REQUEST_TIMEOUT,
        )
        try:
            await start(self._producer, self._kafka)
        except BaseException:
            await self._producer.stop()
            raise

    async def stop(self) -> None:
        """Send what waits, and disconnect."""
        try:
            await asyncio.wait_for(self._producer.stop(), self._answer_seconds)
        except TimeoutError:
            _log.warning("Kafka did not accept all events before the end; none of them was acknowledged")

    def trouble(self) -> str | None:
        """Return nothing: without Kafka, all but events is answered as ever."""
        return None

    async def accept(self, events: Sequence[Event], producer: str) -> EventReceipt:
        """Put events on the topic, under their producer's name.

        Raises
        ------
        BrokerUnavailable, BrokerRefused
            If not all were acknowledged in time. The broker may have some of them, and get others later still.
        """
        with kafka_errors(self._kafka):
            async with asyncio.timeout(self._answer_seconds):
                # The order in which the producer gets them is their order in their partition.
                headers = [] if producer == LOG else [(PRODUCER, producer.encode())]
                sent = [
                    await self._producer.send(self._topic, _value(event), _key(event), headers=headers)
                    for event in self._intake.models(events)
                ]
                # An idempotent producer retries for as long as it lives; cancelled, its sequence would have a hole.
                for failed in await asyncio.shield(asyncio.gather(*sent, return_exceptions=True)):
                    if isinstance(failed, BaseException):
                        raise failed
        return EventReceipt(events=len(events), accepted=None, duplicates=None, to="kafka")


def _key(event: Event) -> bytes | None:
    key = key_of(event)
    return None if key is None else key.encode()


def _value(event: Event) -> bytes:
    """Return an event as it was sent, with the fields that no event has: the workers count them."""
    return to_json(event.model_dump(exclude_unset=True) | {"time": to_iso(event.time)})
