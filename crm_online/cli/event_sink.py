"""Where a service sends the events of a state that workers feed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from crm_online.cli.extras import need_kafka
from crm_online.errors import EventsRefused, InputError

if TYPE_CHECKING:
    from crm_online.live.ingestion.sinks import EventSink
    from crm_online.settings import Settings


def kafka_sink(settings: Settings) -> Callable[[str], EventSink]:
    """Return what makes the sink of an events topic; without the clients of Kafka, it refuses.

    Parameters
    ----------
    settings
        The settings in force: they say where Kafka is.
    """

    def sink(topic: str) -> EventSink:
        try:
            need_kafka()
        except InputError as error:
            raise EventsRefused(f"workers feed this state, so events go to Kafka; {error}") from error
        from crm_online.events.intake import Intake
        from streams.sink import KafkaSink

        return KafkaSink(settings.kafka, topic, Intake.of(settings))

    return sink
