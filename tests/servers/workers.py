"""Workers as processes of their own, started as a person starts them."""

from __future__ import annotations

import http.client
import json
import os
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping, Sequence
from itertools import count
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from tests.conftest import ROOT
from tests.servers.processes import Process, free_port
from tests.servers.server import Server

_READY_SECONDS = 180.0
_CRM_ONLINE = ("-m", "crm_online")
_begun = count()


class Worker(Server):
    """A worker, on a port that it keeps; what all its runs print is in one file.

    Parameters
    ----------
    folder
        For its log, and where it runs: no ``crm-online.toml`` of ours is there.
    brokers, state, prefix
        Address of Kafka, URL of Redis, and what the topics' names begin with.
    settings
        More settings, as ``section.key=value``.
    name
        Of its log file, ``<name>.log``.
    entry
        What Python runs instead of ``-m crm_online``: a script for workers with a fence switched off.
    environment
        More variables, such as passwords.
    """

    def __init__(
        self,
        folder: Path,
        *,
        brokers: str,
        state: str,
        prefix: str,
        settings: Iterable[str] = (),
        name: str = "worker",
        entry: Sequence[str] = _CRM_ONLINE,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(folder / f"{name}.log")
        self.listen = f"127.0.0.1:{free_port()}"
        chosen = [f"kafka.brokers={brokers}", f"kafka.prefix={prefix}", f"worker.listen={self.listen}", *settings]
        self._arguments = ["worker", "--state", state, *(part for one in chosen for part in ("--set", one))]
        self._entry = entry
        mine = {key: value for key, value in os.environ.items() if not key.startswith("CRM_ONLINE_")}
        self._environment = {**mine, "PYTHONPATH": str(ROOT), **(environment or {})}

    def wait_ready(self, timeout: float = _READY_SECONDS) -> Worker:
        """Wait until ``/readyz`` says so; fails when it ends before that."""
        self._wait(True, timeout)
        return self

    def wait_unready(self, timeout: float = _READY_SECONDS) -> None:
        """Wait until ``/readyz`` says that it is not ready; fails when it ends before that."""
        self._wait(False, timeout)

    def ready(self) -> bool | None:
        """Return what ``/readyz`` says, or None if nobody answers."""
        reasons = self.reasons()
        return None if reasons is None else not reasons

    def reasons(self) -> list[str] | None:
        """Return what ``/readyz`` says keeps it from its work: nothing if it is ready; None if nobody answers."""
        try:
            self._get("/readyz", 5)
        except urllib.error.HTTPError as error:
            return None if error.code != 503 else list(map(str, json.load(error)["reasons"]))
        except (OSError, http.client.HTTPException):
            return None
        return []

    def metrics(self) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
        """Return all metrics: by name and labels, the value."""
        text = self._get("/metrics", 60)
        samples = (sample for family in text_string_to_metric_families(text) for sample in family.samples)
        return {(sample.name, frozenset(sample.labels.items())): sample.value for sample in samples}

    def metric(self, name: str, **labels: str) -> float:
        """Return the sum of a metric over all that have these labels; 0 where there is none."""
        wanted = labels.items()
        return sum(value for (found, has), value in self.metrics().items() if found == name and wanted <= has)

    def logged(self) -> list[dict[str, object]]:
        """Return the lines of its log that are JSON objects, of all its runs."""
        found = []
        for line in self.log.read_text(errors="replace").splitlines():
            try:
                value = json.loads(line)
            except ValueError:
                continue
            if isinstance(value, dict):
                found.append(value)
        return found

    def _launch(self) -> Process:
        # The first of all is a program as people start it; the others are forked, which takes two seconds less.
        forked = next(_begun) > 0 and self._entry == _CRM_ONLINE
        command = self._arguments if forked else [sys.executable, *self._entry, *self._arguments]
        return Process(command, self.log, cwd=self.log.parent, env=self._environment, forked=forked)

    def _wait_until_up(self) -> None:
        """Return at once: what a worker does before it is ready is what tests are about."""

    def _wait(self, ready: bool, timeout: float) -> None:
        deadline = time.monotonic() + timeout
        state = "ready" if ready else "unready"
        while self.ready() is not ready:
            if not self.running:
                raise AssertionError(f"a worker ended before it was {state}:\n{self.last_lines()}")
            assert time.monotonic() < deadline, f"a worker is not {state} after {timeout:g} s:\n{self.last_lines()}"
            time.sleep(0.02)

    def _get(self, path: str, timeout: float) -> str:
        with urllib.request.urlopen(f"http://{self.listen}{path}", timeout=timeout) as answer:
            text: str = answer.read().decode()
            return text
