"""The areas under both curves are those of scikit-learn, ties included."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from crm_online.predictions.models.figures import areas


@pytest.mark.parametrize("seed", range(5))
def test_the_areas_equal_scikit_learns(seed: int) -> None:
    random = np.random.default_rng(seed)
    y = (random.random(200) < 0.3).astype(np.float64)
    p = random.integers(0, 20, 200) / 20
    assert areas(y, p) == pytest.approx((roc_auc_score(y, p), average_precision_score(y, p)), abs=1e-12)
