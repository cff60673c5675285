"""Predictions as look-ups have them: of each customer, of each segment, and how good each model was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from crm_online.customers.records import Records
from crm_online.digits import digits
from crm_online.engine.band_reporting import reasons_of, reported_bands
from crm_online.events.times import to_short_iso
from crm_online.predictions import keys
from crm_online.predictions.bands import RiskBands, TargetBands
from crm_online.predictions.curves import ModelCurves
from crm_online.predictions.examples import PURCHASE
from crm_online.settings import Settings
from crm_online.store import PartitionStore

if TYPE_CHECKING:
    from crm_online.predictions.models import JudgedGroup, TargetModels
    from crm_online.predictions.predictor import Predictor

_DAY = 86_400_000


@dataclass(frozen=True, slots=True, eq=False)
class StatePredictor:
    """The predictor in use, as look-ups need it.

    Attributes
    ----------
    predictor
        The version in use.
    target_bands
        The bands of each target.
    """

    predictor: Predictor
    target_bands: TargetBands

    @classmethod
    def of(cls, raw: bytes, settings: Settings) -> StatePredictor:
        """Return it from what the store holds."""
        from crm_online.predictions.predictor import Predictor

        return cls(Predictor.decode(raw), TargetBands.of(settings))

    @classmethod
    def read(cls, owner: PartitionStore, settings: Settings) -> StatePredictor | None:
        """Read it from the partition of the owner; ``None`` before the first version."""
        raw = owner.value(keys.NAME)
        return cls.of(raw, settings) if raw else None

    @property
    def bands(self) -> RiskBands:
        """The risk bands: those of a purchase."""
        return self.target_bands.purchase

    @property
    def model(self) -> str:
        """The model that is acted on."""
        return "ensemble" if self.predictor.purchase.version else "btyd"

    def values(self, records: Records, as_of: int) -> list[dict[str, Any] | None]:
        """Return what is predicted of each customer, as JSON has it; ``None`` for who has never bought."""
        found = self.predictor.predict(records, as_of)
        rows = np.flatnonzero(np.isfinite(found.chance))
        values: list[dict[str, Any] | None] = [None] * len(records)
        others = {
            name: self.predictor.chance(name, found) for name in sorted(self.predictor.targets) if name != PURCHASE
        }
        reported = reported_bands(self.predictor, self.target_bands, records)
        for row, why in zip(rows.tolist(), reasons_of(self.predictor, found, rows), strict=True):
            values[row] = {
                "horizon_days": digits(self.predictor.horizon / _DAY),
                "purchase": digits(float(found.chance[row])),
                "expected_purchases": finite(found.forecast.purchases[row]),
                "expected_value": finite(found.forecast.value[row]),
                "band": reported[row][PURCHASE],
                "model": self.model,
                "model_version": self.predictor.version,
                "reasons": why,
                "targets": {name: finite(chances[row]) for name, chances in others.items()},
                "target_bands": {name: reported[row].get(name) for name in others},
            }
        return values

    def columns(self, records: Records, as_of: int) -> dict[str, NDArray[np.float64]]:
        """Return the columns of an export, see :func:`column_names`."""
        found = self.predictor.predict(records, as_of)
        values = [found.chance, *found.purchase.T, found.forecast.purchases, found.forecast.value]
        return dict(zip(column_names(), values, strict=True))

    def means(self, records: Records, nearest: NDArray[np.int64], k: int, as_of: int) -> list[dict[str, float | None]]:
        """Return the mean chance and the mean expected value of the customers of each of k segments.

        Parameters
        ----------
        records, nearest
            Customers, and the segment of each as an index.
        k
            How many segments there are.
        as_of
            Time in ms.
        """
        found = self.predictor.predict(records, as_of)
        both = {"purchase": found.chance, "expected_value": found.forecast.value}
        return [{name: _mean(values[nearest == segment]) for name, values in both.items()} for segment in range(k)]

    def figures(self) -> dict[str, Any]:
        """Return how good each model was, as ``crm-online predictions --json`` has it."""
        every = [self.predictor.purchase, *(one for one in self.predictor.targets.values() if one.target != PURCHASE)]
        return {
            "version": self.predictor.version,
            "horizon_days": digits(self.predictor.horizon / _DAY),
            "bands": list(self.bands.borders),
            "models": [one for models in every for one in _overall(models)],
            "over_time": [_period(models, group) for models in every for group in models.groups if group.of == "time"],
            "per_segment": [
                {"target": models.target, "segment": f"s{group.name}", "models": _figures(models, group)}
                for models in every
                for group in models.groups
                if group.of == "segment" and group.name != "0"
            ],
            "curves": [_curves(models, one) for models in every for one in models.curves],
            "buying": self.predictor.buying.to_json() if self.predictor.buying else None,
        }


def column_names() -> list[str]:
    """Return the columns of an export: the chance acted on, that by each model, expected purchases and spending."""
    from crm_online.predictions.models import MODELS

    return ["p_purchase", *(f"p_purchase_{name}" for name in MODELS), "expected_purchases", "expected_value"]


NO_FIGURES: Mapping[str, Any] = {
    "version": 0,
    "models": [],
    "over_time": [],
    "per_segment": [],
    "curves": [],
    "buying": None,
}
"""What there is before the first version, but for the settings."""


def no_figures(settings: Settings) -> dict[str, Any]:
    """Return what ``crm-online predictions --json`` has before the first version."""
    chosen = settings.predictions
    return {**NO_FIGURES, "horizon_days": digits(chosen.horizon / _DAY), "bands": list(chosen.bands)}


def _overall(models: TargetModels) -> Sequence[dict[str, Any]]:
    from crm_online.predictions.models import MODELS

    if not models.groups:
        empty = dict.fromkeys(("roc_auc", "pr_auc", "log_loss", "brier", "ece"))
        return [{"name": name, "target": models.target, "examples": 0, **empty, "weight": 0.0} for name in MODELS]
    return _figures(models, models.groups[0])


def _period(models: TargetModels, group: JudgedGroup) -> dict[str, Any]:
    return {"target": models.target, "begin": to_short_iso(int(group.name)), "models": _figures(models, group)}


def _figures(models: TargetModels, group: JudgedGroup) -> list[dict[str, Any]]:
    found = []
    for figures in group.figures:
        value = asdict(figures)
        name = value.pop("model")
        numbers = {key: one if one is None or key == "examples" else digits(one) for key, one in value.items()}
        found.append({"name": name, "target": models.target, **numbers})
    return found


def _curves(models: TargetModels, curves: ModelCurves) -> dict[str, Any]:
    return {
        "name": curves.model,
        "target": models.target,
        "calibration": [point._asdict() for point in curves.calibration],
        "rarer": curves.rarer,
        "gains": list(curves.gains),
    }


def finite(value: float) -> float | None:
    """Return a number as JSON has it; ``None`` if it is not finite."""
    return digits(float(value)) if np.isfinite(value) else None


def _mean(values: NDArray[np.float64]) -> float | None:
    known = values[np.isfinite(values)]
    return digits(float(known.mean())) if len(known) else None
