"""How good the segments are: J against batch k-means, and how steady what is reported is."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans

from benchmarks import made
from benchmarks.driving import Drive
from benchmarks.logs import complete_journey_file, shared
from benchmarks.report import Report
from benchmarks.server import new_state, started
from crm_online.engine.segmenting import MODEL
from crm_online.events.options import LogOptions
from crm_online.lookup.lookup import Lookup
from crm_online.replay import replay
from crm_online.segments.model import Model
from crm_online.segments.vectors import RESOLUTION
from crm_online.settings import Settings
from crm_online.store import Store, open_store

DAY = 86_400.0
BACK_WITHIN = 14 * DAY
STARTS = 10


@dataclass(frozen=True, slots=True)
class Sizes:
    """Which logs: lines of the Complete Journey (``None``: all), Online Retail or not, customers of the made shop."""

    complete_journey: int | None
    online_retail: bool
    made: int
    journey: bool = True


FULL = Sizes(None, online_retail=True, made=100_000)
QUICK = Sizes(200_000, online_retail=False, made=10_000)


@dataclass(frozen=True, slots=True)
class Move:
    """A reported move: who, from where to where, and when (seconds since 1970)."""

    customer: str
    left: str | None
    entered: str | None
    time: float

    @classmethod
    def of(cls, line: bytes) -> Move:
        """Read a line of ``segment-changes``."""
        value = json.loads(line)
        return cls(value["customer_id"], value["from"], value["to"], datetime.fromisoformat(value["time"]).timestamp())


def run(sizes: Sizes) -> Report:
    """Take each log, and judge what the state holds at its end."""
    report = Report("Quality of segments, against scikit-learn's KMeans with 10 starts on the same vectors")
    with tempfile.TemporaryDirectory(prefix="crm-online-bench-") as name:
        folder = Path(name)
        if sizes.journey:
            file = complete_journey_file(folder, sizes.complete_journey)
            _replayed(report, "Complete Journey", file, "complete-journey", folder / "journey")
        if sizes.online_retail:
            file = shared("online_retail.parquet")
            _replayed(report, "Online Retail", file, "online-retail", folder / "retail")
        _made(report, sizes.made, folder / "made")
    report.notes.append("as scored: the vectors in the state, by the model's segments, each customer once")
    report.notes.append(
        "at the end: features as of the log's last event, each customer by the nearest of the model's centroids"
    )
    return report


def _replayed(report: Report, name: str, path: Path, preset: str, state: Path) -> None:
    out = state / "changes"
    replay([path], settings=Settings(), state=str(state), options=LogOptions(preset=preset), out=out)
    moves = [Move.of(line) for line in (out / "segment-changes.jsonl").read_bytes().splitlines()]
    with open_store(state) as store:
        _judge(report, name, store, moves)


def _made(report: Report, customers: int, folder: Path) -> None:
    log, settings = made.year(customers), Settings()
    with started(folder) as server, new_state(server, settings) as store:
        drive = Drive(store, settings, keep=True)
        drive.run(events for _, _, events in log.chunks(settings.replay.step))
        drive.settle(ended=True)
        drive.pipeline.close()
        moves = [Move.of(entry.value) for entry in drive.changes if entry.topic == "segment-changes"]
        _judge(report, f"{customers:,} made customers", store, moves)


def _judge(report: Report, name: str, store: Store, moves: list[Move]) -> None:
    lookup = Lookup(store)
    told, customers = lookup.segments(), lookup.customers_frame()
    raw_model = store.partition(0).value(MODEL)
    if raw_model is None:
        raise ValueError(f"no model was fitted to {name}")
    model = Model.from_json(raw_model)
    customers = customers[customers["nearest"].notna()]
    vectors = customers[[f"vector.{one}" for one in model.scale.names]].to_numpy(np.float64)
    labels = np.array([model.ids.index(one) for one in customers["nearest"]], np.int64)
    scored, stored = inertia(vectors, labels), float(str(told["J"]))
    k = len(np.unique(labels))
    report.add(f"{name}: J as scored, to scikit-learn's", scored / batch_inertia(vectors, k), "×", most=1.03)
    ends = model.scale.encode(customers[list(model.scale.names)].to_numpy(np.float64)) / RESOLUTION
    assigned = nearest(ends, means(vectors, labels))
    report.add(
        f"{name}: J at the end, to scikit-learn's", inertia(ends, assigned) / batch_inertia(ends, k), "×", most=1.06
    )
    tolerance = max(stored, 1e-6 * float((vectors**2).sum()))
    report.add(f"{name}: stored J less the recomputed one, relative", abs(stored - scored) / tolerance, most=1e-9)
    back, between = went_back(moves)
    report.add(f"{name}: moves that go back within 14 days", 100 * back / max(between, 1), "%", most=5)
    span = (customers["last_event"].max() - customers["first_event"].min()).total_seconds() / DAY / 365.25
    report.add(f"{name}: moves a customer and year", between / len(customers) / max(span, 1e-9))
    report.add(f"{name}: refits adopted", model.version - 1)
    report.add(f"{name}: customers", len(customers))


def went_back(moves: Iterable[Move]) -> tuple[int, int]:
    """Return how many moves between segments go back within 14 days to the one just left, and how many there are."""
    last: dict[str, tuple[str, float]] = {}
    back = between = 0
    for move in moves:
        if move.left is None or move.entered is None:
            last.pop(move.customer, None)
            continue
        between += 1
        left, when = last.get(move.customer, (None, 0.0))
        back += left == move.entered and move.time - when <= BACK_WITHIN
        last[move.customer] = (move.left, move.time)
    return back, between


def inertia(vectors: NDArray[np.float64], labels: NDArray[np.int64]) -> float:
    """Return J of a partition: squared distances to the means of its parts."""
    return sum(
        float(((vectors[labels == one] - vectors[labels == one].mean(axis=0)) ** 2).sum()) for one in np.unique(labels)
    )


def batch_inertia(vectors: NDArray[np.float64], k: int) -> float:
    """Return J of scikit-learn's best of ten."""
    return float(KMeans(k, n_init=STARTS, random_state=1).fit(vectors).inertia_)


def means(vectors: NDArray[np.float64], labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the mean of each part that is not empty."""
    return np.array([vectors[labels == one].mean(axis=0) for one in np.unique(labels)])


def nearest(vectors: NDArray[np.float64], centroids: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the place of the nearest centroid of each vector."""
    away = np.stack([((vectors - one) ** 2).sum(axis=1) for one in centroids], axis=1)
    places: NDArray[np.int64] = away.argmin(axis=1).astype(np.int64)
    return places
