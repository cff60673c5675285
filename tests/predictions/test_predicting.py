"""Examples in a shop: nothing of the future in them, labels by what came, all of them learned from once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from crm_online.drift.series import FoundDrift
from crm_online.engine.drifting import Drifting
from crm_online.engine.engine import layout
from crm_online.engine.example_store import LABELLED, decode_block
from crm_online.engine.learning import learned
from crm_online.events import models
from crm_online.events.batch import Batch
from crm_online.predictions.examples import PURCHASE, LabelledExamples
from crm_online.predictions.models import learner
from crm_online.predictions.predictor import features
from crm_online.predictions.slots import EVERY, PER_HORIZON, Slots
from crm_online.store import Store
from tests.engine import shop
from tests.engine.pipelines import Shop, settings

HORIZON = 20 * shop.DAY
SLOTS = Slots(HORIZON)
SIZE = 150


@pytest.fixture(scope="module")
def log() -> list[models.Event]:
    return shop.made(60, 50, seed=3)


def ran(
    redis: Store,
    log: Sequence[models.Event],
    partitions: int = 1,
    *,
    size: int = SIZE,
    end: bool = True,
    horizon: int = HORIZON,
) -> Shop:
    run = Shop(redis, settings(partitions=partitions, min_customers=30, sample=64, horizon=horizon))
    list(run.run(list(log), size))
    if end:
        run.end()
    return run


def blocks(run: Shop) -> dict[int, list[LabelledExamples]]:
    """Return the labelled examples of each partition."""
    stored = {pipeline.partition: pipeline.store.list_range(LABELLED, 0, -1) for pipeline in run.pipelines}
    return {partition: [decode_block(raw)[1] for raw in every] for partition, every in stored.items()}


def taken(run: Shop) -> dict[tuple[str, int], bytes]:
    """Return the features of every example, pending or labelled, by customer and moment."""
    pending = [block for pipeline in run.pipelines for block in pipeline.engine.predicting.examples.pending.values()]
    every = [*pending, *(block for some in blocks(run).values() for block in some)]
    return {
        (name, int(block.moment[row])): block.x[row].tobytes() + block.predicted[row].tobytes()
        for block in every
        for row, name in enumerate(block.customers)
    }


def test_with_the_future_cut_off_the_examples_are_the_same(redis: Store, log: list[models.Event]) -> None:
    whole = taken(ran(redis, log, end=False))
    at = len(log) * 3 // 5
    cut = taken(ran(redis, log[:at], end=False))
    until = max(event.time for event in log[:at])
    assert len(cut) > 100
    assert cut == {key: value for key, value in whole.items() if key[1] <= until}


def test_a_label_says_whether_the_customer_bought_again_within_the_horizon(
    redis: Store, log: list[models.Event]
) -> None:
    run, seen = ran(redis, log), set[float]()
    buys: dict[str | None, list[int]] = {}
    for event in log:
        if isinstance(event, models.Purchase):
            buys.setdefault(event.customer_id, []).append(event.time)
    for block in blocks(run)[0]:
        assert block.target == PURCHASE
        for row, name in enumerate(block.customers):
            moment = int(block.moment[row])
            bought = any(moment < time <= moment + HORIZON for time in buys[name])
            assert block.y[row] == bought
            assert block.labelled_at[row] > moment + HORIZON
            seen.add(float(block.y[row]))
    assert seen == {0.0, 1.0}


def test_each_followed_customer_is_taken_once_in_eight_slots(redis: Store, log: list[models.Event]) -> None:
    moments: dict[str, list[int]] = {}
    for name, moment in sorted(taken(ran(redis, log, size=40))):
        moments.setdefault(name, []).append(SLOTS.of(moment))
    assert len(moments) > 50
    for slots in moments.values():
        assert (np.diff(slots) == EVERY).all()


def test_the_owner_learns_from_every_block_of_all_partitions_once(redis: Store, log: list[models.Event]) -> None:
    run = ran(redis, log, partitions=3)
    predictor = run.pipelines[0].engine.predicting.predictor
    assert predictor is not None
    ends = [pipeline.engine.state.predictions.end for pipeline in run.pipelines]
    known = [sum(block.labelled_at.max(initial=0) > 0 for block in some) for some in blocks(run).values()]
    assert all(consumed <= end for consumed, end in zip(predictor.consumed, ends, strict=True))
    assert sum(ends) - sum(predictor.consumed) <= 3 * PER_HORIZON // 5, "the last ones wait for the next version"
    assert known == ends
    learned = sum(len(block) for number, some in blocks(run).items() for block in some[: predictor.consumed[number]])
    assert sum(group.figures[0].examples for group in predictor.purchase.groups if group.of == "time") <= learned
    versions = {pipeline.engine.predicting.version for pipeline in run.pipelines}
    assert versions == {predictor.version}


def test_learning_reads_the_sample_where_only_another_partition_than_the_owner_has_labels(redis: Store) -> None:
    owner = ran(redis, [shop.view("ann", shop.START)], partitions=2).pipelines[0].engine
    assert owner.state.predictions.end == 0
    owner.state.predictions.due, owner.state.predictions.buying_due = True, False
    plan = owner.plan_reads(Batch("made", 1, 1, shop.columns([]), [], shop.START))
    assert list(plan.labelled) == [0, 1]
    assert plan.sample, "what the labels of the other say cannot be levelled"


def test_losses_come_to_the_drift_series_by_moment_once_all_outcomes_of_it_are_known(
    redis: Store, log: list[models.Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    found, horizon = list[tuple[int, float]](), 8 * shop.DAY

    def note(
        _: object, what: str, times: NDArray[np.int64], losses: NDArray[np.float64]
    ) -> Iterator[tuple[str, FoundDrift]]:
        assert what == f"loss:{PURCHASE}"
        found.extend(zip(times.tolist(), losses.tolist(), strict=True))
        yield from ()

    monkeypatch.setattr(Drifting, "_add_losses", note)
    monkeypatch.setattr(learner, "FEWEST", 5)
    every = LabelledExamples.concatenated(
        [one for one in blocks(ran(redis, log, horizon=horizon))[0] if one.target == PURCHASE]
    )
    fitted = every.take(np.isfinite(every.predicted).all(axis=1) & (np.ptp(every.predicted, axis=1) > 0))
    assert len(fitted) > 100
    assert [time for time, _ in found] == sorted((fitted.moment + horizon).tolist())
    of_what_happened = np.where(fitted.y > 0, fitted.predicted[:, -1], 1 - fitted.predicted[:, -1]).astype(np.float64)
    assert sum(loss for _, loss in found) == pytest.approx(-np.log(of_what_happened).sum(), rel=1e-5)


def test_there_is_no_new_version_where_nothing_is_new(redis: Store, log: list[models.Event]) -> None:
    run = ran(redis, log)
    predictor = run.pipelines[0].engine.predicting.predictor
    assert predictor is not None
    every = run.pipelines[0].store.list_range(LABELLED, 0, -1)
    known = {0: [raw for raw in every if decode_block(raw)[0] < predictor.consumed[0]]}
    assert known[0]
    assert learned(predictor, HORIZON, 1, None, known, predictor.fitted_at + 1) is None


def test_outcomes_make_examples_with_the_features_before_them(redis: Store, log: list[models.Event]) -> None:
    run = ran(redis, log, end=False)
    now = run.watermark or 0
    names = sorted({event.customer_id for event in log if isinstance(event, models.Purchase) and event.customer_id})
    view = run.lookup  # before the outcomes
    frame = view.customers_frame()
    assert set(names) <= set(frame["customer_id"])
    stored = {name: run.pipelines[0].store.hash_get("customers", [name.encode()])[0] for name in names}
    run.step([shop.outcome(name, now + 1, "renewed", number % 2 == 0) for number, name in enumerate(names[:4])])
    early = shop.outcome(names[4], now - 49 * shop.DAY, "renewed", True)
    run.step([early, shop.outcome("nobody", now, "renewed", True)])
    run.step([shop.outcome(names[5], now + 2, "renewed", "a text")])
    run.step([shop.view(names[0], now + 5 * shop.DAY)])
    [block] = [block for block in blocks(run)[0] if block.target == "renewed"]
    assert (list(block.customers), block.y.tolist()) == (names[:4], [1.0, 0.0, 1.0, 0.0])
    codec, _ = layout(run.settings)
    expected = features(codec.decode([stored[name] for name in names[:4]]), now + 1)
    assert np.array_equal(block.x, expected.astype(np.float32))
