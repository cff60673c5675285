"""`crm-online serve`: the HTTP API and the dashboard."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from crm_online.cli.console import say
from crm_online.cli.event_sink import kafka_sink
from crm_online.cli.extras import need_serve
from crm_online.cli.options import DEFAULT_STATE, Config, Host, Overrides, Port, State, settings_in_force

if TYPE_CHECKING:
    from crm_online.settings import Settings


def serve(
    state: State = DEFAULT_STATE,
    host: Host = None,
    port: Port = None,
    config: Config = None,
    overrides: Overrides = None,
) -> None:
    """Serve look-ups, recommendations, changes and the dashboard over HTTP, until it is stopped."""
    need_serve()
    from crm_online.api.opening import open_service
    from crm_online.api.server import run
    from crm_online.logs import secrets, setup

    settings = serve_settings(config, overrides or (), host, port)
    setup(settings.serve.logs, settings.serve.log_level, secrets(settings, state))
    with open_service(settings, state, kafka_sink(settings)) as service:
        run(service, on_start=lambda url: say(f"serving {service.where} at {url} (Ctrl-C ends it)"))


def serve_settings(config: Path | None, overrides: Sequence[str], host: str | None, port: int | None) -> Settings:
    """Return the settings in force; a host or a port that is given goes before ``serve.listen``."""
    settings = settings_in_force(config, overrides)
    if host is None and port is None:
        return settings
    own_host, own_port = settings.serve.address
    host, port = own_host if host is None else host, own_port if port is None else port
    listen = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return settings_in_force(config, [*overrides, f"serve.listen={listen}"])
