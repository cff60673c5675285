"""Start and stop of a worker: what ``crm-online worker`` runs."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import threading

from crm_online.engine.preload import preload
from crm_online.logs import secrets, setup
from crm_online.settings import Settings
from streams.app import Application

_log = logging.getLogger(__name__)


def run(settings: Settings, state: str) -> None:
    """Run a worker until it is stopped, by SIGTERM or SIGINT.

    Parameters
    ----------
    settings
        The settings in force.
    state
        Where the state is, as for ``--state``.

    Raises
    ------
    CrmOnlineError
        Whatever ended the worker.
    """
    setup(settings.worker.logs, settings.worker.log_level, secrets(settings, state))
    asyncio.run(_run(settings, state))


async def _run(settings: Settings, state: str) -> None:
    loop, stop, failed = asyncio.get_running_loop(), asyncio.Event(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    app = Application(settings, state, on_failure=failed.set)
    running = asyncio.create_task(_lifetime(app))
    ends = [asyncio.create_task(event.wait()) for event in (stop, failed)]
    await asyncio.wait([running, *ends], return_when=asyncio.FIRST_COMPLETED)
    if stop.is_set():
        _log.info("stopping: finishing the step under way")
    watch = _end_hard_after(settings.worker.stop_timeout / 1000)
    if not running.done() and not app.started:
        running.cancel()
    await app.stop()
    await asyncio.gather(running, return_exceptions=True)
    watch.cancel()
    if app.failure is not None:
        raise app.failure
    if not running.cancelled() and (error := running.exception()):
        raise error
    _log.info("stopped")


async def _lifetime(app: Application) -> None:
    await app.start()
    await asyncio.to_thread(preload)
    await app.wait_until_stopped()


def _end_hard_after(seconds: float) -> threading.Timer:
    """End the process if it has not stopped by then; nothing is lost by that."""

    def end() -> None:
        _log.error("not stopped within %.0f s: ending all the same, nothing is lost", seconds)
        os._exit(1)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    return timer
