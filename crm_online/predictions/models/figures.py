"""How good predictions were: judged by what was predicted before the label was known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from crm_online.predictions.curves import BINS, ModelCurves
from crm_online.predictions.examples import LabelledExamples
from crm_online.predictions.models.names import MODELS


@dataclass(frozen=True, slots=True)
class ModelFigures:
    """How good a model was on some examples; a figure is ``None`` where it has no value.

    Attributes
    ----------
    model
        One of :data:`MODELS`.
    examples
        How many examples it was judged on.
    roc_auc, pr_auc
        Area under the receiver operating characteristic, and average precision.
    log_loss, brier
        Mean negative log-likelihood, and mean squared error of the probability.
    ece
        Expected calibration error: mean difference of predicted and observed share in 10 bins of equal width,
        weighed by their examples.
    weight
        What the model counts for in the ensemble.
    """

    model: str
    examples: int
    roc_auc: float | None
    pr_auc: float | None
    log_loss: float | None
    brier: float | None
    ece: float | None
    weight: float

    @classmethod
    def judged(cls, model: str, y: NDArray[np.float64], p: NDArray[np.float64], weight: float) -> Self:
        """Judge probabilities by what happened; examples without a prediction (NaN) are left out."""
        some = np.isfinite(p)
        y, p = y[some], np.clip(p[some], 1e-6, 1 - 1e-6)
        both = bool(len(y)) and bool(y.min() < y.max())
        roc_auc, pr_auc = areas(y, p) if both else (0.0, 0.0)
        return cls(
            model=model,
            examples=len(y),
            roc_auc=roc_auc if both else None,
            pr_auc=pr_auc if both else None,
            log_loss=float(-np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))) if len(y) else None,
            brier=float(np.mean((p - y) ** 2)) if len(y) else None,
            ece=calibration_error(y, p) if len(y) else None,
            weight=weight,
        )


def areas(y: NDArray[np.float64], p: NDArray[np.float64]) -> tuple[float, float]:
    """Return the area under the receiver operating characteristic, and the average precision, of both answers.

    scikit-learn's functions, to which a test compares it, take thirty times as long on the few examples of a segment.

    Examples
    --------
    >>> areas(np.array([0.0, 1.0, 1.0, 0.0]), np.array([0.1, 0.9, 0.4, 0.4]))
    (0.875, 0.8333333333333333)
    """
    order = np.argsort(-p, kind="stable")
    last = np.append(np.flatnonzero(np.diff(p[order])), len(p) - 1)
    hits = np.cumsum(y[order])[last]
    misses = last + 1 - hits
    roc_auc = np.trapezoid(np.append(0.0, hits), np.append(0.0, misses)) / (hits[-1] * misses[-1])
    return float(roc_auc), float((np.diff(hits, prepend=0.0) * hits / (last + 1)).sum() / hits[-1])


def calibration_error(y: NDArray[np.float64], p: NDArray[np.float64]) -> float:
    """Return the expected calibration error in :data:`BINS` bins of equal width.

    Source: Naeini, Cooper, Hauskrecht: Obtaining well calibrated probabilities using Bayesian binning, AAAI 2015.

    Examples
    --------
    >>> calibration_error(np.array([0.0, 1.0, 1.0, 1.0]), np.array([0.5, 0.5, 0.85, 0.85]))
    0.075
    """
    where = np.minimum((p * BINS).astype(np.int64), BINS - 1)
    difference = np.bincount(where, y - p, BINS)
    return round(float(np.abs(difference).sum() / len(y)), 12)


@dataclass(frozen=True, slots=True)
class JudgedGroup:
    """The figures of all models on a part of the examples.

    Attributes
    ----------
    of
        ``all``, ``time`` or ``segment``.
    name
        Of a time its first moment in ms, of a segment its number; empty for all.
    figures
        One for each of :data:`MODELS`.
    """

    of: str
    name: str
    figures: tuple[ModelFigures, ...]

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """Return what :func:`dataclasses.asdict` made of a group."""
        return cls(str(value["of"]), str(value["name"]), tuple(ModelFigures(**one) for one in value["figures"]))


def judge(examples: LabelledExamples, weights: Sequence[float], period: int) -> tuple[JudgedGroup, ...]:
    """Judge all models by what they predicted: overall, over time and per segment.

    Parameters
    ----------
    examples
        Labelled examples.
    weights
        What each model counts for in the ensemble.
    period
        Length in ms of the periods of time.
    """
    groups = [_group("all", "", examples, weights)]
    begin = examples.moment // period * period
    groups += [_group("time", str(one), examples.take(begin == one), weights) for one in np.unique(begin).tolist()]
    groups += [
        _group("segment", str(one), examples.take(examples.segment == one), weights)
        for one in np.unique(examples.segment).tolist()
    ]
    return tuple(groups)


def judge_curves(examples: LabelledExamples) -> tuple[ModelCurves, ...]:
    """Return the calibration and gains of each of :data:`MODELS` on labelled examples."""
    y, predicted = _comparable(examples)
    return tuple(ModelCurves.judged(model, y, predicted[:, i]) for i, model in enumerate(MODELS))


def _group(of: str, name: str, examples: LabelledExamples, weights: Sequence[float]) -> JudgedGroup:
    y, predicted = _comparable(examples)
    found = [ModelFigures.judged(model, y, predicted[:, i], weights[i]) for i, model in enumerate(MODELS)]
    return JudgedGroup(of, name, tuple(found))


def _comparable(examples: LabelledExamples) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return labels, float64[n], and predictions, float64[n, m], of the examples that models are compared on.

    Those of which all models predicted something, if both answers are among them; else all.
    """
    y, predicted = examples.y.astype(np.float64), examples.predicted.astype(np.float64)
    known = np.isfinite(predicted).all(axis=1)
    both = bool(known.any()) and y[known].min() < y[known].max()
    return (y[known], predicted[known]) if both else (y, predicted)
