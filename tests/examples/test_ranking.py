"""The ranking of rules puts what is sure and often of use before what was seen a few times, whatever its lift."""

from __future__ import annotations

from math import sqrt

import pytest

from examples.ranking import ranked


def test_the_rank_is_the_order_of_the_sure_confidence_by_the_root_of_how_popular_the_consequent_is() -> None:
    found = ranked()
    useful, above = [], []
    for count, confidence, lift in found.sort_values("rank")[["count", "confidence", "lift"]].to_numpy().tolist():
        n, z = count / confidence, 1.959964
        low = (confidence + z * z / 2 / n - z * sqrt(confidence * (1 - confidence) / n + (z / n / 2) ** 2)) / (
            1 + z * z / n
        )
        above.append(low > confidence / lift)
        useful.append((low > confidence / lift) + low * sqrt(confidence / lift) / 2)
    assert useful == pytest.approx(sorted(useful, reverse=True), rel=1e-6)
    assert above == sorted(above, reverse=True)
    assert found["rank"].tolist() != sorted(found["rank"].tolist()), "by lift it is another order"
    best = found.sort_values("rank").head(10)
    assert best["count"].median() > found.head(10)["count"].median()
