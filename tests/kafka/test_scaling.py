"""Workers come and go while events come: nothing is lost, nothing is published twice, and nobody waits for long."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

import pytest

from crm_online.lookup import open_lookup
from crm_online.store import open_store
from tests.conftest import ROOT
from tests.kafka.load import Load
from tests.kafka.service import Service
from tests.kafka.small_log import Slice, log, slices
from tests.kafka.waiting import until
from tests.predictions.completeness import wrong_examples
from tests.servers.broker import Broker
from tests.servers.workers import Worker

TAKEOVER_SECONDS = 15.0
STOP_SECONDS = 30.0
SHORT = ("kafka.session_timeout=2s", "replay.step=50")
RATE = 60.0
HORIZON = "20d"
"""A third of the log, so that examples are labelled and learned from."""


@pytest.fixture(scope="module")
def shop() -> Slice:
    """Return a log of some 4,000 events."""
    (whole,) = slices(log(80, 60, 7), 1)
    return whole


def until_moved(service: Service, partitions: Collection[int] = range(4), seconds: float = 60.0) -> float:
    """Wait until each of some partitions has made progress from here on, and return the seconds that took."""
    before = service.positions()
    assert before is not None

    def moved() -> bool:
        now = service.positions()
        return now is not None and all(now[number] > before[number] for number in partitions)

    return until(moved, lambda: f"from {before}, the partitions are at {service.positions()}", seconds)


def held(worker: Worker) -> set[int]:
    """Return the partitions that a worker holds; none before it has begun."""
    if worker.ready() is None:
        return set()
    return {int(dict(labels)["partition"]) for name, labels in worker.metrics() if name == "crm_online_outbox_length"}


def until_shared(service: Service) -> None:
    """Wait until each worker that runs holds some partitions, and all are held."""
    running = [worker for worker in service.workers if worker.running]

    def shared() -> bool:
        each = [held(worker) for worker in running]
        return all(each) and sorted(number for of_one in each for number in of_one) == list(range(service.partitions))

    until(shared, lambda: f"the workers hold {[held(worker) for worker in running]}")


def all_is_well(service: Service, shop: Slice) -> None:
    """See that everything is counted once and published once; no change of who holds what begins an epoch."""
    service.finish(shop.end)
    assert service.wrong(shop.end) == []
    assert service.outputs().epochs() == 0
    for worker in service.workers:
        assert "Traceback" not in worker.log.read_text()


@pytest.mark.slow
def test_a_rolling_restart_under_load_loses_nothing_and_each_worker_ends_in_time(
    broker: Broker, prefix: str, tmp_path: Path, shop: Slice
) -> None:
    with Service(broker, tmp_path, prefix, SHORT) as service:
        workers = [service.worker() for _ in range(3)]
        for worker in workers:
            worker.wait_ready()
        until_shared(service)
        with Load(service, shop.records, RATE):
            for worker in workers:
                until_moved(service)
                assert worker.stop(STOP_SECONDS) == 0
                assert broker.client.group_members(service.group) == len(workers) - 1
                worker.start().wait_ready()
                until_shared(service)
        all_is_well(service, shop)


@pytest.mark.slow
def test_from_one_worker_to_three_and_back_under_load_nothing_is_lost(
    broker: Broker, prefix: str, tmp_path: Path, shop: Slice
) -> None:
    with Service(broker, tmp_path, prefix, SHORT) as service:
        first = service.worker().wait_ready()
        with Load(service, shop.records, RATE):
            until_moved(service)
            others = [service.worker() for _ in range(2)]
            until_shared(service)
            until_moved(service)
            for worker in others:
                assert worker.stop(STOP_SECONDS) == 0
            until_shared(service)
            assert broker.client.group_members(service.group) == 1
            until_moved(service)
        assert held(first) == {0, 1, 2, 3}
        all_is_well(service, shop)


@pytest.mark.slow
def test_the_partitions_of_a_killed_worker_go_on_within_15_seconds_and_no_example_is_lost_or_used_twice(
    broker: Broker, prefix: str, tmp_path: Path, shop: Slice
) -> None:
    with Service(broker, tmp_path, prefix, [f"predictions.horizon={HORIZON}"]) as service:  # and the default time-out
        for _ in range(2):
            service.worker()
        until_shared(service)
        (owner,) = [worker for worker in service.workers if 0 in held(worker)]
        with Load(service, shop.records, RATE):
            until_moved(service)
            orphans = held(owner)
            owner.kill()
            until_moved(service, orphans, TAKEOVER_SECONDS)
            owner.start().wait_ready()
        all_is_well(service, shop)
        with open_lookup(service.redis.url) as lookup:
            settings = lookup.settings
        with open_store(service.redis.url) as store:
            assert wrong_examples(store, settings, service.partitions) == []


@pytest.mark.slow
def test_a_partition_that_stalls_is_reported_and_ends_its_worker(
    broker: Broker, prefix: str, tmp_path: Path, shop: Slice
) -> None:
    with Service(broker, tmp_path, prefix, (*SHORT, "worker.stop_timeout=2s")) as service:
        worker = service.worker("worker.stall=3s", entry=(str(ROOT / "tests" / "kafka" / "stuck.py"),))
        service.send(shop.records)
        assert worker.wait(60) != 0
        (critical,) = [str(line["message"]) for line in worker.logged() if line["level"] == "CRITICAL"]
        assert re.fullmatch(r"the worker ends: partition \d has made no progress for 3 s", critical)
        service.worker().wait_ready()
        all_is_well(service, shop)
