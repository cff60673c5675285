"""`crm-online publish`: event logs onto the Kafka topic."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import RenderableType

from crm_online.cli.console import print_answer, say
from crm_online.cli.extras import need_kafka
from crm_online.cli.options import (
    AsJson,
    Config,
    Decimal,
    Fields,
    Logs,
    Overrides,
    Preset,
    Sep,
    Speed,
    TimeFormat,
    Where,
    log_options,
    settings_in_force,
)
from crm_online.cli.progress import progress_bar
from crm_online.cli.tables.replay import speed_figures
from crm_online.cli.tables.words import figures_table, number


def publish(
    paths: Logs,
    preset: Preset = None,
    mapping: Fields = None,
    sep: Sep = None,
    time_format: TimeFormat = None,
    decimal: Decimal = None,
    where: Where = None,
    speed: Speed = None,
    config: Config = None,
    overrides: Overrides = None,
    as_json: AsJson = False,
) -> None:
    """Put event logs on the Kafka topic of events, for the workers."""
    options = log_options(preset, mapping, sep, time_format, decimal, where)
    need_kafka()

    import asyncio
    import logging

    from streams.publish import publish as publish_logs

    # The client logs what it raises too, and what it raises ends as one line.
    logging.getLogger("aiokafka").addHandler(logging.NullHandler())
    with progress_bar("publishing") as move:
        published = publish_logs(
            paths, settings=settings_in_force(config, overrides), options=options, speed=speed, on_progress=move
        )
        result = asyncio.run(published)
    if summary := result.rejects.summary(result.events):
        say(summary)
    print_answer(result.as_dict(), publish_table, as_json=as_json)


def publish_table(result: Mapping[str, Any]) -> RenderableType:
    """Return what was published where."""
    names = {"partitions": "partitions", "events": "events read", "published": "published", "rejected": "rejected"}
    figures = {name: number(result[key]) for key, name in names.items()}
    return figures_table({"topic": result["topic"]} | figures | speed_figures(result))
