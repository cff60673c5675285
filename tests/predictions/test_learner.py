"""Learning of a target."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import expit, logit

from crm_online.errors import StateCorrupt
from crm_online.predictions.examples import LabelledExamples
from crm_online.predictions.features import FEATURES
from crm_online.predictions.models import MODELS, ModelFigures, TargetLearner, TargetModels
from crm_online.predictions.models.ensemble import Ensemble
from crm_online.predictions.models.linear import LinearModel


def planted(n: int, seed: int = 1) -> LabelledExamples:
    """Return examples, from before any fit, of customers who buy again if their first feature is small."""
    draw = np.random.default_rng(seed)
    x = draw.normal(size=(n, len(FEATURES))).astype(np.float32)
    moment = np.sort(draw.integers(0, 10**9 * 6, n))
    predicted = np.full((n, len(MODELS)), np.nan)
    predicted[:, [0, -1]] = draw.random(n)[:, np.newaxis]
    return LabelledExamples(
        target="purchase",
        customers=[f"c{one}" for one in draw.integers(0, 400, n)],
        x=x,
        btyd=draw.random(n).astype(np.float32),
        y=(draw.random(n) < expit(1 - 2 * x[:, 0])).astype(np.float32),
        moment=moment,
        labelled_at=moment + 10**9,
        segment=draw.integers(0, 4, n).astype(np.int16),
        predicted=predicted.astype(np.float32),
    )


NOW = 10**11


def truth(examples: LabelledExamples) -> NDArray[np.float64]:
    return expit(1 - 2 * examples.x[:, 0].astype(np.float64))


def learned(examples: LabelledExamples) -> TargetModels:
    learner = TargetLearner(TargetModels("purchase"))
    learner.learn(examples, NOW)
    return learner.models


def chances(models: TargetModels, examples: LabelledExamples) -> NDArray[np.float64]:
    return models.predict(examples.x.astype(np.float64), examples.btyd.astype(np.float64))


def log_odds(models: TargetModels, examples: LabelledExamples) -> NDArray[np.float64]:
    """Return what the ensemble's chances are made of."""
    x = models.scaled(examples.x.astype(np.float64), examples.btyd.astype(np.float64))
    single = np.column_stack([models.fitted[model].log_odds(x) for model in MODELS[:-1]])
    return models.ensemble.log_odds(single)


@pytest.fixture(scope="module")
def models() -> TargetModels:
    return learned(planted(3000))


def test_before_there_are_labels_all_models_answer_as_the_btyd() -> None:
    examples = planted(5)
    assert np.array_equal(chances(TargetModels("purchase"), examples), np.tile(examples.btyd[:, np.newaxis], 6))


@pytest.mark.parametrize("model", [name for name in MODELS if name != "btyd"])
def test_each_model_but_the_btyd_learns_what_was_planted(models: TargetModels, model: str) -> None:
    new = planted(3000, seed=2)
    chance = chances(models, new)[:, MODELS.index(model)]
    assert np.corrcoef(chance, truth(new))[0, 1] > 0.95


@pytest.mark.parametrize("model", MODELS)
def test_of_what_a_model_gives_a_chance_so_many_happen(models: TargetModels, model: str) -> None:
    new = planted(20_000, seed=3)
    figures = ModelFigures.judged(model, new.y.astype(np.float64), chances(models, new)[:, MODELS.index(model)], 1.0)
    assert figures.ece is not None
    assert figures.ece < 0.03


def test_the_ensemble_weighs_models_by_what_they_lost_lately() -> None:
    examples = planted(1000)
    examples.predicted[:] = examples.predicted[:, :1]
    examples.predicted[:, MODELS.index("net")] = np.clip(truth(examples), 0.01, 0.99)
    weights = learned(examples).ensemble.weights
    assert weights[MODELS.index("net")] > 0.99


def test_chances_that_were_too_high_are_lowered_next_time() -> None:
    examples = planted(3000)
    honest = np.clip(truth(examples), 0.01, 0.99)[:, np.newaxis]
    examples.predicted[:] = honest
    as_it_was = learned(examples)
    examples.predicted[:] = honest / (honest + (1 - honest) / np.e)
    lowered = learned(examples)
    new = planted(200, seed=4)
    below = logit(chances(as_it_was, new)[:, -1]) - logit(chances(lowered, new)[:, -1])
    assert np.all((below > 0.3) & (below < 0.7))


@pytest.mark.parametrize("n", [200, 2000])
def test_no_chance_is_surer_than_so_many_examples_can_be(n: int) -> None:
    examples = planted(n)
    examples.y[:] = examples.x[:, 0] < 0  # and so nothing that is known speaks against it
    new = planted(500, seed=2)
    new.x[:, 0] *= 4
    found = chances(learned(examples), new)
    assert found.min() >= 0.5 / (n + 1)
    assert found.max() <= 1 - 0.5 / (n + 1)
    order = np.argsort(log_odds(learned(examples), new))
    assert (np.diff(found[order, -1]) >= 0).all(), "the order stays"


def test_calibration_never_reverses_an_order() -> None:
    examples = planted(3000)
    examples.btyd[:] = expit(2 * examples.x[:, 0])  # who is likeliest by it never comes back
    examples.predicted[:] = examples.btyd[:, np.newaxis]
    models, new = learned(examples), planted(2000, seed=2)
    new.btyd[:] = expit(2 * new.x[:, 0])
    chance = chances(models, new)[:, MODELS.index("btyd")]
    order = np.argsort(new.btyd, kind="stable")
    assert (np.diff(chance[order]) >= 0).all()
    assert chance[order[-1]] > chance[order[0]]
    assert chance.mean() == pytest.approx(examples.y.mean(), abs=0.01)
    assert models.ensemble.slope > 0


def test_models_are_judged_by_what_they_predicted_once_they_were_fitted() -> None:
    before = planted(600)
    stored = TargetModels("purchase").stored(np.repeat(before.btyd[:, np.newaxis], len(MODELS), axis=1))
    before.predicted[:] = stored
    first = learned(before)
    judged = {one.model: one.examples for one in first.figures()}
    assert judged == {model: 600 if model in ("btyd", "ensemble") else 0 for model in MODELS}
    after = planted(300, seed=2)
    after.predicted[:] = first.stored(chances(first, after))
    learner = TargetLearner(first, before)
    learner.learn(after, NOW)
    assert {one.examples for one in learner.models.figures()} == {300}, "all are compared on the same ones"


def test_the_level_is_midway_between_that_of_labels_and_that_of_the_btyd(models: TargetModels) -> None:
    now = planted(500, seed=6)
    single = logit(chances(models, now)[:, :-1])
    btyd = now.btyd.astype(np.float64) / 3
    btyd[7] = np.nan
    before, after = (
        one.log_odds(single) for one in (models.ensemble, models.ensemble.levelled(chances(models, now)[:, -1], btyd))
    )
    shift = after - before
    assert np.ptp(shift) < 1e-9, "the order of customers stays"
    assert expit(before + 2 * shift)[np.isfinite(btyd)].mean() == pytest.approx(np.nanmean(btyd), abs=1e-4)
    assert models.ensemble.levelled(np.full(3, np.nan), btyd[:3]) == models.ensemble


def test_what_was_planted_is_given_as_the_reason(models: TargetModels) -> None:
    new = planted(500, seed=2)
    far = new.take(np.abs(new.x[:, 0]) > 1)
    reasons = models.reasons(far.x.astype(np.float64), far.btyd.astype(np.float64))
    assert {one[0].feature for one in reasons} == {FEATURES[0].name}
    spoken = {(one[0].words, one[0].log_odds < 0) for one in reasons}
    assert spoken == {(FEATURES[0].high, True), (FEATURES[0].low, False)}


def test_reasons_speak_for_what_the_ensemble_says_though_a_model_without_weight_says_otherwise(
    models: TargetModels,
) -> None:
    logistic = models.fitted["logistic"]
    assert isinstance(logistic, LinearModel)
    opposite = LinearModel(-logistic.coefficients, -logistic.intercept)
    tree = Ensemble((0.0, 0.0, 1.0, 0.0, 0.0))
    changed = replace(models, fitted={**models.fitted, "logistic": opposite}, ensemble=tree)
    new = planted(500, seed=6)
    chance = chances(changed, new)[:, -1]
    found = changed.reasons(new.x.astype(np.float64), new.btyd.astype(np.float64))
    for one, reasons in zip(chance.tolist(), found, strict=True):
        if one < 0.2:
            assert reasons[0].words == FEATURES[0].high
            assert all(reason.log_odds < 0 for reason in reasons)
        if one > 0.95:
            assert all(reason.log_odds > 0 for reason in reasons)


def test_the_order_of_examples_within_a_block_changes_nothing() -> None:
    examples = planted(500)
    shuffled = examples.take(np.random.default_rng(3).permutation(500))
    assert learned(examples).encode() == learned(shuffled).encode()


def test_models_come_back_as_they_were(models: TargetModels) -> None:
    again = TargetModels.decode(models.encode())
    new = planted(50, seed=5)
    assert again.encode() == models.encode()
    assert np.array_equal(chances(again, new), chances(models, new))


def test_a_customer_of_whom_the_btyd_says_nothing_has_a_chance_too(models: TargetModels) -> None:
    new = planted(10)
    new.btyd[:] = np.nan
    assert np.isfinite(chances(models, new)).all()


def test_a_new_version_is_fitted_when_there_are_half_as_many_examples_again() -> None:
    learner = TargetLearner(TargetModels("purchase"))
    versions = []
    for number in range(6):
        learner.learn(planted(200, seed=number), NOW)
        versions.append((learner.models.version, learner.models.examples))
    assert versions == [(1, 200), (2, 400), (3, 600), (3, 600), (4, 1000), (4, 1000)]


def test_bytes_that_no_version_wrote_are_refused(models: TargetModels) -> None:
    raw = models.encode()
    for broken in (raw[:-1], raw[:9], b"", raw + b"1"):
        with pytest.raises(StateCorrupt):
            TargetModels.decode(broken)
