"""``crm-online worker``: a Kafka worker."""

from __future__ import annotations

from crm_online.cli.extras import need_kafka
from crm_online.cli.options import DEFAULT_STATE, Config, Overrides, State


def worker(
    state: State = DEFAULT_STATE,
    config: Config = None,
    overrides: Overrides = None,
) -> None:
    """Run a worker: events from Kafka through the engine, changes back to Kafka, until it is told to stop."""
    need_kafka()
    from crm_online.settings import load_settings
    from streams.worker import run

    run(load_settings(config, overrides or ()).settings, state)
