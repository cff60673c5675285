"""What predicts: one version for all partitions, made by the owner from the labelled examples of all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import NDArray

from crm_online.btyd.model import BuyingForecast, BuyingModel
from crm_online.customers.records import Records
from crm_online.errors import StateCorrupt
from crm_online.predictions.arrays import pack, unpack
from crm_online.predictions.examples import PURCHASE, LabelledExamples
from crm_online.predictions.features import CustomerHistory, feature_matrix
from crm_online.predictions.models import MODELS, TargetModels
from crm_online.predictions.reported import MOST_TARGETS

ENSEMBLE = MODELS.index("ensemble")
_MS_PER_DAY = 86_400_000


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """What is predicted of n customers.

    Attributes
    ----------
    x
        float64[n, d]: their features.
    forecast
        What they will buy by the buy-till-you-die model.
    purchase
        float64[n, m]: the chance of a purchase within the horizon by each model; NaN for who has never bought.
    """

    x: NDArray[np.float64]
    forecast: BuyingForecast
    purchase: NDArray[np.float64]

    @property
    def chance(self) -> NDArray[np.float64]:
        """The chance that is acted on: that of the ensemble."""
        return self.purchase[:, ENSEMBLE]


@dataclass(frozen=True, slots=True, eq=False)
class Predictor:
    """One version of all that predicts.

    Attributes
    ----------
    version
        1 for the first.
    horizon
        Within which a customer buys again or does not, in ms.
    consumed
        Of each partition, how many of its blocks of labelled examples it has learned from; none is used twice.
    buying
        The buy-till-you-die model; ``None`` where there was too little to fit one.
    targets
        What has learned from labels, by target.
    thresholds
        Above which a label is a yes, by target.
    fitted_at
        Event time of the last fit of the buy-till-you-die model, in ms.
    """

    version: int
    horizon: int
    consumed: Sequence[int]
    buying: BuyingModel | None = None
    targets: Mapping[str, TargetModels] = field(default_factory=dict)
    thresholds: Mapping[str, float] = field(default_factory=dict)
    fitted_at: int = 0

    @property
    def purchase(self) -> TargetModels:
        """The models of whether a customer buys again."""
        return self.targets.get(PURCHASE) or TargetModels(PURCHASE)

    @property
    def banded(self) -> tuple[str, ...]:
        """The targets that customers have bands of, in the order of records: each keeps its place in all versions."""
        own = [target for target in self.targets if target != PURCHASE]
        return (PURCHASE, *own[:MOST_TARGETS])

    def chance(self, target: str, prediction: Prediction) -> NDArray[np.float64]:
        """Return the chance of a target that is acted on, float64[n], of those of whom something is predicted."""
        if target == PURCHASE:
            return prediction.chance
        known = np.isfinite(prediction.chance)
        chances = self.predict_target(target, prediction.x, prediction.forecast.purchase)[:, ENSEMBLE]
        return np.where(known, chances, np.nan)

    def predict(self, records: Records, as_of: int) -> Prediction:
        """Return the predictions of customers as of a time in ms, from their records."""
        x = features(records, as_of)
        forecast = self.forecast(records, as_of)
        chances = self.purchase.predict(x, forecast.purchase)
        # Before there are labels, there is an answer only where there is one without.
        known = (records.purchases > 0) & (np.isfinite(forecast.purchase) | (self.purchase.version > 0))
        return Prediction(x, forecast, np.where(known[:, np.newaxis], chances, np.nan))

    def predict_target(self, target: str, x: NDArray[np.float64], btyd: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the chances of a user's own target by each model, float64[n, m]; NaN before anything was learned."""
        models = self.targets.get(target)
        if models is None or models.version == 0:
            return np.full((len(x), len(MODELS)), np.nan)
        return models.predict(x, btyd)

    def forecast(self, records: Records, as_of: int) -> BuyingForecast:
        """Return what customers will buy; NaN without a model."""
        if self.buying is None:
            return BuyingForecast(*(np.full(len(records), np.nan) for _ in range(3)))
        return self.buying.forecast(records, as_of, self.horizon / _MS_PER_DAY)

    def encode(self) -> bytes:
        """Return what is stored: JSON and plain arrays."""
        head = {
            "version": self.version,
            "horizon": self.horizon,
            "consumed": list(self.consumed),
            "buying": self.buying.to_json() if self.buying else None,
            "targets": list(self.targets),
            "thresholds": dict(self.thresholds),
            "fitted_at": self.fitted_at,
        }
        return pack(head, {name: np.frombuffer(one.encode(), np.uint8) for name, one in self.targets.items()})

    @classmethod
    def decode(cls, raw: bytes) -> Self:
        """Read what :meth:`encode` wrote.

        Raises
        ------
        StateTooNew, StateCorrupt
            If a newer version, or none, wrote it.
        """
        head, arrays = unpack(raw)
        try:
            return cls(
                version=int(head["version"]),
                horizon=int(head["horizon"]),
                consumed=[int(one) for one in head["consumed"]],
                buying=BuyingModel.from_json(head["buying"]) if head["buying"] else None,
                fitted_at=int(head["fitted_at"]),
                thresholds={str(name): float(one) for name, one in head["thresholds"].items()},
                targets={name: TargetModels.decode(arrays[name].tobytes()) for name in head["targets"]},
            )
        except (ValueError, KeyError, TypeError) as error:
            raise StateCorrupt("the predictor cannot be read") from error

    def examples(
        self, target: str, customers: Sequence[str], records: Records, segment: NDArray[np.int16], moment: int
    ) -> LabelledExamples:
        """Return examples of a target whose outcome is pending, see :func:`pending_examples`."""
        prediction = self.predict(records, moment)
        btyd = prediction.forecast.purchase
        if target == PURCHASE:
            chances = self.purchase.stored(prediction.purchase)
        else:
            chances = self.predict_target(target, prediction.x, btyd)
        return _pending(target, customers, prediction.x, (btyd, chances), segment, moment)


def features(records: Records, as_of: int) -> NDArray[np.float64]:
    """Return the features of customers as of a time in ms, float64[n, d]."""
    return feature_matrix(CustomerHistory.from_records(records, np.full(len(records), as_of)))


def pending_examples(
    predictor: Predictor | None,
    target: str,
    customers: Sequence[str],
    records: Records,
    segment: NDArray[np.int16],
    moment: int,
) -> LabelledExamples:
    """Return examples of a target whose outcome is pending.

    Parameters
    ----------
    predictor
        The version in use, if any.
    target
        Of what the outcome will be.
    customers, records
        Whose they are, and their records; nothing in them is from after ``moment``.
    segment
        int16[n]: number of each one's segment.
    moment
        Event time in ms.
    """
    if predictor is not None:
        return predictor.examples(target, customers, records, segment, moment)
    n = len(records)
    unknown = np.full(n, np.nan), np.full((n, len(MODELS)), np.nan)
    return _pending(target, customers, features(records, moment), unknown, segment, moment)


def _pending(
    target: str,
    customers: Sequence[str],
    x: NDArray[np.float64],
    predicted: tuple[NDArray[np.float64], NDArray[np.float64]],
    segment: NDArray[np.int16],
    moment: int,
) -> LabelledExamples:
    n = len(customers)
    return LabelledExamples(
        target=target,
        customers=list(customers),
        x=x.astype(np.float32),
        btyd=predicted[0].astype(np.float32),
        predicted=predicted[1].astype(np.float32),
        segment=segment,
        moment=np.full(n, moment, np.int64),
        labelled_at=np.zeros(n, np.int64),
        y=np.full(n, np.nan, np.float32),
    )
