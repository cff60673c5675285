"""The models of a target, as all partitions use them: they predict and say why; fitting is elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from crm_online.errors import StateCorrupt
from crm_online.predictions.arrays import pack, unpack
from crm_online.predictions.curves import ModelCurves
from crm_online.predictions.features import FEATURES
from crm_online.predictions.models.ensemble import Ensemble
from crm_online.predictions.models.figures import JudgedGroup, ModelFigures
from crm_online.predictions.models.fitted import DECODERS, FittedModel
from crm_online.predictions.models.names import MODELS

_CLIP: Final = 1e-4
_REASONS: Final = 3


class Contribution(NamedTuple):
    """A feature that weighs in a prediction.

    Attributes
    ----------
    feature
        Its name.
    words
        What it says of the customer.
    log_odds
        How far it moves the ensemble's log-odds away from what they would be with the feature's mean over the
        examples of the other answer.
    """

    feature: str
    words: str
    log_odds: float


@dataclass(frozen=True, slots=True)
class TargetModels:
    """One version of the models of a target; never changed.

    Attributes
    ----------
    target
        Name of the target: ``purchase``, or that of a user's own outcome.
    version
        0 before anything was learned; one more at each fit.
    examples
        How many labelled examples it has learned from.
    as_of
        Event time of the fit, in ms.
    mean, spread
        float64[d + 1]: mean and standard deviation of the features, and of the log-odds by the BTYD.
    typical
        float64[2, d + 1]: means of the scaled vectors of examples whose label was no, and yes.
    fitted
        Fitted models by name.
    ensemble
        How the ensemble is made of the other models.
    groups
        Figures: overall first, then over time and per segment.
    curves
        Calibration and gains of each of :data:`MODELS`.
    """

    target: str
    version: int = 0
    examples: int = 0
    as_of: int = 0
    mean: NDArray[np.float64] = field(default_factory=lambda: np.zeros(len(FEATURES) + 1))
    spread: NDArray[np.float64] = field(default_factory=lambda: np.ones(len(FEATURES) + 1))
    typical: NDArray[np.float64] = field(default_factory=lambda: np.zeros((2, len(FEATURES) + 1)))
    fitted: Mapping[str, FittedModel] = field(default_factory=dict)
    ensemble: Ensemble = field(default_factory=Ensemble)
    groups: tuple[JudgedGroup, ...] = ()
    curves: tuple[ModelCurves, ...] = ()

    def predict(self, x: NDArray[np.float64], btyd: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the chances by each model, none surer than so many examples can be.

        Parameters
        ----------
        x
            float[n, d]: features, columns as in :data:`FEATURES`.
        btyd
            float[n]: chance of a purchase within the horizon by the BTYD, NaN where there is none; before there are
            labels it is the answer of all models.

        Returns
        -------
        float64[n, m]
            Columns as in :data:`MODELS`.
        """
        if not self.fitted:
            return np.repeat(np.asarray(btyd, np.float64)[:, np.newaxis], len(MODELS), axis=1)
        from scipy.special import expit

        found = expit(self._log_odds(self.scaled(x, btyd)))
        # The rule of Krichevsky and Trofimov: what never happened in n examples has a chance of 1 / (2n + 2).
        sure: NDArray[np.float64] = (self.examples * found + 0.5) / (self.examples + 1)
        return sure

    def stored(self, chances: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the chances that models are judged by: those of :meth:`predict`, NaN where a model is not fitted.

        Before there are labels all columns of :meth:`predict` are the BTYD's; only it and the ensemble are judged then.
        """
        return chances if self.fitted else np.where(np.isin(MODELS, ("btyd", "ensemble")), chances, np.nan)

    def _log_odds(self, scaled: NDArray[np.float64]) -> NDArray[np.float64]:
        single = np.column_stack([self.fitted[model].log_odds(scaled) for model in MODELS[:-1]])
        return np.column_stack([single, self.ensemble.log_odds(single)])

    @classmethod
    def scaled_to(cls, target: str, x: NDArray[np.float64], btyd: NDArray[np.float64]) -> Self:
        """Return no models yet, but the scale of some features, as for :meth:`predict`."""
        together = np.column_stack([x, _log_odds(btyd)])
        known = np.isfinite(together)
        count = np.maximum(known.sum(axis=0), 1)
        mean = np.where(known, together, 0.0).sum(axis=0) / count
        spread = np.sqrt((np.where(known, together - mean, 0.0) ** 2).sum(axis=0) / count)
        return cls(target, mean=mean, spread=np.where(spread > 1e-9, spread, 1.0))

    def scaled(self, x: NDArray[np.float64], btyd: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the vectors that the models read, float64[n, d + 1]: scaled, the BTYD's log-odds last."""
        together = np.column_stack([x, _log_odds(btyd)]).astype(np.float64)
        together = np.where(np.isfinite(together), together, self.mean)
        scaled: NDArray[np.float64] = np.clip((together - self.mean) / self.spread, -5, 5)
        return scaled

    def figures(self) -> list[ModelFigures]:
        """Return how good each model was on all examples that were judged; nothing before there are any."""
        return list(self.groups[0].figures) if self.groups else []

    def reasons(self, x: NDArray[np.float64], btyd: NDArray[np.float64]) -> list[list[Contribution]]:
        """Return the features that speak for each prediction, the strongest first; none before there are labels.

        A customer is compared with those of the other answer: who is less likely to buy than halfway between the
        typical no and the typical yes, with the typical yes. One feature after the other is replaced by the typical
        one.
        """
        if not self.fitted or not len(x):
            return [[] for _ in range(len(x))]
        scaled, typical = self.scaled(x, btyd), self.typical
        log_odds = self._log_odds(scaled)[:, -1]
        yes = log_odds >= self._log_odds(typical)[:, -1].mean()
        apart = scaled - np.where(yes[:, np.newaxis], typical[0], typical[1])
        # All in one go: asking the models costs more than their answers about few customers.
        without = np.repeat(scaled[np.newaxis], len(FEATURES), axis=0)
        for column in range(len(FEATURES)):
            without[column, :, column] -= apart[:, column]
        moved = (log_odds - self._log_odds(without.reshape(-1, scaled.shape[1]))[:, -1].reshape(len(FEATURES), -1)).T
        support = np.where(yes[:, np.newaxis], moved, -moved)
        strongest = np.argsort(-support, axis=1, kind="stable")[:, :_REASONS]
        return [
            [
                _contribution(column, float(apart[row, column]), float(moved[row, column]))
                for column in columns
                if support[row, column] > 0
            ]
            for row, columns in enumerate(strongest.tolist())
        ]

    def judged(self, groups: Sequence[JudgedGroup], curves: Sequence[ModelCurves]) -> Self:
        """Return the same version with other figures and curves."""
        return replace(self, groups=tuple(groups), curves=tuple(curves))

    def encode(self) -> bytes:
        """Return what is stored: JSON and plain arrays."""
        document = {
            "target": self.target,
            "version": self.version,
            "examples": self.examples,
            "as_of": self.as_of,
            "ensemble": asdict(self.ensemble),
            "groups": [asdict(one) for one in self.groups],
            "curves": [asdict(one) for one in self.curves],
        }
        arrays = {"mean": self.mean, "spread": self.spread, "typical": self.typical}
        for model, fitted in self.fitted.items():
            arrays |= {f"{model}.{name}": array for name, array in fitted.arrays().items()}
        return pack(document, arrays)

    @classmethod
    def decode(cls, raw: bytes) -> Self:
        """Read what :meth:`encode` wrote.

        Raises
        ------
        StateTooNew, StateCorrupt
            If a newer version wrote it, or none.
        """
        document, arrays = unpack(raw)
        by_model: dict[str, dict[str, NDArray[Any]]] = {}
        for name, array in arrays.items():
            model, _, part = name.rpartition(".")
            by_model.setdefault(model, {})[part] = array
        try:
            plain = by_model.pop("")
            return cls(
                target=str(document["target"]),
                version=int(document["version"]),
                examples=int(document["examples"]),
                as_of=int(document["as_of"]),
                mean=plain["mean"],
                spread=plain["spread"],
                typical=plain["typical"],
                fitted={model: DECODERS[model](parts) for model, parts in by_model.items()},
                ensemble=Ensemble(**{**document["ensemble"], "weights": tuple(document["ensemble"]["weights"])}),
                groups=tuple(map(JudgedGroup.from_json, document["groups"])),
                curves=tuple(map(ModelCurves.from_json, document["curves"])),
            )
        except (ValueError, KeyError, TypeError) as error:
            raise StateCorrupt("the models of predictions cannot be read") from error


def _log_odds(chance: NDArray[np.float64]) -> NDArray[np.float64]:
    from scipy.special import logit

    found: NDArray[np.float64] = logit(np.clip(chance, _CLIP, 1 - _CLIP))
    return found


def _contribution(column: int, apart: float, log_odds: float) -> Contribution:
    feature = FEATURES[column]
    return Contribution(feature.name, feature.high if apart > 0 else feature.low, round(log_odds, 3))
