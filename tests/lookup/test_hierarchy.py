"""The trees that look-ups tell are scipy's, of the segments as of that many customers, and of the sample."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.cluster.hierarchy import linkage
from scipy.spatial.distance import pdist, squareform

from crm_online.segments.linkage import Leaves, Linkage
from crm_online.settings.fields import DEFAULT_FEATURES
from tests.engine.pipelines import Shop

every_method = pytest.mark.parametrize("method", list(Linkage))


@every_method
def test_the_tree_of_the_segments_is_scipys_of_as_many_customers_at_the_centres(at_rest: Shop, method: Linkage) -> None:
    found = _tree(at_rest, method, Leaves.SEGMENTS)
    assert list(found) == ["linkage", "leaves", "method", "distances"]
    frame = at_rest.lookup.customers_frame()
    vectors = frame.groupby("nearest")[[f"vector.{name}" for name in DEFAULT_FEATURES]].mean()
    sizes = frame["nearest"].value_counts()
    centres = vectors.loc[found["leaves"]].to_numpy()
    truth = linkage(np.repeat(centres, sizes[found["leaves"]], axis=0), method.value)[-3:]
    assert np.array(found["linkage"])[:, 2:] == pytest.approx(truth[:, 2:])
    assert np.array(found["distances"]) == pytest.approx(squareform(pdist(centres)), rel=1e-5)
    steps = at_rest.lookup.hierarchy_frame(method)
    assert steps["distance"].tolist() == pytest.approx(truth[:, 2])
    assert at_rest.lookup.distances_frame().to_numpy() == pytest.approx(squareform(pdist(centres)))


@every_method
def test_the_tree_of_the_sample_is_scipys(at_rest: Shop, method: Linkage) -> None:
    found = _tree(at_rest, method, Leaves.CUSTOMERS)
    frame = at_rest.lookup.customers_frame().set_index("customer_id")
    vectors = frame.loc[found["leaves"], [f"vector.{name}" for name in DEFAULT_FEATURES]].to_numpy()
    assert len(vectors) == 120
    assert np.array(found["linkage"]) == pytest.approx(linkage(vectors, method.value))
    assert np.array(found["distances"]) == pytest.approx(squareform(pdist(vectors)), rel=1e-5, abs=1e-9)
    steps = at_rest.lookup.hierarchy_frame(method, Leaves.CUSTOMERS)
    assert steps["customers"].tolist() == linkage(vectors, method.value)[:, 3].tolist()


def test_a_picture_shows_the_sampled_customers_in_their_segments(at_rest: Shop) -> None:
    picture = at_rest.lookup.picture()
    frame = at_rest.lookup.customers_frame()
    assert sorted(label or "" for label in picture.labels) == sorted(frame["nearest"].tolist())
    assert picture.customers == 120


def _tree(run: Shop, method: Linkage, of: Leaves) -> dict[str, Any]:
    found: Any = run.lookup.segments(linkage=method, of=of)["hierarchy"]
    return dict(found)
