"""Times that lie too far ahead: poison is rejected, a shop that was closed is not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_online.events.ahead import too_far_ahead
from tests.events.reading import read
from tests.events.writing import GOOD, jsonl

DAY = 86_400_000
POISON = GOOD | {"time": "2099-01-01"}
LATER = GOOD | {"time": "2024-09-01"}
REASON = ("time too far ahead of the log", "time")


def test_a_poisoned_time_as_the_very_first_event_is_a_reject(tmp_path: Path) -> None:
    found = read(jsonl(tmp_path / "a.jsonl", POISON, *[GOOD] * 30), size=10, max_ahead=30 * DAY)
    assert [reject.row for reject in found.rejects] == [0]
    assert found.chunks[-1].watermark == found.events.time[0]


def test_poison_in_every_tenth_row_is_rejected_and_nothing_else(tmp_path: Path) -> None:
    lines = [POISON if row % 10 == 7 else GOOD for row in range(200)]
    found = read(jsonl(tmp_path / "a.jsonl", *lines), size=50, max_ahead=30 * DAY)
    assert found.reasons == [REASON] * 20
    assert {reject.row % 10 for reject in found.rejects} == {7}


@pytest.mark.parametrize("after", [1, 9])
def test_a_handful_of_events_after_a_pause_cannot_vouch_for_each_other(tmp_path: Path, after: int) -> None:
    found = read(jsonl(tmp_path / "a.jsonl", *[GOOD] * 20, *[LATER] * after), size=20, max_ahead=30 * DAY)
    assert found.reasons == [REASON] * after


def test_a_pause_in_the_middle_of_a_chunk_does_not_lose_what_comes_after_the_chunk(tmp_path: Path) -> None:
    found = read(jsonl(tmp_path / "a.jsonl", *[GOOD] * 30, *[LATER] * 50), size=20, max_ahead=30 * DAY)
    assert len(found.events) == 80  # ten of the chunk of the pause are enough to be believed


def test_a_pause_in_a_chunk_is_no_poison_when_the_log_goes_on_from_there(tmp_path: Path) -> None:
    found = read(jsonl(tmp_path / "a.jsonl", *[GOOD] * 30, *[LATER] * 10), size=50, max_ahead=30 * DAY)
    assert len(found.events) == 40


@pytest.mark.parametrize("every", [1, 7, 60])
def test_a_small_log_over_years_loses_nothing(tmp_path: Path, every: int) -> None:
    days = pd.date_range("2020-01-01", "2023-12-31", freq=f"{every}D")
    lines = [GOOD | {"time": day.isoformat()} for day in days]
    found = read(jsonl(tmp_path / "a.jsonl", *lines), max_ahead=30 * DAY)
    assert len(found.events) == len(days)


@pytest.mark.parametrize("place", [0, 1, 12, 23])
def test_poison_in_a_small_log_over_years_is_still_rejected(tmp_path: Path, place: int) -> None:
    lines = [GOOD | {"time": day.isoformat()} for day in pd.date_range("2020-01-01", periods=24, freq="60D")]
    lines[place] = POISON
    found = read(jsonl(tmp_path / "a.jsonl", *lines), max_ahead=30 * DAY)
    assert [reject.row for reject in found.rejects] == [place]


def test_of_two_events_the_one_far_ahead_is_not_believed(tmp_path: Path) -> None:
    assert read(jsonl(tmp_path / "a.jsonl", GOOD, POISON), max_ahead=30 * DAY).reasons == [REASON]


@pytest.mark.parametrize("each", [1, 3, 8])
def test_a_small_log_that_grows_bit_by_bit_goes_on_after_a_pause(tmp_path: Path, each: int) -> None:
    later = [GOOD | {"time": time.isoformat()} for time in pd.date_range("2024-09-01", periods=40, freq="6h")]
    found = read(jsonl(tmp_path / "a.jsonl", *[GOOD] * 24, *later), size=each, max_ahead=30 * DAY)
    assert len(found.rejects) < 10, "those that come before anybody vouches for them"
    assert found.chunks[-1].leap is None


def test_poison_that_is_alone_in_its_chunk_is_vouched_for_by_nothing_normal_after_it(tmp_path: Path) -> None:
    lines = [POISON if row % 3 == 2 else GOOD for row in range(90)]
    found = read(jsonl(tmp_path / "a.jsonl", *lines), size=1, max_ahead=30 * DAY)
    assert found.reasons == [REASON] * 30


def test_two_typos_among_rows_of_one_day_are_no_sparse_log(tmp_path: Path) -> None:
    typos = [GOOD | {"time": f"{year}-01-01"} for year in (2034, 2089)]
    found = read(jsonl(tmp_path / "a.jsonl", *[GOOD] * 50, *typos, *[GOOD] * 50), max_ahead=30 * DAY)
    assert [reject.row for reject in found.rejects] == [50, 51]


@given(
    n=st.integers(1, 400),
    seed=st.integers(0, 99),
    rate=st.sampled_from((0.0, 0.01, 0.2)),
    span=st.sampled_from((1, 90, 3000)),
    last=st.integers(0, 3),
)
def test_poison_of_any_share_below_half_is_found_and_only_poison(
    n: int, seed: int, rate: float, span: int, last: int
) -> None:
    random = np.random.default_rng(seed)
    times = np.sort(random.integers(0, span * DAY, n)) if n * 10 > span else np.arange(n) * (DAY * span // n)
    poisoned = random.random(n) < rate
    poisoned[n - last :] |= rate > 0
    found, _ = too_far_ahead(np.where(poisoned, random.integers(20_000, 40_000, n) * DAY, times), 0, 30 * DAY)
    assert not (poisoned & ~found).any() or poisoned.mean() > 0.4
    if n >= 200:
        assert not (found & ~poisoned).any()


def test_late_events_are_taken_and_do_not_set_the_log_back(tmp_path: Path) -> None:
    late = GOOD | {"time": "2019-01-01"}
    found = read(jsonl(tmp_path / "a.jsonl", *[GOOD] * 10, *[late] * 10, *[GOOD] * 5), size=10, max_ahead=30 * DAY)
    assert len(found.events) == 25
    assert {chunk.watermark for chunk in found.chunks} == {int(found.events.time[0])}


ERASE: dict[str, object] = {"type": "erase", "customer_id": "a"}


@pytest.mark.parametrize("number", [1, 50])
@pytest.mark.parametrize("size", [1, 20, 2000])
def test_an_erasure_is_never_too_far_ahead_and_one_that_would_be_moves_nothing(
    tmp_path: Path, number: int, size: int
) -> None:
    erasures = [ERASE | {"time": "2031-01-01"}] * number
    found = read(jsonl(tmp_path / "a.jsonl", *[GOOD] * 20, *erasures, *[GOOD] * 20), size=size, max_ahead=30 * DAY)
    assert not found.rejects
    assert {chunk.watermark for chunk in found.chunks} == {int(found.events.time[0])}


def test_an_erasure_within_the_limit_moves_the_watermark_and_vouches_for_nothing(tmp_path: Path) -> None:
    near = ERASE | {"time": "2024-01-20"}
    found = read(jsonl(tmp_path / "a.jsonl", *[GOOD] * 20, near), max_ahead=30 * DAY)
    assert found.chunks[-1].watermark == int(found.events.time[-1])
    there = [ERASE | {"time": "2024-09-01"}] * 20
    found = read(jsonl(tmp_path / "a.jsonl", *[GOOD] * 20, *there, LATER), max_ahead=30 * DAY)
    assert found.reasons == [REASON]
    assert (found.rejects[0].row, found.chunks[-1].watermark) == (40, int(found.events.time[0]))


def test_without_a_limit_an_erasure_moves_the_watermark_like_any_event(tmp_path: Path) -> None:
    found = read(jsonl(tmp_path / "a.jsonl", GOOD, ERASE | {"time": "2031-01-01"}))
    assert found.chunks[-1].watermark == int(found.events.time[-1])


def test_without_a_limit_every_time_from_1970_to_2105_is_taken(tmp_path: Path) -> None:
    times = ["1970-01-01", "2105-12-31T23:59:59.999Z"]
    found = read(jsonl(tmp_path / "a.jsonl", *(GOOD | {"time": time} for time in times)))
    assert len(found.events) == 2


def test_going_on_with_the_watermark_rejects_the_same_as_in_one_go(tmp_path: Path) -> None:
    lines = [GOOD] * 20 + [POISON] + [GOOD] * 4
    path = jsonl(tmp_path / "a.jsonl", *lines)
    whole = read(path, size=5, max_ahead=30 * DAY)
    for number in range(1, len(whole.chunks)):
        before = whole.chunks[number - 1]
        rest = read(path, begin=before.end, size=5, max_ahead=30 * DAY, watermark=before.watermark)
        assert rest.reasons == [REASON]
        assert [chunk.watermark for chunk in rest.chunks] == [chunk.watermark for chunk in whole.chunks[number:]]
