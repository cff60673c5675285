"""Shares and how sure they are: by pandas and statistics' own formulas, and quiet where there is nothing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array

from crm_online.traits.comparison import compare


@given(seed=st.integers(0, 200), n=st.integers(5, 60), k=st.integers(1, 4))
def test_shares_and_customers_equal_pandas(seed: int, n: int, k: int) -> None:
    random = np.random.default_rng(seed)
    labels, counts = random.integers(0, k, n), random.poisson(0.7, (n, 3)).astype(float)
    totals = counts.sum(axis=1)
    found = compare(csr_array(counts), totals, labels, k)
    grouped = pd.DataFrame(counts).assign(total=totals).groupby(labels).sum().reindex(range(k), fill_value=0)
    expected = grouped[[0, 1, 2]].div(grouped["total"].replace(0, np.nan), axis=0)
    assert found.share == pytest.approx(expected.to_numpy(), nan_ok=True)
    having = pd.DataFrame(counts > 0).groupby(labels).sum().reindex(range(k), fill_value=0)
    assert (found.customers == having.to_numpy()).all()
    assert found.base.tolist() == [int((totals[labels == row] > 0).sum()) for row in range(k)]


def test_for_yes_or_no_the_errors_are_those_of_two_proportions_about_everybodys() -> None:
    labels = np.repeat([0, 1], [80, 120])
    yes = np.concatenate([np.arange(80) < 40, np.arange(120) < 30]).astype(float)
    found = compare(csr_array(yes[:, None]), np.ones(200), labels, 2)
    error = np.sqrt((0.5 * 0.5 + 0.15**2) / 80 + (0.25 * 0.75 + 0.1**2) / 120)
    assert found.z.ravel() == pytest.approx([0.25 / error, -0.25 / error])


def test_one_customer_who_buys_a_hundred_times_is_no_surer_than_one_who_buys_once() -> None:
    random = np.random.default_rng(1)
    labels = random.integers(0, 2, 400)
    counts = np.stack([random.random(400) < 0.3, random.random(400) < 0.9], axis=1).astype(float)
    once = compare(csr_array(counts), counts.sum(axis=1), labels, 2)
    often = compare(csr_array(counts * 100), counts.sum(axis=1) * 100, labels, 2)
    assert often.z == pytest.approx(once.z)


def test_where_segments_are_drawn_by_lot_hardly_anything_differs() -> None:
    random = np.random.default_rng(0)
    counts = (random.gamma(2, 30, (3000, 1)) * random.dirichlet(np.ones(200) * 0.2, 3000)).round()
    found = compare(csr_array(counts), counts.sum(axis=1), random.integers(0, 6, 3000), 6)
    assert (np.abs(found.z) > 2).mean() < 0.08
    assert (np.abs(found.z) > 3.5).mean() < 0.003


def test_what_all_of_one_segment_and_none_of_the_other_have_is_sure_but_not_beyond_measure() -> None:
    yes = np.repeat([1.0, 0.0], 200)
    found = compare(csr_array(yes[:, None]), np.ones(400), np.repeat([0, 1], 200), 2)
    assert found.z.ravel() == pytest.approx([20.0, -20.0])


def test_a_small_segment_that_happens_to_agree_is_seldom_sure() -> None:
    random = np.random.default_rng(3)
    labels = np.repeat([0, 1], [12, 2000])
    sure = [
        abs(compare(csr_array((random.random(2012) < 0.78)[:, None] * 1.0), np.ones(2012), labels, 2).z[0, 0]) >= 3.5
        for _ in range(2000)
    ]
    assert np.mean(sure) < 0.004


def test_an_empty_segment_and_nobody_at_all_have_no_shares() -> None:
    found = compare(csr_array(np.ones((3, 1))), np.ones(3), np.array([0, 0, 0]), 2)
    assert np.isnan(found.share[1, 0])
    assert not found.z.any()
    nobody = compare(csr_array((0, 1)), np.zeros(0), np.zeros(0, np.int64), 2)
    assert np.isnan(nobody.share).all()
    assert np.isnan(nobody.population).all()
