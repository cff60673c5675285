"""How good the segments are in the middle of a log: read between two steps of a replay, with no settling before."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans

from benchmarks.logs import complete_journey_file, shared
from benchmarks.report import Report
from crm_online.engine.engine import CUSTOMERS, layout
from crm_online.events.log import LogReader
from crm_online.events.options import NO_OPTIONS, LogOptions
from crm_online.events.source import open_source
from crm_online.pipeline import PartitionPipeline
from crm_online.replay.partitions import ReplayPartitions
from crm_online.segments.vectors import RESOLUTION
from crm_online.settings import Settings
from crm_online.simulate import simulate
from crm_online.step import Entry, Topic
from crm_online.store import open_store

DAY = 86_400_000
LEFT_OUT = 60 * DAY
STARTS = 10


@dataclass(frozen=True, slots=True)
class Moment:
    """The segments at one moment.

    Attributes
    ----------
    watermark
        The moment, in ms.
    customers
        How many there are.
    J
        J of features as of the moment, each customer by the nearest of the present centroids, to KMeans' with 10 starts
        on the same vectors.
    overdue
        Share of customers not scored for a tenth longer than the rule allows, and a day.
    """

    watermark: int
    customers: int
    J: float
    overdue: float


@dataclass
class Middle:
    """What a replay showed: its moments, the ids ever given, and the moves between segments by reason."""

    moments: list[Moment] = field(default_factory=list)
    ids: int = 0
    moves: dict[str, int] = field(default_factory=dict)

    @property
    def by_refit(self) -> float:
        """Share of moves that are told for refits."""
        return self.moves.get("refit", 0) / max(sum(self.moves.values()), 1)


class _Watched(ReplayPartitions):
    """Partitions that are looked at whenever they are at rest; the first one only: it is the only one."""

    due: list[int]
    settings: Settings
    found: Middle

    def drain(self, source: str) -> None:
        """Drain, and look if a moment has come."""
        super().drain(source)
        now = self.pipelines[0].watermark
        if now is not None and self.due and now >= self.due[0]:
            del self.due[: sum(moment <= now for moment in self.due)]
            self.found.moments.append(_look(self.pipelines[0], self.settings, now))


def run(moments: int) -> Report:
    """Look at so many moments of each log."""
    report = Report("Quality of segments in the middle of logs, read between steps; J to KMeans with 10 starts")
    cdnow = {"customer_id": "who", "basket_id": "order_no", "item": "what", "quantity": "n", "price": "unit"}
    with tempfile.TemporaryDirectory(prefix="crm-online-bench-") as name:
        folder = Path(name)
        browsing = folder / "browsing.jsonl"
        simulate(4000, 100_000, browsers=True).write(browsing)
        logs = {
            "CDNOW": (shared("cdnow.csv.gz"), LogOptions(mapping=cdnow | {"time": "at"})),
            "Online Retail": (shared("online_retail.parquet"), LogOptions(preset="online-retail")),
            "Complete Journey": (complete_journey_file(folder, None), LogOptions(preset="complete-journey")),
            "browsing shop": (browsing, NO_OPTIONS),
        }
        for log, (path, options) in logs.items():
            found = replayed(path, folder / log, Settings(), options, moments)
            report.add(f"{log}: worst J of {moments} moments", max(one.J for one in found.moments), "×", most=1.06)
            overdue = 100 * max(one.overdue for one in found.moments)
            report.add(f"{log}: overdue, at the worst of them", overdue, "%", most=1)
            report.add(f"{log}: ids ever given", found.ids, most=10)
            report.add(f"{log}: moves told for refits", 100 * found.by_refit, "%", most=10)
    return report


def replayed(
    path: Path, state: Path, settings: Settings, options: LogOptions = NO_OPTIONS, moments: int = 20
) -> Middle:
    """Replay a log into a new state, and look at evenly spread moments after the first two months."""
    source, found = open_source(path), Middle()
    times = [events.time for events in LogReader(path, source, options, size=20_000).events() if len(events)]
    first, last = min(int(part.min()) for part in times), max(int(part.max()) for part in times)
    begin = first + LEFT_OUT
    due = [begin + (last - begin) * number // moments for number in range(1, moments + 1)]

    def write(partition: int, entries: Sequence[Entry]) -> None:
        for value in (json.loads(entry.value) for entry in entries if entry.topic is Topic.SEGMENT_CHANGES):
            if value["from"] and value["to"]:
                found.moves[value["reason"]] = found.moves.get(value["reason"], 0) + 1

    with open_store(state) as store:
        store.initialise(1, json.dumps(settings.shaping(), sort_keys=True), repeatable=True)
        watched = _Watched.claim(store, settings, 1, lambda pipeline: pipeline.publish(write))
        watched.due, watched.settings, watched.found = due, settings, found
        for chunk in LogReader(path, source, options, size=settings.replay.step).chunks():
            watched.replay(chunk, source)
        model = watched.pipelines[0].engine.segmenting.model
        found.ids = model.numbered if model else 0
    return found


def _look(pipeline: PartitionPipeline, settings: Settings, now: int) -> Moment:
    codec, reader = layout(settings)
    records = codec.decode([raw for _, raw in pipeline.store.hash_all(CUSTOMERS)])
    segmenting = pipeline.engine.segmenting
    if segmenting.model is None:
        return Moment(now, len(records), float("nan"), 0.0)
    vectors = segmenting.model.scale.encode(reader.read(records, now // 1000 * 1000)) / RESOLUTION
    centroids = segmenting.centroids(segmenting.model, []) / RESOLUTION
    away = np.stack([((vectors - one) ** 2).sum(axis=1) for one in centroids], axis=1)
    best = float(KMeans(segmenting.model.k, n_init=STARTS, random_state=1).fit(vectors).inertia_)
    scored, longest = records.scored_at * 1000, (settings.features.half_life or 120 * DAY) // 4
    rule = np.minimum((scored - records.last_event) // 2, longest)
    late = float((now - scored > 1.1 * rule + DAY).mean())
    return Moment(now, len(records), _inertia(vectors, away.argmin(axis=1)) / best, late)


def _inertia(vectors: NDArray[np.float64], labels: NDArray[np.int64]) -> float:
    parts = [vectors[labels == one] for one in np.unique(labels)]
    return sum(float(((part - part.mean(axis=0)) ** 2).sum()) for part in parts)
