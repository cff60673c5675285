"""When drifts are found, and how often where there is none, beside river's detectors."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from river import drift as river
from scipy.signal import lfilter

from benchmarks.quality import batch_inertia, inertia
from benchmarks.report import Report
from crm_online.drift.detector import DriftDetector
from crm_online.engine.segmenting import MODEL
from crm_online.lookup.lookup import Lookup
from crm_online.replay import replay
from crm_online.segments.model import Model
from crm_online.settings import Settings
from crm_online.simulate import Simulation, simulate
from crm_online.simulate.shop import LARGE_SHARE, NO_SHIFT, Shift
from crm_online.store import open_store

CHANGE, WITHIN, AFTER = 20_000, 2_000, 10_000
"""Values before a change; values in which it is to be found, and events after which segments are compared."""

DAY = 146
SIZES = (0.5, 1.0)
"""Changes of the mean, in standard deviations."""

NOISES = {"white noise": 0.0, "AR(0.9)": 0.9}

DETECTORS: dict[str, Callable[[], Any]] = {
    "DriftDetector": DriftDetector,
    "river's ADWIN": river.ADWIN,
    "river's KSWIN": lambda: river.KSWIN(seed=1),
    "river's Page-Hinkley": river.PageHinkley,
}


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many values without a change, how many of them for KSWIN, series with one, and simulated shops."""

    controls: int
    slow: int
    series: int
    shops: int
    events: int


FULL = Sizes(1_000_000, 50_000, 10, 10, 50_000)
QUICK = Sizes(100_000, 10_000, 2, 1, 25_000)


def run(sizes: Sizes) -> Report:
    """Measure false alarms, F1 and delay of each detector, then drifts of whole shops."""
    report = Report("Drift: alarms without a change, F1 and delay with one, and simulated shops")
    for name, new in DETECTORS.items():
        ours, slow = name == "DriftDetector", "KSWIN" in name
        for noise, phi in NOISES.items():
            values = _noise(sizes.slow if slow else sizes.controls, phi, np.random.default_rng(1))
            alarms = len(_alarms(new(), values)) * 1e6 / len(values)
            report.add(f"{name}: alarms in a million values of {noise}", alarms, most=1 if ours else None)
        _with_changes(report, name, new, max(sizes.series // (5 if slow else 1), 1))
    _shops(report, sizes)
    return report


def _with_changes(report: Report, name: str, new: Callable[[], Any], series: int) -> None:
    """Add F1 and delay: an alarm within 2,000 values of the change is right, once, and any other one is wrong."""
    for noise, phi in NOISES.items():
        right = wrong = missed = 0
        delays = []
        for seed in range(series):
            for size in SIZES:
                values = _noise(CHANGE + AFTER, phi, np.random.default_rng(100 + seed))
                values[CHANGE:] += size
                alarms = _alarms(new(), values)
                found = [at - CHANGE for at in alarms if 0 <= at - CHANGE < WITHIN]
                right, missed = right + bool(found), missed + (not found)
                wrong += len(alarms) - bool(found)
                delays += found[:1]
        report.add(
            f"{name}: F1, changes by 0.5 and 1 standard deviations of {noise}", 2 * right / (2 * right + wrong + missed)
        )
        report.add(f"{name}: delay of those found, {noise}, median", float(np.median(delays)) if delays else np.nan)


def _shops(report: Report, sizes: Sizes) -> None:
    delays, wrong, ratios = [], 0, []
    for seed in range(sizes.shops):
        with tempfile.TemporaryDirectory() as folder:
            shop = simulate(sizes.events // 25, sizes.events, seed, shift=Shift(DAY, LARGE_SHARE))
            alarms, ratio = _shop(shop, Path(folder))
            found = [delay for delay in alarms if 0 <= delay <= WITHIN]
            wrong += len(alarms) - bool(found)
            delays += found[:1]
            ratios.append(ratio)
    told = f"simulate --shift {DAY}, {sizes.events:,} events"
    report.add(
        f"{told}: shops of {sizes.shops} whose drift is found within {WITHIN:,} events",
        len(delays),
        least=0.9 * sizes.shops,
    )
    report.add(f"{told}: events until then, median", float(np.median(delays)) if delays else np.nan)
    report.add(f"{told}: other drifts until {AFTER:,} events after it, a shop", wrong / sizes.shops)
    report.add(f"{told}: J {AFTER:,} events after it, to scikit-learn's, worst", max(ratios), "×", most=1.05)
    with tempfile.TemporaryDirectory() as folder:
        calm, _ = _shop(simulate(sizes.events // 25, sizes.events, 0, shift=NO_SHIFT), Path(folder))
    report.add("simulate --shift none: drifts", len(calm))


def _shop(shop: Simulation, folder: Path) -> tuple[list[int], float]:
    """Replay a shop until 10,000 events after its shift; return after how many events drifts came, and J's ratio."""
    lines = list(shop.lines())
    times = [json.loads(line)["time"] for line in lines]
    at = sum(time < (shop.truth["shift"] or "9999") for time in times)
    log = folder / "log.jsonl"
    log.write_text("".join(f"{line}\n" for line in islice(lines, at + AFTER)), encoding="utf-8")
    state = str(folder / "state")
    replay(log, settings=Settings(), state=state, out=folder / "out")
    drifts = map(json.loads, (folder / "out" / "drift.jsonl").read_text(encoding="utf-8").splitlines())
    # A loss is known a horizon after what caused it.
    found = [drift for drift in drifts if not drift["what"].startswith("loss:")]
    alarms = [sum(time <= drift["time"] for time in times) - at for drift in found]
    with open_store(state) as store:
        customers, raw = Lookup(store).customers_frame(), store.partition(0).value(MODEL)
    if raw is None:
        raise ValueError("no model was fitted to the shop")
    model = Model.from_json(raw)
    customers = customers[customers["nearest"].notna()]
    vectors = customers[[f"vector.{name}" for name in model.scale.names]].to_numpy(np.float64)
    labels = np.array([model.ids.index(one) for one in customers["nearest"]], np.int64)
    return alarms, inertia(vectors, labels) / batch_inertia(vectors, len(np.unique(labels)))


def _noise(n: int, phi: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return a stationary AR(1) series of variance 1."""
    steps = rng.normal(0, np.sqrt(1 - phi * phi), n + 1000)
    values: NDArray[np.float64] = lfilter([1.0], [1.0, -phi], steps)[1000:]
    return values


def _alarms(detector: Any, values: NDArray[np.float64]) -> list[int]:
    """Return after which values a detector found a drift."""
    found = []
    for place, value in enumerate(values.tolist()):
        detector.update(value)
        if detector.drift_detected:
            found.append(place)
    return found
