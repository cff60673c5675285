"""Four partitions are the same shop as one: totals, features, counts; and one model in which all take part."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import numpy as np
import pytest

from crm_online.engine.peers import PartitionFigures, add_up, added_by_buying
from crm_online.events import models
from crm_online.events.columns import partition_of
from crm_online.lookup.predictions import column_names
from crm_online.segments.buying import KINDS
from crm_online.segments.sums import SegmentSums
from crm_online.step import Topic
from crm_online.store import Store
from tests.engine import shop
from tests.engine.pipelines import Shop, settings
from tests.engine.test_steps import recomputed


@pytest.fixture(scope="module")
def log() -> list[models.Event]:
    log = shop.made(120, 90, seed=6)
    return [*log[:900], *reversed(log[900:1100]), *log[1100:]]  # some come late


def figures(run: Shop) -> dict[str, Any]:
    """Return what must not depend on the number of partitions, as what is learned of samples does."""
    frame, found = run.lookup.customers_frame(), run.lookup.itemsets()
    learned = {name for name in map(str, frame) if name.startswith("vector.")} | set(column_names())
    numbers = [name for name in map(str, frame.select_dtypes("number")) if name not in learned]
    sets = dict(zip(found.named(), zip(found.sets.count.tolist(), found.sets.error.tolist(), strict=True), strict=True))
    return {
        "names": frame["customer_id"].tolist(),
        "numbers": frame[numbers].to_numpy(),
        "sets": sets,
        "n": found.baskets,
    }


@pytest.mark.parametrize("half_life", [None, 180 * shop.DAY], ids=["plain counts", "decayed counts"])
def test_totals_features_and_exact_counts_are_those_of_one_partition(
    redis: Store, log: list[models.Event], half_life: int | None
) -> None:
    itemsets = {"min_support": 0.02, "epsilon": 0.0, "half_life": half_life}
    one, four = (figures(Shop(redis, settings(partitions=number, itemsets=itemsets)).all(log)) for number in (1, 4))
    assert one["names"] == four["names"]
    assert np.allclose(one["numbers"], four["numbers"], rtol=1e-9, atol=0)
    assert one["sets"].keys() == four["sets"].keys()
    assert len(one["sets"]) > 15
    for name, (count, error) in one["sets"].items():
        assert four["sets"][name] == pytest.approx((count, error), rel=1e-9), name
        assert error == 0
    assert one["n"] == pytest.approx(four["n"], rel=1e-9)


def test_rules_over_four_partitions_are_those_of_one_with_the_same_figures(
    redis: Store, log: list[models.Event]
) -> None:
    def rules(partitions: int) -> dict[str, dict[str, Any]]:
        chosen = settings(partitions=partitions, itemsets={"half_life": 90 * shop.DAY, "min_support": 0.02})
        run = Shop(redis, chosen).all(log[:600])  # too few baskets for rules before the end
        values = {entry.key: json.loads(entry.value) for entry in run.entries if entry.topic is Topic.RULES}
        return {
            rule: {name: value[name] for name in ("support", "count", "error", "baskets")}
            for rule, value in values.items()
        }

    one, four = rules(1), rules(4)
    assert one
    assert one.keys() == four.keys()
    for name, figures in one.items():
        assert four[name] == pytest.approx(figures, rel=1e-9), name


def test_every_partition_holds_its_own_customers_and_a_lookup_finds_them(redis: Store, log: list[models.Event]) -> None:
    run = Shop(redis, settings(partitions=4)).all(log)
    expected = shop.columns(log)
    home = dict(
        zip(
            [expected.customers[code] if code >= 0 else None for code in expected.customer.tolist()],
            partition_of(expected, 4).tolist(),
            strict=True,
        )
    )
    sizes = []
    for number, view in enumerate(run.views):
        names = [name for ids, _, _ in view.batches() for name in ids]
        assert {home[name] for name in names} == {number}
        sizes.append(len(names))
    assert min(sizes) > 10
    found: Any = run.lookup.customer("customer 007")
    assert found["customer_id"] == "customer 007"
    assert "also_in_partitions" not in found


def test_the_model_is_incomplete_until_all_have_moved_and_then_the_sums_add_up(
    redis: Store, log: list[models.Event]
) -> None:
    run, seen = Shop(redis, settings(partitions=4, visits=8)), Counter[str]()

    def look() -> None:
        lookup = run.lookup
        segments: Any = lookup.segments()
        if not segments["model_version"]:
            return
        parts = [view.sums for view in run.views if view.sums]
        mine = [part.sums for part in parts if part.version == segments["model_version"] and part.sums]
        counted = [one["size"] for one in segments["segments"]]
        assert counted == np.sum([part.W for part in mine], axis=0).tolist()
        seen["versions differ"] += len({part.version for part in parts if part.sums}) > 1
        if segments["complete"]:
            seen["complete"] += 1
            assert sum(counted) == segments["customers"]
            sizes, inertia, squares = recomputed(lookup.customers_frame(), segments)
            assert {one["id"]: one["size"] for one in segments["segments"]} == sizes
            assert abs(segments["J"] - inertia) <= 1e-9 * max(inertia, 1e-6 * squares)
        else:
            seen["incomplete"] += 1
            assert sum(counted) <= segments["customers"]
            model = run.views[0].model
            assert model is not None
            natural = model.scale.decode(model.centres())[:, 0]
            assert [one["centroid"]["orders"] for one in segments["segments"]] == pytest.approx(natural, rel=1e-5)

    for begin in range(0, 1200, 60):
        run.step(log[begin : begin + 60], look=look)
        if begin % 300 == 0:
            run.verified()
    assert seen["complete"] > 5
    assert seen["incomplete"] > 5
    assert seen["versions differ"] > 1


def test_sums_of_another_version_do_not_count_and_empty_partitions_hold_nobody_up() -> None:
    sums = SegmentSums.empty(2, 1).move(None, None, np.array([[5], [7]], np.int16), np.array([0, 1]))
    moved, lagging = PartitionFigures(3, True, 2, 0, 0, sums), PartitionFigures(2, True, 2, 0, 0, sums)
    moving, empty = PartitionFigures(3, False, 4, 0, 0, sums), PartitionFigures(0, True, 0, 9, 0, None)
    assert add_up([moved, empty, moved], 3) == (sums + sums, True)
    assert add_up([moved, lagging], 3) == (sums, False)
    assert add_up([moving, moved], 3) == (sums + sums, False)
    assert add_up([empty, lagging], 3) == (None, False)


def test_sums_by_how_often_members_bought_are_added_up_alike() -> None:
    sums = SegmentSums.empty(2 * KINDS, 1).move(None, None, np.array([[5], [7]], np.int16), np.array([0, 4]))
    moved, lagging = PartitionFigures(3, True, 2, 0, 0, None, sums), PartitionFigures(2, True, 2, 0, 0, None, sums)
    assert added_by_buying([moved, lagging, moved], 3) == sums + sums
    assert added_by_buying([lagging], 3) is None
    assert PartitionFigures.decode(moved.encode()) == moved


def test_all_partitions_use_the_owners_model_byte_for_byte(redis: Store, log: list[models.Event]) -> None:
    run = Shop(redis, settings(partitions=4)).all(log)
    models_in_use = {view.loaded.model for view in run.views}
    assert len(models_in_use) == 1
    assert run.views[0].model is not None
    assert run.views[0].model.version > 1


def test_segments_and_rules_are_emitted_by_partition_0_and_moves_by_the_customers_own(
    redis: Store, log: list[models.Event]
) -> None:
    run = Shop(redis, settings(partitions=4)).all(log)
    emitted: dict[str, set[str]] = {}
    every = {"0", "1", "2", "3"}
    numbers: dict[str, list[int]] = {}
    for entry in run.entries:
        partition, epoch, number = json.loads(entry.value)["change_id"].split("-")
        assert epoch == "0"
        emitted.setdefault(entry.topic, set()).add(partition)
        numbers.setdefault(partition, []).append(int(number))
    assert emitted == {"segments": {"0"}, "rules": {"0"}, "segment-changes": every, "predictions": every}
    assert all(found == list(range(1, len(found) + 1)) for found in numbers.values())


def test_partitions_without_customers_do_not_hold_the_others_up(redis: Store) -> None:
    run = Shop(redis, settings(k=2, min_customers=4, partitions=16))
    run.all([shop.order(f"c{n}", shop.START + n * shop.DAY, ("tea", 1.0, 1.0 + n)) for n in range(9)], 3)
    found: Any = run.lookup.segments()
    assert found["complete"]
    assert found["customers"] == sum(one["size"] for one in found["segments"]) == 9
    run.verified()


def test_what_a_partition_tells_the_others_comes_back_from_its_bytes(redis: Store, log: list[models.Event]) -> None:
    run = Shop(redis, settings(partitions=2)).all(log[:1500])
    for view in run.views:
        assert view.loaded.sums is not None
        figures = PartitionFigures.decode(view.loaded.sums)
        assert figures.encode() == view.loaded.sums
        assert figures.customers == view.state.customers
        assert figures.sums is not None
        assert int(figures.sums.W.sum()) == figures.customers
