"""`segments.k=auto`: the number is chosen, looked at again, told with its reason, and does not flap."""

from __future__ import annotations

from typing import Any

import pytest

from crm_online.engine import fitting
from crm_online.segments.model import Model
from crm_online.segments.number import Score
from crm_online.store import Store
from tests.engine import shop
from tests.engine.pipelines import Shop, settings


def pretended(best: int) -> list[Score]:
    """Return scores by which one number repeats, and no other from 3 on."""
    return [Score(k, 1.0 if k in (2, best) else 0.2, 0.1 * k) for k in range(2, 9)]


def test_another_number_must_be_right_in_two_looks_and_the_reason_is_told(
    redis: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[int] = []
    plan = iter([3, 5, 3, 5, 5])  # at the first fit, then once, then not, then twice in a row

    def scored(sample: Any) -> list[Score]:
        looks.append(next(plan, 5))
        return pretended(looks[-1])

    monkeypatch.setattr(fitting, "score_candidates", scored)
    run = Shop(redis, settings(k="auto", min_customers=40))
    numbers = []
    for _ in run.run(shop.made(80, 220, 5), 100):
        told = run.lookup.segments()
        if told["k"]:
            choice = told["k_choice"]
            assert isinstance(choice, dict)
            assert choice["k"] == told["k"]
            assert "repeat in either half" in choice["reason"]
            numbers.append((len(looks), told["k"]))
    assert {k for seen, k in numbers if seen < 5} == {3}
    assert numbers[-1][1] == 5
    assert len(looks) < 40, "220 days are 29 quarters of the half-life"
    run.verified()


def test_a_number_that_the_settings_say_has_no_reason(redis: Store) -> None:
    run = Shop(redis, settings(k=3)).all(shop.made(60, 60, 5))
    assert (run.lookup.segments()["k"], run.lookup.segments()["k_choice"]) == (3, None)


def test_the_choice_is_kept_with_the_model(redis: Store) -> None:
    run = Shop(redis, settings(k="auto")).all(shop.made(80, 60, 5))
    model = run.pipelines[0].engine.segmenting.model
    assert model is not None
    assert model.choice is not None
    assert model.choice.k == model.k
    assert Model.from_json(model.to_json()) == model
