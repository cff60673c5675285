"""Segments to draw."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from crm_online.plots import SegmentPicture
from crm_online.segments.hierarchy import join
from crm_online.segments.vectors import Scale, Transform

FEATURES = ["spending", "recency", "returned"]

DrawnShop = Callable[..., SegmentPicture]


@pytest.fixture
def shop() -> DrawnShop:
    """Return what makes a picture of some segments of a shop."""
    return _shop


def _shop(names: Sequence[str], *, customers: int = 200, traits: dict[str, list[str]] | None = None) -> SegmentPicture:
    rng = np.random.default_rng(0)
    count = len(names)
    labels = np.arange(customers) % count
    middles = rng.normal(0, 2, (count, 3))
    raw = np.exp(middles[labels] + rng.normal(0, 0.3, (customers, 3)))
    raw[:, 2] /= 1 + raw[:, 2]
    scale = Scale.fit(
        raw, FEATURES, [Transform.LOG1P, Transform.LOG1P, Transform.IDENTITY], [1.0, 1.0, 0.5], [1.0, 30.0, 1.0]
    )
    vectors = scale.encode(raw)
    ids = [f"s{place + 1}" for place in range(count)]
    sizes = np.bincount(labels, minlength=count)
    centroids = np.stack([vectors[labels == place].mean(axis=0) for place in range(count)])
    return SegmentPicture(
        segments=[
            {
                "id": ids[place],
                "name": names[place],
                "size": int(sizes[place]),
                "description": {"text": f"Spends {place} times the average.", "facts": []},
            }
            for place in range(count)
        ],
        centroids=centroids,
        scale=scale,
        vectors=vectors,
        labels=[ids[place] for place in labels],
        hierarchy=join(ids, centroids, sizes),
        units={"spending": "money", "recency": "days", "returned": "share"},
        traits=traits or {},
        as_of="2018-01-01 04:01",
    )
