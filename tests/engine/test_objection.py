"""Who objects to being profiled counts nowhere, until the objection is withdrawn; that they object is kept."""

from __future__ import annotations

import json
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest

from crm_online.errors import CustomerObjects, UnknownCustomer
from crm_online.events import models
from crm_online.lookup.aggregates import renewed
from crm_online.store import Store
from tests.api.asking import ask, ready
from tests.command import crm_online, printed
from tests.engine import shop
from tests.engine.pipelines import Shop, settings
from tests.engine.test_erase import nowhere
from tests.servers.serving import serving

DAY = shop.DAY
NAME = "customer 004"


def objection(name: str, time: int, *, withdrawn: bool = False) -> models.Objection:
    return models.Objection.model_construct(
        type="objection", event_id=None, customer_id=name, time=time, withdrawn=withdrawn
    )


@pytest.fixture(scope="module")
def log() -> list[models.Event]:
    return shop.made(80, 100, seed=4)


@pytest.mark.parametrize("partitions", [1, 3])
def test_who_objects_counts_in_no_figure_as_if_never_seen(
    redis: Store, log: list[models.Event], partitions: int
) -> None:
    middle = len(log) // 2
    run = Shop(redis, settings(partitions=partitions))
    run.all([*log[:middle], objection(NAME, log[middle].time), *log[middle:]])
    late = [event for event in log[middle:] if event.customer_id == NAME]
    assert len(late) > 3
    run.verified()
    nowhere(run, NAME)
    with pytest.raises(CustomerObjects, match="objects to being profiled"):
        run.lookup.customer(NAME)
    states = run.lookup.states
    assert sum(state.suppressed for state in states) == len(late)
    [part] = run.lookup.personal_data(NAME)["partitions"]
    assert part.keys() - {"moves", "prediction_changes"} == {"partition", "objected_since"}
    run.claim()
    run.step([shop.order(NAME, (run.watermark or 0) + DAY, ("tea", 1.0, 1.0), basket="more")])
    nowhere(run, NAME)


def test_an_objection_outlasts_an_erasure_and_ends_when_it_is_withdrawn(redis: Store, log: list[models.Event]) -> None:
    run = Shop(redis, settings()).all(log)
    now = run.watermark or 0
    run.step([objection(NAME, now), objection("never seen", now)])
    run.step([shop.erase(NAME, now + 1), shop.view(NAME, now + 2, name="a")])
    for name in (NAME, "never seen"):
        with pytest.raises(CustomerObjects):
            run.lookup.customer(name)
    run.step([objection(NAME, now + DAY, withdrawn=True), shop.view(NAME, now + 2, name="b")])
    with pytest.raises(UnknownCustomer) as error:
        run.lookup.customer(NAME)
    assert not isinstance(error.value, CustomerObjects)
    run.step([shop.view(NAME, now + 2 * DAY, name="c")])
    assert run.lookup.customer(NAME)["events"] == 1
    run.step([objection(NAME, now + 3 * DAY, withdrawn=True)])
    assert run.lookup.customer(NAME)["events"] == 1, "what is no objection is withdrawn without a trace"
    run.verified()


def test_by_command_and_over_http_it_is_noted_withdrawn_and_said(made_shop: Path, tmp_path: Path) -> None:
    folder = copytree(made_shop, tmp_path / "shop")
    at = ("--state", "shop")
    assert crm_online(folder, "objection", "C17", *at).returncode == 2, "nobody can be asked"
    done = json.loads(printed(folder, "objection", "C17", "--yes", "--json", *at))
    assert done == {"customer_id": "C17", "withdrawn": False, "partitions": [0]}
    found = crm_online(folder, "customer", "C17", *at)
    assert (found.returncode, "objects to being profiled" in found.stderr) == (2, True)
    printed(folder, "objection", "C17", "--withdraw", *at)
    assert "objects" not in crm_online(folder, "customer", "C17", *at).stderr
    with serving(folder, *at) as served:
        ready(served.url)
        event = {"type": "objection", "customer_id": "C18", "time": "2026-04-02T08:00:00Z"}
        assert ask(served.url, "/v1/events", event).status < 300
        assert "since 2026-04-0" in ask(served.url, "/v1/customers/C18").problem(404, "objects")["detail"]
        assert ask(served.url, "/v1/customers/C18/export").json["partitions"][0]["objected_since"]
    assert json.loads(printed(folder, "verify", "--json", *at))["ok"]


def told(run: Shop) -> dict[str, Any]:
    """Return all that is told of the shop."""
    lookup = run.lookup
    found = {
        "segments": lookup.segments(),
        "rules": [{name: value for name, value in rule.items() if name != "change_id"} for rule in lookup.rules()],
        "predictions": lookup.predictions(),
        "itemsets": lookup.itemsets().named(),
        "popular": lookup.recommend(None, ["tea"]),
        "others": lookup.recommend("customer 005", []),
        "published": renewed(run.store, 10).aggregates.model_dump(),
        "drifts": [{name: value for name, value in one.items() if name != "change_id"} for one in lookup.drifts(100)],
        "customers": lookup.customers_frame().to_csv(),
        "picture": lookup.picture(),
    }
    # Partitions that are pooled add up in another order where there is one more step.
    read: dict[str, Any] = json.loads(json.dumps(found, default=str), parse_float=lambda text: f"{float(text):.9g}")
    return read


@pytest.mark.parametrize("partitions", [1, 3])
def test_who_objected_before_is_in_nothing_that_is_told_nor_after_a_rebuild_or_with_other_partitions_nor_the_withdrawal(
    redis: Store, log: list[models.Event], partitions: int
) -> None:
    names = [NAME, "customer 011"]
    blocks = [log[at : at + 200] for at in range(0, len(log), 200)]
    outcomes = []
    for objects in (True, False):
        # Each time from nothing, as a rebuild is.
        run = Shop(redis, settings(partitions=partitions))
        if objects:
            run.step([objection(name, log[0].time) for name in names])
        for block in blocks:
            run.step(block if objects else [event for event in block if event.customer_id not in names])
        run.end()
        outcomes.append(told(run))
        if objects:
            end = run.watermark or 0
            run.step([objection(name, end, withdrawn=True) for name in names])
            run.step([event for event in log if event.customer_id in names])
            run.end()
            outcomes.append(told(run))
            for name in names:
                nowhere(run, name)
            run.verified()
            run.step([shop.view(NAME, end + DAY, name="new")])
            assert run.lookup.customer(NAME)["events"] == 1
    before, withdrawn, never = outcomes
    assert before["rules"]
    assert before["segments"]["segments"]
    for part, value in never.items():
        assert before[part] == value, part
        assert withdrawn[part] == value, part
