"""The ranking of rules beside the article's four models: the rank that was learned on the way does as well."""

from __future__ import annotations

import pytest

from examples.ranking import MODELS, ranked, share


def test_the_rank_is_by_the_chances_that_were_learned_and_does_as_well_as_the_models_of_the_article() -> None:
    found = ranked()
    assert found.sort_values("rank")["p_next_basket"].is_monotonic_decreasing
    assert found["p_next_basket"].between(0, 1).all()
    assert found["visits"].median() > 20
    best = max(share(found, way) for way in MODELS)
    assert share(found, "rank") > best - 0.05
    assert share(found, "rank") > share(found, "lift")
    assert share(found, "rank") == pytest.approx(found.head(10)["p_next_basket"].mean(), abs=0.1), (
        "the chances are true"
    )
