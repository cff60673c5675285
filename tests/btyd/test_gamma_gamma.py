"""Gamma-Gamma finds what the independent implementation `lifetimes` finds."""

from __future__ import annotations

import numpy as np
import pytest

from crm_online.btyd.fit import fit_value
from crm_online.btyd.gamma_gamma import GammaGamma, expected_mean

lifetimes = pytest.importorskip("lifetimes", reason="lifetimes is not installed")
datasets = pytest.importorskip("lifetimes.datasets", reason="lifetimes is not installed")


def test_values_of_cdnow_are_those_of_lifetimes() -> None:
    table = datasets.load_cdnow_summary_data_with_monetary_value()
    table = table[table["frequency"] > 0]
    purchases, mean = (table[name].to_numpy(np.float64) for name in ("frequency", "monetary_value"))
    found = fit_value(purchases, purchases * mean)
    assert found is not None
    # Fader and Hardie (2013), of the same customers.
    assert (found.p, found.q, found.gamma) == pytest.approx((6.25, 3.74, 15.44), rel=0.02)
    other = lifetimes.GammaGammaFitter()
    other.params_ = {"p": found.p, "q": found.q, "v": found.gamma}
    theirs = other.conditional_expected_average_profit(purchases, mean)
    assert np.abs(expected_mean(found, purchases, purchases * mean) - theirs).max() < 1e-9


def test_who_bought_once_is_taken_to_be_more_like_all() -> None:
    model = GammaGamma(p=6.0, q=4.0, gamma=15.0)  # a purchase is worth 30 on average
    once, often = expected_mean(model, np.array([1.0, 50.0]), np.array([100.0, 5000.0]))
    assert 30 < once < often < 100


@pytest.mark.parametrize("spend", [np.zeros(500), np.full(500, -3.0)], ids=["no prices", "worth nothing"])
def test_where_nothing_is_paid_there_is_no_value(spend: np.ndarray[tuple[int], np.dtype[np.float64]]) -> None:
    assert fit_value(np.full(500, 3.0), spend) is None
