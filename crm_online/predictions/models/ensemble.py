"""The ensemble: log-odds of all models, weighed by recent loss, and calibrated on what was predicted and happened."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from crm_online.predictions.examples import LabelledExamples
from crm_online.predictions.models.linear import calibration, shift_to
from crm_online.predictions.models.names import MODELS

SINGLE: Final = len(MODELS) - 1
"""How many models the ensemble is made of: all before it in :data:`MODELS`."""
TEMPERATURE: Final = 0.01
"""Loss, as a share of that of the overall rate, by which a model must be worse, beyond chance, to weigh less by e."""
FEWEST: Final = 300
"""Judged examples without which models are weighed by held-out customers, and the ensemble is not calibrated."""
TRUST: Final = 0.5
"""Share of a miscalibration that is corrected: examples of one time rise and fall together, so much of it is chance."""
LEVEL: Final = 0.5
"""Share of the way from the level that labels say, which are a horizon old, to the one that the BTYD says as of now."""
_CLIP: Final = 1e-4


@dataclass(frozen=True, slots=True)
class Ensemble:
    """How the log-odds of the single models become the ensemble's.

    Attributes
    ----------
    weights
        What each single model counts for; they add up to 1.
    slope, intercept
        Of the ensemble's log-odds.
    """

    weights: tuple[float, ...] = (1.0 / SINGLE,) * SINGLE
    slope: float = 1.0
    intercept: float = 0.0

    @classmethod
    def of(cls, single: NDArray[np.float64], y: NDArray[np.float64], trust: float) -> Self:
        """Return the ensemble by how the single models predicted.

        Parameters
        ----------
        single
            float64[n, m - 1]: log-odds that each single model gave before it knew the label.
        y
            float64[n]: the labels, of which both answers occur.
        trust
            Share of a miscalibration that is corrected.
        """
        losses = np.logaddexp(0, single) - y[:, np.newaxis] * single
        losses -= losses[:, [int(losses.mean(axis=0).argmin())]]
        chance = losses.std(axis=0) / np.sqrt(len(y))
        rate = y.mean()
        base = -(rate * np.log(rate) + (1 - rate) * np.log(1 - rate))
        weights = np.exp(-losses.mean(axis=0) / (TEMPERATURE * base + chance))
        weights = np.round(weights / weights.sum(), 6)
        slope, intercept = calibration(single @ weights, y) if trust else (1.0, 0.0)
        return cls(tuple(weights.tolist()), round(1 + trust * (slope - 1), 6), round(trust * intercept, 6))

    def levelled(self, chance: NDArray[np.float64], btyd: NDArray[np.float64]) -> Self:
        """Return the ensemble with another intercept: on some customers its mean chance is nearer to the BTYD's.

        Parameters
        ----------
        chance, btyd
            float64[n]: chances by the ensemble and by the BTYD as of now; NaN where there is none.
        """
        known = np.isfinite(chance) & np.isfinite(btyd)
        if not known.any():
            return self
        from scipy.special import logit

        found, level = logit(np.clip(chance[known], _CLIP, 1 - _CLIP)), np.clip(btyd[known].mean(), _CLIP, 1 - _CLIP)
        offset = shift_to(found, float(level))
        return replace(self, intercept=round(self.intercept + LEVEL * offset, 6))

    def log_odds(self, single: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the ensemble's log-odds, float64[n], from those of the single models, float64[n, m - 1]."""
        found: NDArray[np.float64] = self.slope * (single @ np.array(self.weights)) + self.intercept
        return found


def recently_judged(examples: LabelledExamples, recent: int) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Return log-odds by the single models, and labels, of the examples that fitted models judged lately.

    Parameters
    ----------
    examples
        Labelled examples with what was predicted of them.
    recent
        How long before the last moment their moments may be, in ms.

    Returns
    -------
    tuple, optional
        float64[n, m - 1] and float64[n]; ``None`` where there are too few.
    """
    single = examples.predicted[:, :SINGLE].astype(np.float64)
    known = np.isfinite(single).all(axis=1)
    if known.any():
        known &= examples.moment > examples.moment[known].max() - recent
    y = examples.y[known].astype(np.float64)
    if len(y) < FEWEST or y.min() == y.max():
        return None
    from scipy.special import logit

    return logit(np.clip(single[known], _CLIP, 1 - _CLIP)), y
