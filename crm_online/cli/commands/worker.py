"""``crm-online worker``: a Kafka worker."""

from __future__ import annotations

from crm_online.cli.extras import need_kafka
from crm_online.cli.options import DEFAULT_STATE, Config, Overrides, State, settings_in_force


def worker(
    state: State = DEFAULT_STATE,
    config: Config = None,
    overrides: Overrides = None,
) -> None:
    """Run a worker: events from Kafka through the engine, changes back to Kafka, until it is stopped."""
    need_kafka()
    from streams.worker import run

    run(settings_in_force(config, overrides), state)
