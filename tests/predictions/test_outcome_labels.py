"""What is a yes of a user's own target whose outcomes are numbers."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from crm_online.engine.learning import learned
from crm_online.predictions.predictor import Predictor
from tests.predictions.test_learner import NOW, planted


def after(blocks: Sequence[Sequence[float]]) -> Predictor:
    """Return what was learned of outcomes that became known block by block."""
    stored, predictor = list[bytes](), None
    for number, values in enumerate(blocks):
        block = replace(planted(len(values), seed=number), target="stars", y=np.array(values, np.float32))
        stored.append(struct.pack("<Q", number) + block.encode())
        predictor = learned(predictor, 10**9, 1, None, {0: stored}, NOW)
    assert predictor is not None
    return predictor


@pytest.mark.parametrize(
    ("values", "threshold"),
    [
        ([0, 1, 1, 0], 0.5),
        ([1, 2, 3, 4, 5], 3.0),
        ([5, 5, 5, 4, 2], 4.0),
        ([7, 7, 7], 7.0),
        ([1e12, 1e12, -1e12], -1e12),
    ],
)
def test_a_yes_is_above_the_median_or_else_the_largest_number(values: list[float], threshold: float) -> None:
    assert after([values]).thresholds["stars"] == pytest.approx(threshold)


def test_what_is_a_yes_is_said_anew_until_something_is_fitted_and_stays_then() -> None:
    begin = after([[1]])
    assert begin.thresholds["stars"] == 0.5
    stars = [float(1 + number % 5) for number in range(300)]
    fitted = after([[1], stars])
    assert fitted.thresholds["stars"] == 3.0
    assert fitted.targets["stars"].version == 1
    assert after([[1], stars, [5] * 900]).thresholds["stars"] == 3.0
