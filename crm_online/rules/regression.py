"""Logistic regression that learns batch after batch, and never forgets what it began with altogether."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

FORGETTING = 0.9
"""What earlier evidence is multiplied by with each batch; the prior takes the place of what is forgotten."""
_FREE = 1e-3
_STEPS = 8
_NEAR = 1e-6
_DIGITS = 9


@dataclass(slots=True)
class OnlineLogisticRegression:
    """A normal distribution of the weights, from which each batch makes the next one.

    Parameters
    ----------
    pull
        Precision of the prior of each weight but the intercept's: how strongly it is drawn to where it began.
    mean, precision
        Of the weights, intercept first: float64[d], float64[d, d].

    Notes
    -----
    Laplace's approximation of the posterior of one batch is the prior of the next (Spiegelhalter and Lauritzen,
    Sequential updating of conditional probabilities on directed graphical structures, Networks 1990), with exponential
    forgetting towards the first prior (Kulhavý and Zarrop, On a general concept of forgetting, 1993). Sums are
    made without a library that spreads them over threads, and rounded: threads change the last digits.
    """

    pull: float
    mean: NDArray[np.float64]
    precision: NDArray[np.float64]

    @classmethod
    def of(cls, prior: NDArray[np.float64], pull: float) -> Self:
        """Return a regression that has learned nothing: its weights are those of the prior."""
        return cls(pull, prior.copy(), _first(len(prior), pull))

    def predict(self, predictors: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the chance of each of n rows; predictors is float64[n, d] with ones in the first column."""
        return np.round(_chance(np.einsum("ij,j->i", predictors, self.mean)), _DIGITS)

    def learn(
        self, predictors: NDArray[np.float64], trials: NDArray[np.float64], successes: NDArray[np.float64]
    ) -> None:
        """Learn from a batch.

        Parameters
        ----------
        predictors
            float64[n, d], ones in the first column.
        trials, successes
            Weight of the trials of each row, and of those that succeeded; float64[n].
        """
        precision = FORGETTING * self.precision + (1 - FORGETTING) * _first(len(self.mean), self.pull)
        mean, weights = self.mean, self.mean.copy()

        def loss(weights: NDArray[np.float64]) -> float:
            score = np.einsum("ij,j->i", predictors, weights)
            off = weights - mean
            return float((trials * np.logaddexp(0.0, score) - successes * score).sum() + off @ precision @ off / 2)

        before = loss(weights)
        for _ in range(_STEPS):
            chance = _chance(np.einsum("ij,j->i", predictors, weights))
            slope = np.einsum("ij,i->j", predictors, successes - trials * chance) - precision @ (weights - mean)
            step = np.linalg.solve(precision + _information(predictors, trials, chance), slope)
            length = 1.0
            while (after := loss(weights + length * step)) > before and length > _NEAR:
                length /= 2
            if length <= _NEAR:
                break
            weights, before = weights + length * step, after
            if np.abs(length * step).max() < _NEAR:
                break
        chance = _chance(np.einsum("ij,j->i", predictors, weights))
        self.mean = np.round(weights, _DIGITS)
        self.precision = np.round(precision + _information(predictors, trials, chance), _DIGITS)

    def values(self) -> dict[str, Any]:
        """Return the state as JSON values."""
        return {"pull": self.pull, "mean": self.mean.tolist(), "precision": self.precision.tolist()}

    @classmethod
    def of_values(cls, values: dict[str, Any]) -> Self:
        """Return the regression of some JSON values."""
        return cls(float(values["pull"]), np.array(values["mean"], float), np.array(values["precision"], float))


def _first(length: int, pull: float) -> NDArray[np.float64]:
    return np.diag([_FREE, *[pull] * (length - 1)])


def _chance(score: NDArray[np.float64]) -> NDArray[np.float64]:
    chance: NDArray[np.float64] = 1 / (1 + np.exp(-np.clip(score, -30.0, 30.0)))
    return chance


def _information(
    predictors: NDArray[np.float64], trials: NDArray[np.float64], chance: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the information of a batch on the weights, float64[d, d]."""
    weight = trials * chance * (1 - chance)
    information: NDArray[np.float64] = np.einsum("ij,ik->jk", predictors * weight[:, np.newaxis], predictors)
    return information
