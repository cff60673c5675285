"""The ranking of rules puts what will be in the next basket before what was seen a few times, whatever its lift."""

from __future__ import annotations

from examples.ranking import ranked


def test_the_rank_is_the_order_of_the_chances_that_were_learned() -> None:
    found = ranked()
    assert found.sort_values("rank")["p_next_basket"].is_monotonic_decreasing
    assert found["p_next_basket"].between(0, 1).all()
    assert found["rank"].tolist() != sorted(found["rank"].tolist()), "by lift it is another order"
