"""Times that lie too far ahead: poison is rejected, a shop that was closed is not, and what is not known yet waits."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_online.events.ahead import WINDOW, Verdict, before_clock, judge
from crm_online.events.building import from_events
from crm_online.events.columns import EventColumns
from crm_online.events.formats import reader_of
from crm_online.events.models import EVENT
from crm_online.events.options import NO_OPTIONS
from crm_online.events.source import open_source
from crm_online.events.times import to_iso
from crm_online.events.window import ROWS, Window
from tests.events.reading import Read, read
from tests.events.writing import GOOD, jsonl

DAY = 86_400_000
LIMIT = 30 * DAY
POISON = GOOD | {"time": "2099-01-01"}
REASON = ("time too far ahead of the log", "time")
SIZES = [1, 3, 20, 2000]


def some(count: int, day: str = "2024-01-01", first: int = 0) -> list[dict[str, object]]:
    """Return events of as many customers, a minute apart."""
    times = pd.date_range(day, periods=count, freq="min")
    return [GOOD | {"customer_id": f"c{first + n}", "time": time.isoformat()} for n, time in enumerate(times)]


def judged(folder: Path, *lines: object, size: int = 2000) -> Read:
    return read(jsonl(folder / "a.jsonl", *lines), size=size, max_ahead=LIMIT)


def events_of(times: np.ndarray, customers: np.ndarray | None = None) -> EventColumns:
    who = np.arange(len(times)) if customers is None else customers
    made = [
        EVENT.validate_python({"type": "view", "customer_id": f"c{name}", "time": to_iso(time), "item": "tea"})
        for name, time in zip(who.tolist(), times.tolist(), strict=True)
    ]
    return from_events(made, np.arange(len(made)), "log")


@pytest.mark.parametrize("size", SIZES)
def test_a_poisoned_time_as_the_very_first_event_is_a_reject(tmp_path: Path, size: int) -> None:
    found = judged(tmp_path, POISON, *some(30), size=size)
    assert [reject.row for reject in found.rejects] == [0]
    assert found.chunks[-1].watermark == found.events.time.max()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("each", [3, 10, 100])
def test_poison_in_every_so_many_rows_is_rejected_and_nothing_else(tmp_path: Path, each: int, size: int) -> None:
    lines = some(200)
    for row in range(each - 1, 200, each):
        lines[row] |= {"time": "2099-01-01"}
    found = judged(tmp_path, *lines, GOOD, size=size)
    assert found.reasons == [REASON] * (200 // each)
    assert {reject.row % each for reject in found.rejects} == {each - 1}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("after", [2, 9, 50])
@pytest.mark.parametrize("before", [1, 20, 60])
def test_a_shop_that_reopens_after_a_pause_loses_nothing(tmp_path: Path, before: int, after: int, size: int) -> None:
    found = judged(tmp_path, *some(before), *some(after, "2024-02-10", 7), size=size)
    assert len(found.events) == before + after


@pytest.mark.parametrize("size", SIZES)
def test_one_event_after_a_pause_is_held_back_until_another_customer_vouches(tmp_path: Path, size: int) -> None:
    first = judged(tmp_path, *some(20), *some(1, "2024-02-10"), size=size)
    assert (first.rows, len(first.events), first.reasons, first.chunks[-1].held) == (20, 20, [], 1)
    same = judged(tmp_path, *some(20), *some(1, "2024-02-10"), *some(1, "2024-02-11"), size=size)
    assert (same.rows, same.chunks[-1].held) == (20, 2), "one customer whose clock is wrong vouches for nothing"
    path = jsonl(tmp_path / "a.jsonl", *some(20), *some(1, "2024-02-10"), *some(1, "2024-02-11", 5))
    more = read(path, begin=20, size=size, max_ahead=LIMIT, watermark=first.chunks[-1].watermark)
    assert (len(more.events), more.reasons, more.chunks[-1].held) == (2, [], 0)


@pytest.mark.parametrize("size", SIZES)
def test_what_was_held_back_is_rejected_when_the_log_goes_on_where_it_was(tmp_path: Path, size: int) -> None:
    found = judged(tmp_path, *some(20), *some(1, "2062-02-10"), *some(5, "2024-01-02"), size=size)
    assert [reject.row for reject in found.rejects] == [20]


def test_nothing_after_what_is_held_back_is_told_or_counted_twice(tmp_path: Path) -> None:
    odd = GOOD | {"colour": "red"}
    found = judged(tmp_path, *some(20), odd, POISON, odd, "no JSON", '{"half')
    assert found.rows == 25, "with an event that is not ahead behind it, nothing waits"
    found = judged(tmp_path, *some(20), odd, POISON, "no JSON", '{"half')
    assert (found.rows, found.reasons, found.chunks[-1].half_written) == (21, [], False)
    assert found.chunks[-1].unknown_fields == {"colour": 1}


def test_the_next_log_decides_on_what_lies_far_ahead_at_the_end_of_one(tmp_path: Path) -> None:
    path = jsonl(tmp_path / "a.jsonl", *some(20), *some(1, "2024-02-10"))
    opened = read(path, max_ahead=LIMIT, later=[events_of(np.arange(3) * DAY + 19763 * DAY)])
    assert (len(opened.events), opened.reasons) == (21, [])
    gone_on = read(path, max_ahead=LIMIT, later=[events_of(np.arange(3) * DAY + 19724 * DAY)])
    assert (len(gone_on.events), gone_on.reasons) == (20, [REASON])


def test_one_date_decades_ahead_is_no_leap_however_many_customers_have_it(tmp_path: Path) -> None:
    never = [event | {"time": "2099-12-31"} for event in some(50)]
    assert judged(tmp_path, *some(20), *never).chunks[-1].held == 50
    assert len(judged(tmp_path, *some(20), *some(50, "2029-01-01")).events) == 70


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("forged", [1, 2, 6])
def test_a_dozen_events_of_a_few_customers_that_one_forger_made_do_not_move_a_busy_log_by_decades(
    tmp_path: Path, forged: int, size: int
) -> None:
    times = pd.date_range("2105-01-01", periods=12, freq="h")
    dozen = [GOOD | {"customer_id": f"x{n % forged}", "time": time.isoformat()} for n, time in enumerate(times)]
    found = judged(tmp_path, *some(60), *dozen, size=size)
    assert (len(found.events), found.rejects, found.chunks[-1].held) == (60, [], 12), "they wait for what comes next"
    assert judged(tmp_path, *some(60), *dozen, *some(14, "2024-01-02"), size=size).reasons == [REASON] * 12


@pytest.mark.parametrize("size", SIZES)
def test_a_shop_that_reopens_after_years_loses_nothing_once_as_many_came_as_its_own_pace_lets_expect(
    tmp_path: Path, size: int
) -> None:
    assert len(judged(tmp_path, *some(60), *some(20, "2029-01-01"), size=size).events) == 80
    months = [GOOD | {"customer_id": f"c{n}", "time": f"20{n // 12 + 10}-{n % 12 + 1:02}-01"} for n in range(30)]
    months += [GOOD | {"customer_id": f"c{n}", "time": f"2020-{n + 1:02}-01"} for n in range(12)]
    assert len(judged(tmp_path, *months, size=size).events) == 42


@pytest.mark.parametrize("size", [1, 7, 2000])
@pytest.mark.parametrize("newest", [2, 5, 30])
def test_a_log_from_the_newest_to_the_oldest_loses_nothing_across_a_pause(
    tmp_path: Path, newest: int, size: int
) -> None:
    found = judged(tmp_path, *reversed([*some(40), *some(newest, "2024-03-01", 3)]), size=size)
    assert len(found.events) == 40 + newest


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("every", [1, 7, 60])
def test_a_small_log_over_years_loses_nothing(tmp_path: Path, every: int, size: int) -> None:
    days = pd.date_range("2020-01-01", "2023-12-31", freq=f"{every}D")
    lines = [GOOD | {"customer_id": f"c{n}", "time": day.isoformat()} for n, day in enumerate(days)]
    assert len(judged(tmp_path, *lines, size=size).events) == len(days)


@pytest.mark.parametrize("size", [1, 5, 2000])
@pytest.mark.parametrize("place", [0, 1, 12, 23])
def test_poison_in_a_small_log_over_years_is_still_found(tmp_path: Path, place: int, size: int) -> None:
    days = pd.date_range("2020-01-01", periods=24, freq="60D")
    lines = [GOOD | {"customer_id": f"c{n}", "time": day.isoformat()} for n, day in enumerate(days)]
    lines[place] = POISON
    found = judged(tmp_path, *lines, size=size)
    if place == 23:
        assert (found.rejects, found.rows, found.chunks[-1].held) == ([], 23, 1)
    else:
        assert [reject.row for reject in found.rejects] == [place]


def test_two_typos_of_different_years_among_rows_of_one_day_are_no_leap(tmp_path: Path) -> None:
    typos = [GOOD | {"customer_id": f"c{year}", "time": f"{year}-01-01"} for year in (2034, 2089)]
    found = judged(tmp_path, *some(50), *typos, *some(50))
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
    years = 20_000 * DAY + random.permutation(n) * 400 * DAY % (18_000 * DAY)
    found = judge(events_of(np.where(poisoned, years, times)), 0, LIMIT)
    far = found.far | (np.arange(n) >= (n if found.held is None else found.held))
    assert not (poisoned & ~far).any() or poisoned.mean() > 0.4
    if n >= 200:
        assert not (far & ~poisoned).any()


@given(seed=st.integers(0, 99), size=st.integers(1, 60), n=st.integers(2, 200), pause=st.integers(1, 300))
def test_any_step_size_takes_the_same_events_of_a_log_with_pauses(seed: int, size: int, n: int, pause: int) -> None:
    random = np.random.default_rng(seed)
    times = np.cumsum(random.choice([DAY // 24, pause * DAY], n, p=[0.8, 0.2]))
    events = events_of(times)
    whole, found = judge(events, None, LIMIT), in_pieces(events, size)
    assert (whole.held is None, whole.far.any()) == (found.held is None, found.far.any())
    assert whole.watermark == found.watermark


def in_pieces(events: EventColumns, size: int) -> Verdict:
    """Judge events a few at a time, as a replay does."""
    found, far = Verdict(np.zeros(0, bool), None), []
    for begin in range(0, len(events), size):
        piece = events.select(np.arange(begin, min(begin + size, len(events))))

        def following(count: int, end: int = begin + size) -> tuple[list[EventColumns], bool]:
            rest = np.arange(end, min(end + count, len(events)))
            return [events.select(rest)] if len(rest) else [], len(rest) < count

        found = judge(piece, found.watermark, LIMIT, found.pauses, following)
        far.append(found.far)
        if found.held is not None:
            break
    return found._replace(far=np.concatenate(far))


def test_no_more_than_a_window_of_events_is_ever_held_back(tmp_path: Path) -> None:
    one = [GOOD | {"time": "2030-01-01"}]
    assert judged(tmp_path, *some(20), *one * (WINDOW - 1)).chunks[-1].held == WINDOW - 1
    assert judged(tmp_path, *some(20), *one * WINDOW).reasons == [REASON] * WINDOW


def test_no_more_rows_are_looked_through_than_a_bound_where_hardly_any_is_an_event(tmp_path: Path) -> None:
    path = jsonl(tmp_path / "a.jsonl", GOOD, *["no JSON"] * 3 * ROWS)
    reader = reader_of(path, open_source(path), NO_OPTIONS)
    read = count()
    window = Window((chunk for chunk in reader.chunks(0, 500) if next(read) >= 0), ())
    next(iter(window))
    assert window.following(WINDOW)[1] is False
    assert next(read) <= ROWS // 500 + 2


def test_late_events_are_taken_and_do_not_set_the_log_back(tmp_path: Path) -> None:
    late = GOOD | {"time": "2019-01-01"}
    found = judged(tmp_path, *[GOOD] * 10, *[late] * 10, *[GOOD] * 5, size=10)
    assert len(found.events) == 25
    assert {chunk.watermark for chunk in found.chunks} == {int(found.events.time[0])}


ERASE: dict[str, object] = {"type": "erase", "customer_id": "a"}
TIMELESS = (ERASE, ERASE | {"type": "objection"}, ERASE | {"type": "objection", "withdrawn": True})


@pytest.mark.parametrize("number", [1, 50])
@pytest.mark.parametrize("size", [1, 20, 2000])
def test_an_erasure_or_objection_is_never_too_far_ahead_and_one_that_would_be_moves_nothing(
    tmp_path: Path, number: int, size: int
) -> None:
    odd = [event | {"time": "2031-01-01"} for event in TIMELESS * number]
    found = judged(tmp_path, *[GOOD] * 20, *odd, *[GOOD] * 20, size=size)
    assert not found.rejects
    assert {chunk.watermark for chunk in found.chunks} == {int(found.events.time[0])}


def test_an_erasure_within_the_limit_moves_the_watermark_and_vouches_for_nothing(tmp_path: Path) -> None:
    near = ERASE | {"time": "2024-01-20"}
    found = judged(tmp_path, *[GOOD] * 20, near)
    assert found.chunks[-1].watermark == int(found.events.time[-1])
    there = [ERASE | {"time": "2024-09-01"}] * 20
    found = judged(tmp_path, *[GOOD] * 20, *there, *some(1, "2024-09-01"))
    assert (found.rows, found.chunks[-1].held) == (40, 1)
    assert found.chunks[-1].watermark == int(found.events.time[0])


@pytest.mark.parametrize("size", SIZES)
def test_an_erasure_or_objection_waits_for_nothing(tmp_path: Path, size: int) -> None:
    last = [event | {"time": "2024-09-01"} for event in TIMELESS]
    found = judged(tmp_path, *some(20), *some(1, "2024-09-01"), *last, size=size)
    assert (found.rows, found.reasons, len(found.events)) == (24, [REASON], 23)


def test_without_a_limit_an_erasure_moves_the_watermark_like_any_event(tmp_path: Path) -> None:
    found = read(jsonl(tmp_path / "a.jsonl", GOOD, ERASE | {"time": "2031-01-01"}))
    assert found.chunks[-1].watermark == int(found.events.time[-1])


def test_without_a_limit_every_time_from_1970_to_2105_is_taken(tmp_path: Path) -> None:
    times = ["1970-01-01", "2105-12-31T23:59:59.999Z"]
    found = read(jsonl(tmp_path / "a.jsonl", *(GOOD | {"time": time} for time in times)))
    assert len(found.events) == 2


def test_where_there_is_a_clock_only_what_lies_after_it_is_refused_and_moves_nothing() -> None:
    days = np.array([1, 400, 300, 501, 500]) * DAY
    far, watermark = before_clock(events_of(days), None, 500 * DAY)
    assert (far.tolist(), watermark) == ([False, False, False, True, False], 500 * DAY)
    assert before_clock(events_of(days), 600 * DAY, 500 * DAY)[1] == 600 * DAY
    assert not before_clock(events_of(days), 600 * DAY, 500 * DAY)[0].any(), "no later than the log is already"


def test_by_a_clock_too_an_erasure_or_objection_is_never_too_far_ahead() -> None:
    events = from_events([EVENT.validate_python(event | {"time": "2031-01-01"}) for event in TIMELESS], range(3), "a")
    far, watermark = before_clock(events, 600 * DAY, 500 * DAY)
    assert (far.tolist(), watermark) == ([False] * 3, 600 * DAY)


def test_going_on_with_the_watermark_rejects_the_same_as_in_one_go(tmp_path: Path) -> None:
    lines = [GOOD] * 20 + [POISON] + [GOOD] * 4
    path = jsonl(tmp_path / "a.jsonl", *lines)
    whole = read(path, size=5, max_ahead=LIMIT)
    for number in range(1, len(whole.chunks)):
        before = whole.chunks[number - 1]
        rest = read(path, begin=before.end, size=5, max_ahead=LIMIT, watermark=before.watermark)
        assert rest.reasons == [REASON]
        assert [chunk.watermark for chunk in rest.chunks] == [chunk.watermark for chunk in whole.chunks[number:]]
