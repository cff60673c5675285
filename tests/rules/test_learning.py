"""Rules ranked by what sold: the regression is scikit-learn's, judged before it learns, and stands as it was stored."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from crm_online.baskets.transitions import Transition
from crm_online.errors import StateCorrupt
from crm_online.rules.derive import derive
from crm_online.rules.learning import FEWEST, Forecasts, RuleLearning, predictors
from crm_online.rules.next_baskets import NextBaskets
from crm_online.rules.rank import order
from crm_online.rules.regression import OnlineLogisticRegression
from crm_online.rules.table import RuleTable
from tests.rules.shops import found_in

NAMES = ["bread", "cup", "tea"]
BASKETS = [["tea", "cup"]] * 30 + [["tea", "bread"]] * 20 + [["bread"]] * 30 + [["cup"]] * 5


def seen(count: int, begin: int = 0) -> NextBaskets:
    """Return customers who bought tea and buy bread next, never a cup."""
    orders = [Transition(number, "ann", [2], [0]) for number in range(count)]
    return NextBaskets.of([(orders, NAMES)], [begin])


def table() -> RuleTable:
    rules = derive(found_in(BASKETS, 0.1), 0.1, 0.3)
    return rules.take(order(rules))


def learned(batches: int) -> RuleLearning:
    learning, rules = RuleLearning(), table()
    for number in range(batches):
        learning.forecasts = Forecasts.of(rules, predictors(rules, seen(40 * number)))
        learning.learn(seen(40 * (number + 1), 40 * number))
    return learning


def chances(learning: RuleLearning) -> dict[str, float]:
    rules = table()
    found = learning.chances(predictors(rules, seen(40)))
    assert found is not None
    return dict(zip(rules.ids, found.tolist(), strict=True))


def test_rules_that_come_true_overtake_those_that_do_not() -> None:
    ids = table().ids
    assert ids.index('[["tea"],["cup"]]') < ids.index('[["tea"],["bread"]]')
    assert learned(1).chances(np.empty((0, 12))) is None, f"{FEWEST} transitions are needed"
    later = chances(learned(20))
    assert max(later, key=lambda rule: later[rule]) == '[["tea"],["bread"]]'
    assert later['[["tea"],["bread"]]'] > 0.8
    assert later['[["tea"],["cup"]]'] < 0.3


def test_nothing_is_learned_from_a_transition_twice_or_without_a_forecast() -> None:
    learning = RuleLearning()
    learning.learn(seen(200))
    assert learning.transitions == 0
    learning = learned(3)
    mean = learning.regressions[0].mean.copy()
    learning.learn(seen(120, 120))
    assert (learning.transitions, learning.regressions[0].mean.tolist()) == (120, mean.tolist())


def test_what_was_learned_comes_back_as_it_was() -> None:
    learning = learned(4)
    learning.learned_to = {0: 7, 3: 2**40}
    raw = learning.encode()
    again = RuleLearning.decode(raw)
    assert again.encode() == raw
    assert chances(again) == chances(learning)
    again.learn(seen(240, 160))
    learning.learn(seen(240, 160))
    assert again.encode() == learning.encode()
    for wrong in (raw[:40], raw[:-1], b"\x07" + raw[1:]):
        with pytest.raises(StateCorrupt):
            RuleLearning.decode(wrong)


def test_one_batch_is_learned_as_scikit_learn_does() -> None:
    draw = np.random.default_rng(5)
    found: NDArray[np.float64] = np.column_stack([np.ones(300), draw.normal(size=(300, 3))])
    chance = 1 / (1 + np.exp(-found @ [-1.0, 0.8, -0.4, 0.0]))
    trials = draw.integers(1, 20, 300).astype(float)
    hits = draw.binomial(trials.astype(int), chance).astype(float)
    ours = OnlineLogisticRegression.of(np.zeros(4), 2.0)
    ours.learn(found, trials, hits)
    theirs = LogisticRegression(C=1 / 2.0, tol=1e-10, max_iter=1000)
    theirs.fit(
        np.tile(found[:, 1:], (2, 1)),
        np.repeat([True, False], 300),
        sample_weight=np.concatenate([hits, trials - hits]),
    )
    assert ours.mean == pytest.approx([*theirs.intercept_, *theirs.coef_[0]], abs=1e-4)
    assert ours.predict(found) == pytest.approx(theirs.predict_proba(found[:, 1:])[:, 1], abs=1e-4)
