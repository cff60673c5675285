"""`crm-online publish`: event logs onto the Kafka topic."""

from __future__ import annotations

from crm_online.cli.console import print_json, say, show
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
)
from crm_online.cli.progress import progress_bar
from crm_online.cli.tables.publish import publish_table


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

    from crm_online.settings import load_settings
    from streams.publish import publish as publish_logs

    settings = load_settings(config, overrides or ()).settings
    # The client logs what it raises too, and what it raises ends as one line.
    logging.getLogger("aiokafka").addHandler(logging.NullHandler())
    with progress_bar("publishing") as move:
        result = asyncio.run(
            publish_logs(
                paths,
                settings=settings,
                options=options,
                speed=speed,
                on_progress=move,
            )
        )
    if told := result.rejects.summary(result.events):
        say(told)
    if as_json:
        print_json(result.as_dict())
    else:
        show(publish_table(result.as_dict()))
