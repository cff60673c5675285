"""Drift of the whole log: observations of all partitions' steps go into tests, and found drifts become changes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from crm_online.digits import digits
from crm_online.drift.measures import Means, Shares
from crm_online.drift.series import DAY, DriftSeries, FoundDrift
from crm_online.engine.fitting import ModelWithSums
from crm_online.engine.loaded import Loaded
from crm_online.engine.observed import GROUPS, ItemGroups, ObservedSums, summed
from crm_online.engine.observed import NAME as OBSERVED
from crm_online.engine.step_context import StepContext
from crm_online.events.columns import EventColumns
from crm_online.events.times import to_short_iso
from crm_online.itemsets.kept import KeptBaskets
from crm_online.segments.sums import SegmentSums
from crm_online.step import Append, Put, Replace, Shorten, Topic, Write

SERIES = "drift"
"""Hash of partition 0: the series, and up to where the others' sums are in them."""
DRIFTS = "drifts"
"""List of partition 0: the last drifts, as they were published."""
KEPT = 500
"""Drifts that are kept for look-ups."""
DISTANCES, BASKETS, LOSS = "distances", "baskets", "loss:"

_PART = 500
_MOST_PARTS = 4
_BASKETS = 20_000
_MOST_ITEMS = 5
_CLEAR = 3.0


class ItemShift(TypedDict):
    """The share of baskets with an item, before a drift and since."""

    item: str
    before: float
    after: float


class PartitionObserver:
    """Sums of what the steps of a partition other than 0 observed, for partition 0 to read.

    Parameters
    ----------
    loaded
        What the store holds of the partition.
    """

    def __init__(self, loaded: Loaded) -> None:
        self._sums = ObservedSums.decode(loaded.observed)
        self._groups = ItemGroups()

    def write(self, step: StepContext, names: Sequence[str]) -> None:
        """Add what a step shows to the partition's sums."""
        (part,) = summed(step.observed, self._groups, names, np.zeros(0, np.int64))
        if part.values.any():
            self._sums += part
            step.writes.append(Replace(OBSERVED, self._sums.encode()))


class Drifting:
    """The drift tests of partition 0, for all.

    Parameters
    ----------
    loaded
        What the store holds of the partition.
    """

    def __init__(self, loaded: Loaded) -> None:
        self._groups = ItemGroups()
        self._series: dict[str, DriftSeries] = {}
        self._others: dict[str, bytes] = {}
        self._kept = len(loaded.drifts)
        self._version = 0
        for field, raw in loaded.drift:
            kind, _, name = field.decode().partition(" ")
            if kind == "others":
                self._others[name] = raw
            elif kind == "model":
                self._version = int(raw)
            elif kind == "series":
                self._of(name).load(raw)
            else:
                self._of(name).load_block(raw)

    def observe(
        self,
        step: StepContext,
        events: EventColumns,
        fitted: ModelWithSums | None,
        baskets: KeptBaskets,
        names: Sequence[str],
    ) -> bool:
        """Add a step's observations, emit the drifts that they reveal, and return whether there are any.

        Parameters
        ----------
        step, events
            The step, and its events: many are taken in parts, each with its time.
        fitted
            The model and its sums over all partitions; ``None`` while there are none: distances are left out then.
            With another model they begin anew.
        baskets, names
            The partition's baskets, and its items' names: they say what is bought otherwise.
        """
        edges = _edges(events.time, step.now)
        parts = summed(step.observed, self._groups, names, edges)
        parts[0] += self._of_others(step)
        spread = _spread(fitted.sums) if fitted else 0.0
        if fitted and fitted.model.version != self._version:
            self._version = fitted.model.version
            self._of(DISTANCES).restart()
            step.writes.append(Put(SERIES, {b"model": b"%d" % self._version}))
        found: list[tuple[str, FoundDrift]] = []
        for time, part in zip([*edges.tolist(), step.now], parts, strict=True):
            n, distance = part.distances
            if n > 0 and spread:
                found += self._add(DISTANCES, n, np.array([distance / spread]), time)
            lines = np.maximum(part.lines, 0).astype(np.float64)
            if lines.any():
                found += self._add(BASKETS, float(lines.sum()), lines, time)
        for name, (times, losses) in sorted(step.observed.losses.items()):
            found += self._add_losses(LOSS + name, np.minimum(times, step.now), losses)
        for what, drift in found:
            self._emit(step, what, drift, baskets, names)
        step.writes += self._writes()
        return bool(found)

    def _of(self, what: str) -> DriftSeries:
        if what not in self._series:
            self._series[what] = DriftSeries(Shares(GROUPS) if what == BASKETS else Means())
        return self._series[what]

    def _add(self, what: str, n: float, sums: NDArray[np.float64], time: int) -> Iterator[tuple[str, FoundDrift]]:
        found = self._of(what).add(n, sums, time)
        if found is not None:
            yield what, found

    def _add_losses(
        self, what: str, times: NDArray[np.int64], losses: NDArray[np.float64]
    ) -> Iterator[tuple[str, FoundDrift]]:
        """Add losses in order of time, day by day."""
        begins = np.flatnonzero(np.diff(times // DAY, prepend=-1))
        for begin, end in zip(begins.tolist(), [*begins[1:].tolist(), len(times)], strict=True):
            yield from self._add(what, end - begin, np.array([losses[begin:end].sum()]), int(times[end - 1]))

    def _of_others(self, step: StepContext) -> ObservedSums:
        """Return what the other partitions' steps have shown since this was asked last."""
        fresh = ObservedSums.empty()
        for number, raw in sorted(step.read.observed.items()):
            before = self._others.get(str(number))
            if raw is not None and raw != before:
                fresh += ObservedSums.decode(raw) - ObservedSums.decode(before)
                self._others[str(number)] = raw
                step.writes.append(Put(SERIES, {f"others {number}".encode(): raw}))
        return fresh

    def _writes(self) -> Iterator[Write]:
        fields = {}
        for name, series in sorted(self._series.items()):
            if series.has_ended_block:
                fields[f"series {name}".encode()] = series.encode()
            if series.has_changed:
                fields[f"block {name}".encode()] = series.encode_block()
            series.has_ended_block = series.has_changed = False
        if fields:
            yield Put(SERIES, fields)

    def _emit(
        self, step: StepContext, what: str, drift: FoundDrift, baskets: KeptBaskets, names: Sequence[str]
    ) -> None:
        items = moved_items(baskets, names, drift.since) if what == BASKETS else []
        part = int(np.abs(drift.after - drift.before).argmax())
        before, after = float(drift.before[part]), float(drift.after[part])
        if items:
            before, after = items[0]["before"], items[0]["after"]
        value = {
            "what": what,
            "size": digits((after - before) / before) if before else None,
            "time": to_short_iso(drift.time),
            "since": to_short_iso(drift.since),
            "before": digits(before),
            "after": digits(after),
            "deviations": digits(drift.score),
            "items": items,
        }
        step.writes.append(Append(DRIFTS, [step.changes.emit(Topic.DRIFT, what, value)]))
        self._kept += 1
        if self._kept > KEPT:
            step.writes.append(Shorten(DRIFTS, self._kept - KEPT))
            self._kept = KEPT


def moved_items(baskets: KeptBaskets, names: Sequence[str], since: int) -> list[ItemShift]:
    """Return the items whose share of the latest baskets has changed since a time, the clearest first.

    Those that differ by 3 standard deviations, five at most, but one at least.
    """
    latest = baskets.between(max(0, baskets.places - _BASKETS), baskets.places)
    later = latest.times >= since
    n = int(later.sum())
    if not n or n == len(latest):
        return []
    of_line = np.repeat(later, np.diff(latest.start))
    items = latest.items[latest.start[0] : latest.start[-1]]
    after, before = (np.bincount(items[rows], minlength=len(names)) for rows in (of_line, ~of_line))
    ratio = n / (len(latest) - n)
    moved = 2 * (np.sqrt(after + 3 / 8) - np.sqrt(before * ratio + 3 / 8)) / math.sqrt(1 + ratio)
    order = np.argsort(-np.abs(moved), kind="stable")[:_MOST_ITEMS]
    return [
        ItemShift(
            item=names[item],
            before=digits(float(before[item] / (len(latest) - n))),
            after=digits(float(after[item] / n)),
        )
        for place, item in enumerate(order.tolist())
        if not place or abs(moved[item]) >= _CLEAR
    ]


def _edges(times: NDArray[np.int64], now: int) -> NDArray[np.int64]:
    """Return the times at which a step's events are cut into parts of about 500, four at most; ascending."""
    parts = min(len(times) // _PART, _MOST_PARTS)
    if parts < 2:
        return np.zeros(0, np.int64)
    ordered = np.sort(np.minimum(times, now))
    edges = np.unique(ordered[[len(times) * part // parts - 1 for part in range(1, parts)]])
    return edges[edges < now]


def _spread(total: SegmentSums) -> float:
    """Return how far members lie from their centroids: the root of the mean squared distance; 0 without members."""
    return math.sqrt(total.inertia() / max(int(total.W.sum()), 1))
