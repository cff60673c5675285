"""Look-ups while steps are committed as fast as they come: how many answers show half a step."""

from __future__ import annotations

import http.client
import json
import multiprocessing
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from benchmarks.driving import Drive
from benchmarks.made import MadeLog, year
from benchmarks.report import Report
from benchmarks.server import new_state, started
from crm_online.lookup import Lookup
from crm_online.settings import Settings
from tests.servers.serving import serving

_BASE = 2000
_ASKED = 500
_PAUSE = 0.02
"""Seconds between two look-ups of the segments, which the service reads anew no more often."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """Customers in the shop, whose first half year is in the state before, and how many steps of what size follow."""

    customers: int
    steps: int
    events: int = 40


FULL = Sizes(20_000, steps=400)
QUICK = Sizes(5_000, steps=100)

Standing = tuple[object, ...]
"""What an answer about the segments says of one time: watermark, customers, J, and all sizes."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What was answered: of each batch how many events each customer had, and of each answer how segments stood."""

    events: NDArray[np.int64]
    segments: list[Standing]


def run(report: Report, sizes: Sizes) -> None:
    """Ask while steps are committed, and compare each answer with the state after each commit."""
    log, settings = year(sizes.customers), Settings()
    half = len(log) // 2
    customers = _busiest(log, half, half + sizes.steps * sizes.events)
    with (
        tempfile.TemporaryDirectory(prefix="crm-online-bench-") as name,
        started(Path(name) / "redis") as server,
        new_state(server, settings) as store,
    ):
        drive = Drive(store, settings)
        drive.run(log.columns(begin, min(begin + _BASE, half)) for begin in range(0, half, _BASE))
        options = ["--set", "serve.rate=none", "--set", "serve.refresh=20ms"]
        with (
            serving(Path(name), "--state", f"unix://{server.socket}", *options, forked=False) as served,
            _asking(served.url, [f"c{number}" for number in customers]) as asker,
        ):
            stood, true = [_standing(Lookup(store).segments())], [drive.position]
            for _ in range(sizes.steps):
                at = drive.position
                drive.step(log.columns(at, at + sizes.events))
                stood.append(_standing(Lookup(store).segments()))
                true.append(drive.position)
            seen = asker.seen()
    possible = {tuple(np.bincount(log.customer[:end], minlength=sizes.customers)[customers]) for end in true}
    answers = [tuple(row) for row in seen.events.tolist()]
    report.add("steps that were committed while customers were looked up", sizes.steps)
    report.add(f"look-ups of {_ASKED} customers at once meanwhile", len(answers))
    report.add("different states that these answers showed", len(set(answers)))
    report.add("half-seen steps: customers", sum(answer not in possible for answer in answers), most=0)
    report.add("look-ups of the segments meanwhile", len(seen.segments))
    report.add("different states that these answers showed of segments", len(set(seen.segments)))
    report.add("half-seen steps: segments", sum(one not in stood for one in seen.segments), most=0)


def _busiest(log: MadeLog, begin: int, end: int) -> NDArray[np.int64]:
    """Return the known customers of whom most happens between two events."""
    known = np.zeros(int(log.customer.max()) + 1, bool)
    known[log.customer[:begin]] = True
    counts = np.bincount(log.customer[begin:end], minlength=len(known)) * known
    order = np.argsort(-counts, kind="stable")
    return order[known[order]][:_ASKED]


def _standing(told: object) -> Standing:
    if not isinstance(told, dict):
        raise TypeError(f"segments are not {told!r}")
    sizes = tuple((one["id"], one["size"]) for one in told["segments"])
    return (told["as_of"], told["customers"], told["J"], sizes)


class _Asker:
    """Asks in a process of its own."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def seen(self) -> Seen:
        """Return what was answered so far, and ask no more."""
        self._connection.send("end")
        seen: Seen = self._connection.recv()
        return seen


@contextmanager
def _asking(url: str, customers: Sequence[str]) -> Iterator[_Asker]:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_ask, args=(theirs, url, customers), daemon=True)
    process.start()
    theirs.close()  # so that its end is heard, if it fails
    try:
        if ours.recv() != "begun":
            raise RuntimeError("nobody asks")
        yield _Asker(ours)
    finally:
        process.kill()
        process.join()


def _ask(connection: Connection, url: str, customers: Sequence[str]) -> None:
    """Ask for customers and for segments, each over a connection of its own, until the other end wants to know."""
    events: list[NDArray[np.int64]] = []
    segments: list[Standing] = []
    ended, begun = threading.Event(), threading.Event()
    where = urlsplit(url)
    body = json.dumps({"customer_ids": list(customers)})

    def ask(path: str, body: str | None = None) -> Iterator[dict[str, Any]]:
        with closing(http.client.HTTPConnection(where.hostname or "", where.port)) as asking:
            while not ended.is_set():
                asking.request("POST" if body else "GET", path, body, {"Content-Type": "application/json"})
                answer = asking.getresponse()
                found = json.load(answer)
                if answer.status == 503:  # the service has not read the state yet
                    ended.wait(_PAUSE)
                    continue
                if answer.status != 200:
                    raise RuntimeError(f"{path} answered {found}")
                yield found

    def ask_segments() -> None:
        for found in ask("/v1/segments"):
            segments.append(_standing(found))
            ended.wait(_PAUSE)

    other = threading.Thread(target=ask_segments, daemon=True)
    other.start()
    for found in ask("/v1/customers:batch", body):
        events.append(np.array([one["events"] for one in found["customers"]], np.int64))
        if not begun.is_set():
            begun.set()
            connection.send("begun")
        if connection.poll():
            ended.set()
    other.join()
    connection.send(Seen(np.array(events), segments))
