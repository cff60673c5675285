"""The benchmarks of the service run through at a tiny size, and find nothing lost and no half step."""

from __future__ import annotations

import pytest

from benchmarks.report import Report
from benchmarks.serve import feeds, steps
from tests.benchmarks.test_benchmarks import exact


@pytest.mark.slow
def test_feeds_tell_what_the_state_holds() -> None:
    report = Report("feeds")
    feeds.run(report, feeds.Sizes(500, plain=5, filtered=3, leaving=2, pausing=1, stuck=1, rounds=1, seconds=1.0))
    assert report.value("changes that each plain feed was to tell") > 0
    assert len(exact(report)) == 3
    assert not [figure for figure in report.short if "commit to reader" not in figure.name]


@pytest.mark.slow
def test_no_answer_shows_half_a_step() -> None:
    report = Report("steps")
    steps.run(report, steps.Sizes(1000, steps=20))
    assert set(exact(report).values()) == {"pass"}
    assert report.value("different states that these answers showed") > 1
