"""A series has a drift where its mean or its shares change, and none where they only fluctuate."""

from __future__ import annotations

import json

import numpy as np
import pytest
from numpy.typing import NDArray

import crm_online
from crm_online.drift.measures import Means, Shares
from crm_online.drift.series import DAY, DriftSeries, FoundDrift
from crm_online.errors import StateCorrupt, StateTooNew

BLOCK = 100
Values = NDArray[np.float64]


def autoregressive(n: int, phi: float, rng: np.random.Generator) -> Values:
    """Return a stationary AR(1) series of variance 1."""
    values, steps = np.empty(n), rng.normal(0, np.sqrt(1 - phi * phi), n).tolist()
    value = float(rng.normal())
    for place, step in enumerate(steps):
        value = phi * value + step
        values[place] = value
    return values


def found(values: Values, blocks_a_day: int | None = None) -> list[tuple[int, FoundDrift]]:
    """Return the drifts of a series, each with the number of values after which it was found."""
    series, drifts = DriftSeries(Means(), BLOCK), list[tuple[int, FoundDrift]]()
    for number, total in enumerate(values.reshape(-1, BLOCK).sum(axis=1).tolist(), 1):
        time = number * BLOCK if blocks_a_day is None else (number - 1) * DAY // blocks_a_day
        drift = series.add(BLOCK, np.array([total]), time)
        if drift is not None:
            drifts.append((number * BLOCK, drift))
    return drifts


@pytest.mark.parametrize("phi", [0.0, 0.9], ids=["independent", "AR(0.9)"])
def test_a_million_values_that_only_fluctuate_have_no_drift(phi: float) -> None:
    values = autoregressive(1_000_000, phi, np.random.default_rng(7))
    assert found(values) == []


@pytest.mark.parametrize("size", [0.5, -1.0, 3.0])
def test_a_change_of_the_mean_is_found_once_with_its_time_and_what_it_was(size: float) -> None:
    values = np.random.default_rng(3).normal(5, 1, 40_000)
    values[20_000:] += size
    ((at, drift),) = found(values)
    assert 20_000 < at <= 21_000
    assert 19_000 <= drift.since <= 20_200
    assert drift.before[0] == pytest.approx(5, abs=0.1)
    assert drift.after[0] == pytest.approx(5 + size, abs=0.4 + abs(size) / 2)
    assert drift.score > 5


def test_a_single_odd_block_is_no_drift() -> None:
    values = np.random.default_rng(4).normal(0, 1, 40_000)
    values[20_000:20_100] += 20
    assert found(values) == []


def test_a_weekly_rhythm_is_no_drift_and_does_not_hide_one() -> None:
    rng = np.random.default_rng(5)
    weekdays = np.array([0, 0, 0.2, 0.4, 1.0, 2.0, 1.5])
    values = rng.normal(0, 1, 60_000) + np.repeat(np.resize(weekdays, 600), BLOCK)
    assert found(values, blocks_a_day=1) == []
    values[40_000:] += 0.7
    ((at, _),) = found(values, blocks_a_day=1)
    assert 40_000 < at <= 41_600


def test_shares_that_change_are_found_though_most_do_not() -> None:
    rng, shares = np.random.default_rng(6), np.full(128, 1 / 128)
    moved = shares.copy()
    moved[:6] *= 2
    series, drifts = DriftSeries(Shares(128)), []
    for number in range(400):
        counts = rng.multinomial(500, (shares if number < 200 else moved) / (shares if number < 200 else moved).sum())
        drift = series.add(500, counts.astype(np.float64), number * DAY)
        if drift is not None:
            drifts.append(number)
            assert len({*(drift.after / drift.before).argsort()[-6:].tolist()} & {*range(6)}) >= 4
    (at,) = drifts
    assert 200 < at < 216


def test_a_series_read_back_at_any_moment_goes_on_as_one_that_never_stopped() -> None:
    rng = np.random.default_rng(8)
    values = [
        (float(n), rng.normal(n if number < 70 else 2 * n, 1, 1)) for number, n in enumerate(rng.integers(5, 60, 140))
    ]
    whole, again = DriftSeries(Means()), DriftSeries(Means())
    drifts = list[int]()
    for number, (n, sums) in enumerate(values):
        drift, other = (series.add(n, sums, number * DAY // 2) for series in (whole, again))
        assert (drift is None) == (other is None)
        drifts += [number] if drift is not None else []
        read = DriftSeries(Means())
        read.load(again.encode())
        read.load_block(again.encode_block())
        again = read
        assert (again.encode(), again.encode_block()) == (whole.encode(), whole.encode_block())
    assert len(drifts) == 1


def test_bytes_that_are_no_series_or_one_of_a_newer_version_are_refused() -> None:
    raw = DriftSeries(Means()).encode()
    line, _, body = raw.partition(b"\n")
    newer = json.dumps(json.loads(line) | {"format": 2}).encode()
    with pytest.raises(StateTooNew):
        DriftSeries(Means()).load(newer + b"\n" + body)
    for wrong in (b"", raw[:-8], raw[:40], b"{}\n", DriftSeries(Means()).encode_block()):
        with pytest.raises(StateCorrupt):
            DriftSeries(Means()).load(wrong)
    with pytest.raises(StateCorrupt):
        DriftSeries(Means()).load_block(raw)


def test_a_detector_of_values_finds_what_a_series_of_their_blocks_does() -> None:
    values = np.random.default_rng(9).normal(0, 1, 24_000)
    values[20_000:] += 1
    detector = crm_online.DriftDetector()
    at = [place for place, value in enumerate(values.tolist(), 1) if detector.update(value).drift_detected]
    assert at == [number for number, _ in found(values)]
    assert detector.drift is not None
    assert detector.drift.since >= 19_900
