"""Learning of a target."""

from __future__ import annotations

import numpy as np
import pytest

from crm_online.errors import StateCorrupt
from crm_online.predictions.examples import LabelledExamples
from crm_online.predictions.features import FEATURES
from crm_online.predictions.models import MODELS, TargetLearner, TargetModels


def planted(n: int, seed: int = 1) -> LabelledExamples:
    """Return examples of customers who buy again if their first feature is small."""
    draw = np.random.default_rng(seed)
    x = draw.normal(size=(n, len(FEATURES))).astype(np.float32)
    chance = 1 / (1 + np.exp(2 * x[:, 0] - 1))
    moment = np.sort(draw.integers(0, 10**9 * 6, n))
    predicted = np.repeat(draw.random(n)[:, np.newaxis], len(MODELS), axis=1)
    return LabelledExamples(
        target="purchase",
        customers=[f"c{one}" for one in draw.integers(0, 400, n)],
        x=x,
        btyd=draw.random(n).astype(np.float32),
        y=(draw.random(n) < chance).astype(np.float32),
        moment=moment,
        labelled_at=moment + 10**9,
        segment=draw.integers(0, 4, n).astype(np.int16),
        predicted=predicted.astype(np.float32),
    )


def test_before_there_are_labels_all_models_answer_as_the_btyd() -> None:
    examples = planted(5)
    chances = TargetModels("purchase").predict(examples.x.astype(np.float64), examples.btyd.astype(np.float64))
    assert np.allclose(chances, examples.btyd[:, np.newaxis], atol=1e-4)


def test_what_was_planted_is_learned_and_given_as_the_reason() -> None:
    learner = TargetLearner(TargetModels("purchase"))
    learner.learn(planted(1000), 10**11)
    new = planted(1000, seed=2)
    chance = learner.models.predict(new.x.astype(np.float64), new.btyd.astype(np.float64))[:, MODELS.index("ensemble")]
    assert np.corrcoef(chance, 1 / (1 + np.exp(2 * new.x[:, 0] - 1)))[0, 1] > 0.97
    far = np.abs(new.x[:, 0]) > 1
    reasons = learner.models.reasons(new.x[far].astype(np.float64), new.btyd[far].astype(np.float64))
    assert {one[0].feature for one in reasons} == {FEATURES[0].name}


def test_the_order_of_examples_within_a_block_changes_nothing() -> None:
    examples = planted(500)
    one, other = (TargetLearner(TargetModels("purchase")) for _ in range(2))
    one.learn(examples, 10**11)
    other.learn(examples.take(np.random.default_rng(3).permutation(500)), 10**11)
    assert one.encode() == other.encode()


def test_a_learner_that_was_stored_goes_on_as_if_it_had_not_been() -> None:
    first, second = planted(500), planted(400, seed=4)
    learner = TargetLearner(TargetModels("purchase"))
    learner.learn(first, 10**11)
    stored = TargetLearner.decode(learner.encode())
    for one in (learner, stored):
        one.learn(second, 2 * 10**11)
    assert learner.encode() == stored.encode()
    assert TargetModels.decode(learner.models.encode()).encode() == learner.models.encode()


def test_bytes_that_no_version_wrote_are_refused() -> None:
    raw = TargetLearner(TargetModels("purchase")).encode()
    for broken in (raw[:-1], raw[:9], b"", raw + b"1"):
        with pytest.raises(StateCorrupt):
            TargetLearner.decode(broken)


def test_of_a_customer_who_is_erased_no_example_is_kept() -> None:
    examples = planted(500)
    who = examples.customers[0]
    learner = TargetLearner(TargetModels("purchase"))
    learner.learn(examples, 10**11)
    assert f'"{who}"'.encode() in learner.encode()
    learner.forget({who})
    assert f'"{who}"'.encode() not in learner.encode()
