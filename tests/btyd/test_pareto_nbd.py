"""Pareto/NBD says what the independent implementation `lifetimes` says, and finds parameters again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from crm_online.btyd.fit import fit
from crm_online.btyd.pareto_nbd import ParetoNBD, forecast, log_likelihood, probability_alive

lifetimes = pytest.importorskip("lifetimes", reason="lifetimes is not installed")
datasets = pytest.importorskip("lifetimes.datasets", reason="lifetimes is not installed")

History = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]

PUBLISHED = ParetoNBD(r=0.553, alpha=10.578, s=0.606, beta=11.669)
"""Of 2,357 customers of CDNOW, in weeks: Fader and Hardie (2005), "A note on deriving the Pareto/NBD model"."""


@pytest.fixture(scope="module")
def cdnow() -> History:
    table = datasets.load_cdnow_summary(index_col=[0])
    frequency, recency, age = (table[name].to_numpy(np.float64) for name in ("frequency", "recency", "T"))
    return frequency, recency, age


def made(model: ParetoNBD, customers: int, days: float, seed: int) -> History:
    """Return the histories of customers who live by the model, and began within the first third of ``days``."""
    rng = np.random.default_rng(seed)
    rate = rng.gamma(model.r, 1 / model.alpha, customers)
    life = rng.exponential(1 / rng.gamma(model.s, 1 / model.beta, customers))
    age = rng.uniform(days * 2 / 3, days, customers)
    frequency = rng.poisson(rate * np.minimum(life, age)).astype(np.float64)
    # The last of n points that lie uniformly on an interval.
    last = rng.beta(np.maximum(frequency, 1), 1) * np.minimum(life, age)
    return frequency, np.where(frequency > 0, last, 0.0), age


def standard_errors(model: ParetoNBD, history: History) -> NDArray[np.float64]:
    """Return those of the four parameters, from the curvature of the likelihood."""
    rows = []
    for name in ("r", "alpha", "s", "beta"):
        value = getattr(model, name)
        above, below = (replace(model, **{name: value * factor}) for factor in (1 + 1e-4, 1 - 1e-4))
        rise = log_likelihood(above, *history)[1] - log_likelihood(below, *history)[1]
        rows.append(rise.sum(axis=1) / (value * 2e-4))
    errors: NDArray[np.float64] = np.sqrt(np.diag(np.linalg.inv(-np.array(rows))))
    return errors


@pytest.mark.parametrize(
    "model", [ParetoNBD(0.55, 74.0, 0.6, 82.0), ParetoNBD(1.4, 10.0, 2.0, 400.0)], ids=["seldom", "often"]
)
def test_parameters_of_a_made_log_come_back_within_two_standard_errors(model: ParetoNBD) -> None:
    history = made(model, 4096, 540.0, seed=3)
    found = fit(*history)
    assert found is not None
    off = np.array([getattr(found, name) - getattr(model, name) for name in ("r", "alpha", "s", "beta")])
    assert (np.abs(off) < 2 * standard_errors(found, history)).all()


def test_the_published_parameters_of_cdnow_are_found(cdnow: History) -> None:
    found = fit(*cdnow)
    assert found is not None
    for name in ("r", "alpha", "s", "beta"):
        assert getattr(found, name) == pytest.approx(getattr(PUBLISHED, name), rel=0.01)
    assert log_likelihood(PUBLISHED, *cdnow)[0].sum() == pytest.approx(-9594.98, abs=0.01)


def test_forecasts_are_those_of_lifetimes(cdnow: History) -> None:
    other = lifetimes.ParetoNBDFitter()
    other.params_ = {"r": PUBLISHED.r, "alpha": PUBLISHED.alpha, "s": PUBLISHED.s, "beta": PUBLISHED.beta}
    theirs = other.conditional_expected_number_of_purchases_up_to_time(39.0, *cdnow)
    some, number = forecast(PUBLISHED, *cdnow, 39.0)
    assert np.abs(number - theirs).max() < 1e-9
    assert np.abs(probability_alive(PUBLISHED, *cdnow) - other.conditional_probability_alive(*cdnow)).max() < 1e-9
    for row in range(0, len(some), 400):
        none = other.conditional_probability_of_n_purchases_up_to_time(0, 39.0, *(float(part[row]) for part in cdnow))
        assert some[row] == pytest.approx(1 - none, abs=1e-9)


positive = st.floats(1e-3, 1e4)


@given(
    model=st.builds(ParetoNBD, positive, positive, positive, positive),
    customers=st.lists(st.tuples(st.integers(0, 5000), st.floats(0, 1), st.floats(0, 5000)), min_size=1, max_size=8),
    horizon=st.floats(0.1, 1000),
)
def test_forecasts_are_numbers_whatever_the_customer(
    model: ParetoNBD, customers: list[tuple[int, float, float]], horizon: float
) -> None:
    frequency, share, age = (np.array(column, np.float64) for column in zip(*customers, strict=True))
    history = frequency, np.where(frequency > 0, share * age, 0.0), age
    value, gradient = log_likelihood(model, *history)
    assert np.isfinite(value).all()
    assert np.isfinite(gradient).all()
    some, number = forecast(model, *history, horizon)
    assert ((some >= 0) & (some <= 1)).all()
    # The chance is a difference of logarithms of up to 1e5, of which sixteen digits are known.
    assert (np.isfinite(number) & (some <= number * (1 + 1e-6) + 1e-9)).all()


@pytest.mark.parametrize(
    ("frequency", "recency", "age"),
    [
        pytest.param(np.full(49, 3.0), np.full(49, 50.0), np.full(49, 90.0), id="few customers"),
        pytest.param(np.zeros(500), np.zeros(500), np.linspace(1, 90, 500), id="nobody came back"),
        pytest.param(np.full(500, 2.0), np.full(500, 0.2), np.full(500, 0.4), id="one day"),
        pytest.param(np.empty(0), np.empty(0), np.empty(0), id="nobody"),
    ],
)
def test_too_little_is_not_fitted(
    frequency: NDArray[np.float64], recency: NDArray[np.float64], age: NDArray[np.float64]
) -> None:
    assert fit(frequency, recency, age) is None


def test_where_all_buy_alike_and_nobody_stops_the_forecast_is_their_rate() -> None:
    rng = np.random.default_rng(3)
    frequency, age = rng.poisson(9.0, 400).astype(np.float64), np.full(400, 90.0)
    recency = np.where(frequency > 0, rng.beta(np.maximum(frequency, 1), 1) * age, 0.0)
    found = fit(frequency, recency, age)
    assert found is not None
    assert forecast(found, frequency, recency, age, 90.0)[1].mean() == pytest.approx(frequency.mean(), rel=0.05)
