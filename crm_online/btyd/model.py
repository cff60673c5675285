"""What customers will buy, from their records: both models together, fitted to a sample of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from crm_online.btyd import pareto_nbd
from crm_online.btyd.fit import fit, fit_value
from crm_online.btyd.gamma_gamma import GammaGamma, expected_mean
from crm_online.btyd.pareto_nbd import ParetoNBD
from crm_online.customers.inputs import MS_PER_DAY
from crm_online.customers.records import Records

_Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class BuyingForecast:
    """What each customer will buy within a horizon; NaN for who has never bought, of whom the models say nothing.

    Attributes
    ----------
    purchase
        float64[n]: the probability of at least one purchase.
    purchases
        float64[n]: how many are expected.
    value
        float64[n]: what they are expected to be worth; NaN for all where no model of the value could be fitted.
    """

    purchase: _Array
    purchases: _Array
    value: _Array


@dataclass(frozen=True, slots=True)
class BuyingModel:
    """A model of when customers buy, and one of what a purchase is worth.

    Attributes
    ----------
    purchasing
        The model of when.
    value
        The model of how much; ``None`` where it could not be fitted, as where nothing has a price.
    """

    purchasing: ParetoNBD
    value: GammaGamma | None

    def forecast(self, records: Records, as_of: int, horizon: float) -> BuyingForecast:
        """Return what customers will buy.

        Parameters
        ----------
        records
            The customers, as they were at ``as_of``.
        as_of
            Now, in ms.
        horizon
            How far to look, in days.
        """
        bought = records.purchases > 0
        frequency, recency, age = _history(records, bought, as_of)
        forecast = BuyingForecast(*(np.full(len(records), np.nan) for _ in range(3)))
        found = pareto_nbd.forecast(self.purchasing, frequency, recency, age, horizon)
        forecast.purchase[bought], forecast.purchases[bought] = found
        if self.value is not None:
            each = expected_mean(self.value, records.purchases[bought].astype(float), records.spend[bought])
            forecast.value[bought] = forecast.purchases[bought] * each
        return forecast

    def to_json(self) -> dict[str, dict[str, float] | None]:
        """Return the parameters by name."""
        return {"purchasing": asdict(self.purchasing), "value": asdict(self.value) if self.value else None}

    @classmethod
    def from_json(cls, raw: Mapping[str, Mapping[str, float] | None]) -> BuyingModel:
        """Return the model with these parameters."""
        value = raw["value"]
        return cls(ParetoNBD(**raw["purchasing"] or {}), GammaGamma(**value) if value else None)


def fit_sample(records: Records, as_of: int, earlier: BuyingModel | None = None) -> BuyingModel | None:
    """Fit both models to a sample of customers.

    Parameters
    ----------
    records
        A uniform sample of the customers, as they were at ``as_of``.
    as_of
        Now, in ms.
    earlier
        The fit before, if any: the search begins from it.

    Returns
    -------
    BuyingModel, optional
        ``None`` where there is too little to fit, see :func:`crm_online.btyd.fit.fit`.
    """
    bought = records.purchases > 0
    before, value = (earlier.purchasing, earlier.value) if earlier else (None, None)
    # Threads for the linear algebra of four numbers cost more than the fit.
    with threadpool_limits(limits=1):
        purchasing = fit(*_history(records, bought, as_of), before)
        if purchasing is None:
            return None
        return BuyingModel(purchasing, fit_value(records.purchases[bought].astype(float), records.spend[bought], value))


def _history(records: Records, bought: NDArray[np.bool_], as_of: int) -> tuple[_Array, _Array, _Array]:
    """Return frequency, recency in days and age in days of those who have bought."""
    first, last = records.first_purchase[bought], records.last_purchase[bought]
    frequency = (records.purchases[bought] - 1).astype(float)
    return frequency, (last - first) / MS_PER_DAY, (np.maximum(last, as_of) - first) / MS_PER_DAY
