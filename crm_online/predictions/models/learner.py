"""Learning of a target: from kept labelled examples, judged by what was predicted when they were taken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from crm_online.predictions.examples import LabelledExamples
from crm_online.predictions.models.ensemble import TRUST, Ensemble, recently_judged
from crm_online.predictions.models.figures import judge, judge_curves
from crm_online.predictions.models.fitted import LEARNERS
from crm_online.predictions.models.target import TargetModels

KEPT: Final = 20_000
"""Labelled examples that are learned from at most: the latest."""
FITTED: Final = 10_000
"""Examples that models are fitted to at most: of more, evenly spread ones."""
FEWEST: Final = 50
"""Examples of the rarer answer without which nothing is fitted."""
GROWTH: Final = 1.5
"""How many times as many examples make a new fit due."""
PERIOD: Final = 30 * 86_400_000
"""Length in ms of the periods over which figures are shown."""


@dataclass(slots=True)
class TargetLearner:
    """What the owner of a target's models learns with.

    Attributes
    ----------
    models
        The latest version.
    kept
        The labelled examples that were learned from, in the order of their labels.
    """

    models: TargetModels
    kept: LabelledExamples | None = None

    def learn(self, block: LabelledExamples, now: int) -> None:
        """Add labelled examples to what is kept; judge the models and fit a new version if that is due.

        Parameters
        ----------
        block
            Examples whose labels have become known; their order within the block does not matter.
        now
            Event time in ms; not before any label of the block.
        """
        if not len(block):
            return
        rows = np.lexsort((np.array(block.customers), block.moment, block.labelled_at))
        known = [block.take(rows)] if self.kept is None else [self.kept, block.take(rows)]
        kept = LabelledExamples.concatenated(known)
        self.kept = kept.take(np.arange(max(0, len(kept) - KEPT), len(kept)))
        if self._is_due(self.kept, now):
            self.models = fitted(self.models, self.kept, now)

    def _is_due(self, kept: LabelledExamples, now: int) -> bool:
        """Return whether there are half as many examples again, or a sixth of the labels' delay has gone by."""
        return len(kept) >= GROWTH * self.models.examples or now - self.models.as_of >= _delay(kept) // 6


def fitted(models: TargetModels, kept: LabelledExamples, now: int) -> TargetModels:
    """Return the next version of a target's models; the same with new figures where there is too little to fit.

    Parameters
    ----------
    models
        The version so far.
    kept
        The labelled examples to learn from.
    now
        Event time in ms.
    """
    some = kept.take(np.arange(0, len(kept), -(-len(kept) // FITTED)))
    y = some.y.astype(np.float64)
    if min(y.sum(), (1 - y).sum()) < FEWEST:
        return models.judged(judge(kept, (*models.ensemble.weights, 1.0), PERIOD), judge_curves(kept))
    scaled = TargetModels.scaled_to(models.target, some.x.astype(np.float64), some.btyd.astype(np.float64))
    x = scaled.scaled(some.x.astype(np.float64), some.btyd.astype(np.float64))
    judged = recently_judged(kept, _delay(kept))
    with threadpool_limits(limits=1):
        learned = {model: learn(x, y) for model, learn in LEARNERS.items()}
        ensemble = Ensemble.of(*judged, TRUST) if judged else _held_out(x, y, some.customers)
    return TargetModels(
        target=models.target,
        version=models.version + 1,
        examples=len(kept),
        as_of=now,
        mean=scaled.mean,
        spread=scaled.spread,
        typical=np.array([x[y == label].mean(axis=0) for label in (0, 1)]),
        fitted=learned,
        ensemble=ensemble,
        groups=judge(kept, (*ensemble.weights, 1.0), PERIOD),
        curves=judge_curves(kept),
    )


def _held_out(x: NDArray[np.float64], y: NDArray[np.float64], customers: Sequence[str]) -> Ensemble:
    """Return the ensemble by how models fitted to half of the customers predict the other half."""
    half = np.isin(np.array(customers), np.unique(np.array(customers))[::2])
    if any(labels.min() == labels.max() for labels in (y[half], y[~half]) if len(labels)) or half.all():
        return Ensemble()
    single = [learn(x[half], y[half]).log_odds(x[~half]) for learn in LEARNERS.values()]
    return Ensemble.of(np.column_stack(single), y[~half], 0.0)


def _delay(kept: LabelledExamples) -> int:
    """Return after what time labels were known, in ms; never less than a period."""
    return max(int(np.median(kept.labelled_at - kept.moment)), PERIOD)
