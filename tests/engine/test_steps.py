"""What holds after every step, not only at the end: sums, visits, moves, ids of segments and of changes."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from datetime import datetime
from typing import Any

import numpy as np
import pytest

from crm_online.customers.records import NEVER
from crm_online.engine.engine import CUSTOMERS
from crm_online.events import models
from crm_online.events.rejects import RejectedRow
from crm_online.segments.sums import SegmentSums
from crm_online.store import Store
from tests.engine import shop
from tests.engine.pipelines import Shop, settings

DAY = shop.DAY


@pytest.fixture(scope="module")
def log() -> list[models.Event]:
    return shop.made(160, 120, seed=1)


@pytest.fixture(scope="module")
def done(redis: Store, log: list[models.Event]) -> dict[str, Any]:
    """Run the log, and keep what the tests below want to know; a test that steps itself empties the store."""
    run = Shop(redis, settings()).all(log)
    frame, segments = run.lookup.customers_frame(), run.lookup.segments()
    return {"moves": run.moves(), "entries": run.entries, "frame": frame, "segments": segments, "end": run.watermark}


def recomputed(frame: Any, segments: Any) -> tuple[dict[str, int], float, float]:
    """Return W and J from the vectors alone, and the sum of squares."""
    vectors = frame[[f"vector.{name}" for name in segments["features"]]].to_numpy()
    sizes, inertia = {}, 0.0
    for segment in segments["segments"]:
        members = vectors[(frame["nearest"] == segment["id"]).to_numpy()]
        sizes[segment["id"]] = len(members)
        inertia += float(((members - members.mean(axis=0)) ** 2).sum()) if len(members) else 0.0
    return sizes, inertia, float((vectors**2).sum())


def test_after_every_step_the_stored_figures_are_those_of_the_records(redis: Store, log: list[models.Event]) -> None:
    run, versions = Shop(redis, settings()), set()
    for _ in run.run(log, 300):
        run.verified()
        lookup = run.lookup
        segments: Any = lookup.segments()
        versions.add(segments["model_version"])
        if segments["model_version"] and segments["complete"]:
            sizes, inertia, squares = recomputed(lookup.customers_frame(), segments)
            assert {one["id"]: one["size"] for one in segments["segments"]} == sizes
            assert sum(sizes.values()) == segments["customers"]
            assert abs(segments["J"] - inertia) <= 1e-9 * max(inertia, 1e-6 * squares)
    assert len(versions) > 2, "the log was to bring refits"


def test_no_model_before_there_are_enough_customers_and_one_in_the_step_after(redis: Store) -> None:
    run = Shop(redis, settings(min_customers=40))
    for number in range(1, 46):
        before = run.pipelines[0].engine.state.customers
        run.step([shop.order(f"c{number}", shop.START + number * DAY, ("tea", number, number))])
        found: Any = run.lookup.segments()
        assert (found["model_version"] > 0) == (before >= 40)
        if before < 40:
            assert found["segments"] == []
            assert not run.moves()
            assert run.lookup.customers_frame()["segment"].isna().all()
    assert run.lookup.customers_frame()["segment"].notna().all()


def test_everybodys_first_segment_comes_from_nowhere_by_the_fit_or_by_an_event(done: dict[str, Any]) -> None:
    first: dict[str, dict[str, Any]] = {}
    for move in done["moves"]:
        first.setdefault(move["customer_id"], move)
    assert sorted(first) == sorted(done["frame"]["customer_id"])
    assert {(move["from"], move["reason"]) for move in first.values()} == {(None, "refit"), (None, "event")}


def test_moves_tell_why_with_the_cause_that_goes_with_it(done: dict[str, Any]) -> None:
    keys = {
        "refit": {"model_version"},
        "event": {"event_id", "type"},
        "lapse": {"idle_days"},
    }
    seen = Counter(move["reason"] for move in done["moves"])
    assert set(seen) == set(keys)
    for move in done["moves"]:
        assert list(move) == [
            *("change_id", "customer_id", "from", "to", "reason", "time"),
            *("margin", "features", "model_version", "cause"),
        ]
        assert set(move["cause"]) == keys[move["reason"]]
        assert set(move["features"]) == set(done["segments"]["features"])
        moved = move["from"] is not None and move["reason"] != "refit"
        assert not moved or 0.1 <= move["margin"] <= 1
        assert move["to"] != move["from"]
    assert any(move["from"] is not None and move["reason"] == "event" for move in done["moves"])


def test_moves_follow_on_from_each_other_and_end_where_the_customer_is(done: dict[str, Any]) -> None:
    at: dict[str, str | None] = {}
    for move in done["moves"]:
        assert move["from"] == at.get(move["customer_id"])
        at[move["customer_id"]] = move["to"]
    assert at == dict(zip(done["frame"]["customer_id"], done["frame"]["segment"], strict=True))


def test_nobody_moves_before_the_dwell_or_back_before_twice_that(done: dict[str, Any]) -> None:
    last: dict[str, dict[str, Any]] = {}
    judged = 0
    for move in done["moves"]:
        before = last.get(move["customer_id"])
        if before and move["reason"] != "refit":
            apart = datetime.fromisoformat(move["time"]) - datetime.fromisoformat(before["time"])
            back = move["to"] == before["from"]
            assert apart.days >= (14 if back else 7), (before, move)
            judged += 1
        last[move["customer_id"]] = move
    assert judged > 10


@pytest.mark.parametrize(("first_at", "survivors"), [(40, 1), (120, 4)], ids=["fitted too early", "fitted on most"])
def test_ids_of_segments_survive_refits_and_new_ones_are_never_old_ones(
    redis: Store, log: list[models.Event], first_at: int, survivors: int
) -> None:
    """The same customers stay under the same id, though the model is another one."""
    run = Shop(redis, settings(min_customers=first_at))
    seen: list[Any] = []
    reported: dict[str, str] = {}
    ever: set[str] = set()
    for number in run.run(log, 200):
        model, state = run.pipelines[0].engine.segmenting.model, run.pipelines[0].engine.state
        if model is None or not state.migration_complete:
            continue
        frame = run.lookup.customers_frame()
        now = dict(zip(frame["customer_id"], frame["segment"], strict=True))
        if seen and seen[-1].version != model.version:
            survived = set(seen[-1].ids) & set(model.ids)
            assert len(survived) >= survivors, number
            assert not (set(model.ids) - survived) & ever, "an id that died came back"
            stayed = [name for name, segment in reported.items() if segment in survived]
            assert sum(now[name] == reported[name] for name in stayed) >= 0.75 * len(stayed)
            left = [name for name, segment in reported.items() if segment not in survived]
            assert all(now[name] in model.ids for name in left)
        if not seen or seen[-1].version != model.version:
            seen.append(model)
        reported = now
        ever |= set(model.ids)
    assert len(seen) > 2


def test_who_stops_buying_moves_though_nothing_of_theirs_arrives(redis: Store) -> None:
    run = Shop(redis, settings(k=2, min_customers=40))
    regulars = [f"regular {n}" for n in range(30)]
    stopped = [f"stopped {n}" for n in range(10)]
    gone = [f"gone {n}" for n in range(10)]
    log: list[models.Event] = [shop.order(name, shop.START, ("tea", 1.0, 5.0)) for name in gone]
    for day in range(60, 300, 2):
        time = shop.START + day * DAY
        log += [shop.order(name, time, ("tea", 1.0, 5.0)) for name in regulars]
        log += [shop.order(name, time + 1, ("tea", 1.0, 5.0)) for name in stopped if day < 100]
    for _ in run.run(log, 100):
        pass
    frame = run.lookup.customers_frame().set_index("customer_id")
    (regular,) = set(frame.loc[regulars, "segment"])
    assert set(frame.loc[stopped, "segment"]) != {regular}
    assert (frame.loc[stopped, "segment"] != regular).all()
    lapses = {move["customer_id"]: move for move in run.moves() if move["reason"] == "lapse"}
    assert set(stopped) <= set(lapses)
    ever = shop.START + 98 * DAY
    for name in stopped:
        when = datetime.fromisoformat(lapses[name]["time"]).timestamp() * 1000
        assert lapses[name]["cause"]["idle_days"] == pytest.approx((when - ever) / DAY, abs=1e-3)


@pytest.mark.parametrize(("half_life", "longest"), [(30 * DAY, 30 * DAY // 4), (None, 30 * DAY)])
def test_after_every_step_nobody_has_waited_too_long(
    redis: Store, log: list[models.Event], half_life: int | None, longest: int
) -> None:
    run = Shop(redis, settings(half_life=half_life))
    bucket = half_life // 90 if half_life else DAY
    lapsed = 0
    for _ in run.run(log[:4000], 100):
        if not run.pipelines[0].engine.segmenting.model or not run.pipelines[0].engine.state.migration_complete:
            continue
        names, raw = zip(*run.pipelines[0].store.hash_all(CUSTOMERS), strict=True)
        records = run.views[0].codec.decode(raw)
        scored = records.scored_at * 1000
        wait = np.minimum((scored - records.last_event) // 2, longest)
        late = (run.watermark or 0) - (scored + wait)
        assert (late <= 2 * bucket + 1000).all(), names[int(late.argmax())]
        lapsed += int((records.last_event < scored - DAY).sum())
    assert lapsed > 100


def test_a_step_visits_no_more_idle_customers_than_it_may(redis: Store) -> None:
    run = Shop(redis, settings(k=2, min_customers=40, visits=7))
    run.step([shop.order(f"c{n}", shop.START + n, ("tea", 1.0 + n % 5, 5.0)) for n in range(50)])
    run.step([shop.view("c0", shop.START + DAY)])
    while not run.pipelines[0].engine.is_idle:
        run.tick(run.pipelines[0])
    codec = run.views[0].codec

    def scored() -> dict[bytes, int]:
        pairs = list(run.pipelines[0].store.hash_all(CUSTOMERS))
        return dict(zip([name for name, _ in pairs], codec.decode([raw for _, raw in pairs]).scored_at, strict=True))

    before, steps = scored(), 0
    run.step([shop.view("c0", shop.START + 100 * DAY)])
    while (after := scored()) != before:
        visited = sum(after[name] != before[name] for name in after)
        assert visited <= 7 + (steps == 0)
        before, steps = after, steps + 1
        run.tick(run.pipelines[0])
    assert set(before.values()) == {(shop.START + 100 * DAY) // 1000}
    assert steps == 8, "50 entries wait, 7 a step"


def test_change_ids_are_complete_and_in_order_over_all_topics(done: dict[str, Any]) -> None:
    entries = done["entries"]
    assert [entry.sequence for entry in entries] == list(range(1, len(entries) + 1))
    assert [json.loads(entry.value)["change_id"] for entry in entries] == [f"0-0-{n + 1}" for n in range(len(entries))]
    assert {str(entry.topic) for entry in entries} == {"segment-changes", "segments", "rules", "predictions"}


def test_rejects_are_told_as_they_were_and_counted(redis: Store) -> None:
    run = Shop(redis, settings())
    bad = [RejectedRow("no time", "time", f"log.jsonl:{row}", "{}", row) for row in (1, 2)]
    run.step([shop.view("ann", shop.START)], bad)
    values = [json.loads(entry.value) for entry in run.entries]
    assert values == [
        {"change_id": f"0-0-{n}", "reason": "no time", "field": "time", "position": f"log.jsonl:{n}", "raw": "{}"}
        for n in (1, 2)
    ]
    assert [(entry.topic, entry.key, entry.tombstone) for entry in run.entries] == [("rejects", "", False)] * 2
    state = run.pipelines[0].engine.state
    assert (state.accepted, state.rejected, state.duplicates, state.customers) == (1, 2, 0, 1)


def test_a_feature_that_does_not_vary_counts_for_nothing(redis: Store) -> None:
    run = Shop(redis, settings(k=2))
    log: list[models.Event] = [
        shop.order(f"c{n}", shop.START + n % 2 * 3 * DAY, *[("tea", 1.0, 5.0)] * (1 + n % 2)) for n in range(60)
    ]
    run.all(sorted(log, key=lambda event: event.time), 20)
    frame, scale = run.lookup.customers_frame(), run.lookup.segments()["scale"]
    assert isinstance(scale, dict)
    for name in ("returned", "views", "feedback", "contacts"):
        assert scale[name] == 0
        assert (frame[f"vector.{name}"] == 0).all()
    assert frame["vector.spending"].abs().min() > 0


def test_k_is_chosen_at_the_first_fit_and_kept(redis: Store) -> None:
    run = Shop(redis, settings(k="auto"))
    log: list[models.Event] = []
    for day in range(0, 60, 3):
        for n in range(60):
            worth, lines = ((1.0, 1), (100.0, 2), (10.0, 30))[n % 3]
            log.append(shop.order(f"c{n}", shop.START + day * DAY, *[("tea", 1.0, worth + n / 6000)] * lines))
    seen = set()
    for _ in run.run(log, 120):
        seen.add(run.lookup.segments()["k"])
    run.end()
    assert seen == {0, 3}
    frame = run.lookup.customers_frame()
    groups = frame.groupby(frame["customer_id"].str[1:].astype(int) % 3)["nearest"].agg(set).tolist()
    assert [len(group) for group in groups] == [1, 1, 1]
    run.verified()


def test_customers_who_are_all_alike_make_one_segment(redis: Store) -> None:
    for k in (4, "auto"):
        run = Shop(redis, settings(k=k, min_customers=4))
        run.all([shop.order(f"c{n}", shop.START, ("tea", 1.0, 5.0)) for n in range(50)], 10)
        found: Any = run.lookup.segments()
        assert [one["size"] for one in found["segments"]] == [50]
        assert found["J"] == 0
        run.verified()


def test_events_without_a_customer_leave_the_customers_alone(redis: Store) -> None:
    run = Shop(redis, settings())
    run.all([shop.order(None, shop.START, ("tea", 1.0, 5.0), ("milk", 1.0, 5.0)), shop.view("ann", shop.START + 1)])
    frame = run.lookup.customers_frame()
    assert frame["customer_id"].tolist() == ["ann"]
    assert run.pipelines[0].engine.state.baskets == 1
    assert run.lookup.itemsets().baskets == pytest.approx(1, rel=1e-6)


def test_nothing_of_a_customers_plain_totals_is_lost_on_the_way(done: dict[str, Any], log: list[models.Event]) -> None:
    spend: defaultdict[str, float] = defaultdict(float)
    events: Counter[str] = Counter()
    for event in log:
        if event.customer_id is None:
            continue
        events[event.customer_id] += 1
        if isinstance(event, models.Purchase):
            spend[event.customer_id] += sum(line.quantity * line.price for line in event.items)
    frame = done["frame"].set_index("customer_id")
    assert frame["events"].to_dict() == dict(events)
    assert frame["spend"].to_dict() == pytest.approx(dict(spend), rel=1e-12)
    assert NEVER not in frame["first_event"].to_numpy()


def test_sums_of_the_model_in_use_are_never_negative(redis: Store, log: list[models.Event]) -> None:
    run = Shop(redis, settings())
    for _ in run.run(log[:3000], 60):
        sums = run.pipelines[0].engine.segmenting.sums
        if sums is not None:
            assert SegmentSums.from_bytes(sums.to_bytes()) == sums
            assert (sums.W >= 0).all()
