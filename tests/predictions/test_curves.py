"""The curves of predictions are what scikit-learn and counting by hand say."""

from __future__ import annotations

import json
from dataclasses import asdict

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from sklearn.calibration import calibration_curve

from crm_online.predictions.curves import STEPS, ModelCurves

chances = arrays(np.float64, st.integers(1, 60), elements=st.floats(0, 1, width=16))


@given(chances)
def test_the_calibration_curve_is_that_of_scikit_learn(p: NDArray[np.float64]) -> None:
    rng = np.random.default_rng(len(p))
    y = (rng.random(len(p)) < p).astype(np.float64)
    # scikit-learn has what is on the border of two bins in the lower one.
    p = np.clip(p, 0.003, 0.997) + 1e-4
    observed, predicted = calibration_curve(y, p, n_bins=10)
    curves = ModelCurves.judged("tree", y, p)
    assert np.allclose([point.observed for point in curves.calibration], observed, atol=1e-4)
    assert np.allclose([point.predicted for point in curves.calibration], predicted, atol=1e-4)
    assert sum(point.examples for point in curves.calibration) == len(p)


def test_gains_are_the_share_found_among_those_for_whom_it_was_likeliest() -> None:
    y = np.zeros(100)
    y[:10] = 1
    sure = ModelCurves.judged("tree", y, np.linspace(1, 0, 100))
    assert (sure.rarer, sure.gains[:4]) == (True, (0.0, 0.5, 1.0, 1.0))
    # Who says the same of all finds no more than by chance, in whatever order they stand.
    blind = ModelCurves.judged("tree", y, np.full(100, 0.3))
    assert np.allclose(blind.gains, np.linspace(0, 1, STEPS + 1))


def test_where_most_did_the_few_who_did_not_are_looked_for() -> None:
    y = np.ones(100)
    y[:10] = 0
    curves = ModelCurves.judged("tree", y, np.linspace(0, 1, 100))
    assert (curves.rarer, curves.gains[2]) == (False, 1.0)


def test_what_was_not_predicted_is_not_judged() -> None:
    nothing = ModelCurves.judged("tree", np.ones(3), np.full(3, np.nan))
    assert (nothing.calibration, nothing.gains) == ((), ())
    assert ModelCurves.judged("tree", np.ones(3), np.array([0.2, np.nan, 0.4])).calibration[0].examples == 1


def test_curves_are_the_same_after_they_were_stored() -> None:
    curves = ModelCurves.judged("tree", np.array([1.0, 0.0, 1.0]), np.array([0.9, 0.1, 0.4]))
    assert ModelCurves.from_json(json.loads(json.dumps(asdict(curves)))) == curves
