"""The ranking of rules puts what was seen often before what was seen a few times, whatever its lift."""

from __future__ import annotations

from math import sqrt

import pytest

from examples.ranking import ranked


def test_the_rank_is_the_order_of_the_lift_that_a_rule_has_at_least() -> None:
    found = ranked()
    at_least = []
    for count, confidence, lift in found.sort_values("rank")[["count", "confidence", "lift"]].to_numpy().tolist():
        n, z = count / confidence, 1.959964
        low = (confidence + z * z / 2 / n - z * sqrt(confidence * (1 - confidence) / n + (z / n / 2) ** 2)) / (
            1 + z * z / n
        )
        at_least.append(low * lift / confidence)
    assert at_least == pytest.approx(sorted(at_least, reverse=True), rel=1e-6)
    assert found["rank"].tolist() != sorted(found["rank"].tolist()), "by lift it is another order"
    best = found.sort_values("rank").head(10)
    assert best["count"].min() > found.head(10)["count"].min()
