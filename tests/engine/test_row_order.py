"""Neither the order of lines within a day, nor steps, nor ends of files change totals, baskets and exact counts."""

from __future__ import annotations

import itertools
from collections import defaultdict
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from crm_online.events import models
from crm_online.settings import Settings
from crm_online.store import Store
from tests.engine import shop
from tests.engine.pipelines import Shop, settings
from tests.engine.test_partitions import figures

MINUTE = 60 * shop.SECOND


def log_of(seed: int) -> list[models.Event]:
    """Return a log of some days: orders and returns that come line by line, of customers and of nobody known."""
    random = Random(seed)
    log: list[models.Event] = []
    for number in range(random.randint(5, 25)):
        name = random.choice(["ann", "bob", "cy", None])
        time = shop.START + random.randrange(6) * shop.DAY + random.randrange(shop.DAY)
        returned = random.random() < 0.25
        basket = random.choice([None, f"b{number}", f"b{number}", "1"])  # a till that counts from 1
        for _ in range(random.randint(1, 5)):
            time += random.randrange(25 * MINUTE)
            item = random.choice(["tea", "milk", "bread", "jam", None])
            lines: list[shop.Line] = [(item, float(random.randint(1, 3)), 2.5)]
            label = f"e{len(log)}"
            if returned:
                log.append(shop.returned(name, time, *lines, basket=basket, name=label))
            else:
                log.append(shop.order(name, time, *lines, basket=basket, name=label))
    return sorted(log, key=lambda event: event.time)


def within_days(log: list[models.Event], seed: int) -> list[models.Event]:
    """Return a log with the events of each day in any order."""
    days: defaultdict[int, list[models.Event]] = defaultdict(list)
    for event in log:
        days[event.time // shop.DAY].append(event)
    random = Random(seed)
    return [event for day in sorted(days) for event in random.sample(days[day], len(days[day]))]


def in_force(partitions: int) -> Settings:
    """Return settings that count everything, and fit no segments."""
    itemsets = {"min_support": 0.01, "epsilon": 0.0}
    return settings(partitions=partitions, min_customers=300, k=2, itemsets=itemsets)


def replayed(redis: Store, log: list[models.Event], *, partitions: int, size: int, ends: list[int]) -> Shop:
    """Run a log in steps, cut into files that are replayed one after the other."""
    run = Shop(redis, in_force(partitions))
    cuts = sorted({0, *(end for end in ends if end < len(log)), len(log)})
    for begin, end in itertools.pairwise(cuts):
        run.all(log[begin:end], size)
        run.claim()
    return run


def assert_same(one: Shop, other: dict[str, Any], baskets: int) -> None:
    found = figures(one)
    assert found["names"] == other["names"]
    np.testing.assert_allclose(found["numbers"], other["numbers"], rtol=1e-9, atol=1e-12)
    assert found["sets"].keys() == other["sets"].keys()
    for name, bounds in found["sets"].items():
        assert bounds == pytest.approx(other["sets"][name], rel=1e-9), name
    assert found["n"] == pytest.approx(other["n"], rel=1e-9)
    assert sum(pipeline.engine.state.baskets for pipeline in one.pipelines) == baskets


@examples(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 10**6),
    partitions=st.sampled_from([1, 4]),
    size=st.integers(1, 40),
    ends=st.lists(st.integers(1, 60), max_size=2),
)
def test_any_order_within_a_day_any_steps_and_any_files_give_the_same(
    redis: Store, seed: int, partitions: int, size: int, ends: list[int]
) -> None:
    log = log_of(seed)
    plain = replayed(redis, log, partitions=partitions, size=len(log), ends=[])
    expected, baskets = figures(plain), sum(pipeline.engine.state.baskets for pipeline in plain.pipelines)
    assert baskets == len(recounted(log))
    shuffled = replayed(redis, within_days(log, seed + 1), partitions=partitions, size=size, ends=ends)
    assert_same(shuffled, expected, baskets)


def recounted(log: list[models.Event]) -> list[set[str]]:
    """Return the baskets of a log in order of time, by a plain grouping."""
    baskets: list[set[str]] = []
    last: dict[tuple[str | None, str], tuple[int, set[str]]] = {}
    for event in log:
        if not isinstance(event, models.Purchase):
            continue
        items: set[str] = set()
        if event.basket_id is not None:
            at, so_far = last.get((event.customer_id, event.basket_id), (-shop.DAY, items))
            items = so_far if event.time - at <= 30 * MINUTE else items
            last[event.customer_id, event.basket_id] = event.time, items
        if not any(items is basket for basket in baskets):
            baskets.append(items)
        items |= {line.item for line in event.items if line.item is not None}
    return [basket for basket in baskets if basket]


def test_a_step_that_is_taken_again_after_a_crash_amends_a_basket_once(redis: Store) -> None:
    log = within_days(log_of(7) + log_of(8), 9)
    straight = replayed(redis, log, partitions=1, size=4, ends=[])
    expected, digest = figures(straight), straight.verified()["digest"]
    run = Shop(redis, in_force(1))
    for _ in run.run(log, 4):
        run.claim()  # nothing in memory is left
    run.end()
    assert run.verified()["digest"] == digest
    assert_same(run, expected, straight.pipelines[0].engine.state.baskets)
