"""A replay in a process of its own, while this one serves: in a thread, it would keep the answers waiting."""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from crm_online.errors import CrmOnlineError

if TYPE_CHECKING:
    from crm_online.replay import Progress
    from crm_online.settings import Settings

_END_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class ReplayJob:
    """What is replayed: the parameters of :func:`crm_online.replay.replay`."""

    log: Path
    settings: Settings
    state: str
    preset: str
    out: Path
    speed: float | None

    def replay(self, on_progress: Callable[[Progress], None]) -> dict[str, Any]:
        """Replay here; return the result as JSON values.

        Raises
        ------
        CrmOnlineError
            If the replay fails.
        """
        from crm_online.events.options import LogOptions
        from crm_online.replay import replay

        return replay(
            [self.log],
            settings=self.settings,
            state=self.state,
            options=LogOptions(preset=self.preset),
            out=self.out,
            speed=self.speed,
            on_progress=on_progress,
        ).as_dict()


def replay_in_process(job: ReplayJob, on_progress: Callable[[Progress], None]) -> dict[str, Any]:
    """Replay in a process of its own; return the result as JSON values.

    If it is interrupted, the other process is ended first: what it has committed stays.

    Raises
    ------
    CrmOnlineError
        If the replay fails.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_run, args=(job, theirs), name="replay")
    process.start()
    theirs.close()
    try:
        while True:
            try:
                found = ours.recv()
            except EOFError:
                raise CrmOnlineError(
                    "the replay was ended by somebody else; the same command goes on from there"
                ) from None
            if isinstance(found, dict):
                return found
            if isinstance(found, str):
                raise CrmOnlineError(found)
            on_progress(found)
    finally:
        process.terminate()
        process.join(_END_SECONDS)
        if process.is_alive():
            process.kill()
            process.join()


def _run(job: ReplayJob, there: Connection) -> None:
    """Replay here, and send the other process how far it is, and how it ended."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the other process, which ends this one
    outcome: dict[str, Any] | str
    with contextlib.suppress(BrokenPipeError):  # the other process is gone
        try:
            outcome = job.replay(there.send)
        except CrmOnlineError as error:
            outcome = str(error)
        there.send(outcome)
