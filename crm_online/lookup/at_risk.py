"""What the sampled customers are predicted to do: how many are in each risk band, and who is at risk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crm_online.digits import digits
from crm_online.engine.band_reporting import reasons_of
from crm_online.events.times import to_short_iso
from crm_online.lookup.predictions import StatePredictor, finite
from crm_online.lookup.sampled import SampledCustomers
from crm_online.predictions.bands import EVEN
from crm_online.predictions.predictor import Prediction

MOST = 50
"""Customers at risk that are listed, at most."""

NOBODY: Mapping[str, Any] = {"sampled": 0, "band_sizes": [], "at_risk": []}
"""What there is before anything is predicted."""


def sampled_predictions(
    found: StatePredictor, sample: SampledCustomers, ids: Sequence[str], as_of: int
) -> dict[str, Any]:
    """Return how many sampled customers are in each risk band, and who of them is at risk.

    Parameters
    ----------
    found
        The predictor in use.
    sample
        The sampled customers.
    ids
        Ids of the segments.
    as_of
        Time in ms.
    """
    prediction = found.predictor.predict(sample.records, as_of)
    known = np.isfinite(prediction.chance)
    bands = found.bands.of(prediction.chance)
    sizes = [_band(found, prediction, band, known & (bands == band)) for band in range(len(found.bands.borders) + 1)]
    return {
        "sampled": int(known.sum()),
        "band_sizes": sizes,
        "at_risk": _at_risk(found, prediction, sample, ids, as_of),
    }


def _band(found: StatePredictor, prediction: Prediction, band: int, here: NDArray[np.bool_]) -> dict[str, Any]:
    forecast = prediction.forecast
    return {
        "band": found.bands.name(band),
        "customers": int(here.sum()),
        "expected_purchases": finite(forecast.purchases[here].sum()),
        "expected_value": finite(forecast.value[here].sum()),
    }


def _at_risk(
    found: StatePredictor, prediction: Prediction, sample: SampledCustomers, ids: Sequence[str], as_of: int
) -> list[dict[str, Any]]:
    """Return the customers whose expected loss of usual spending (without prices: of orders) is the largest."""
    records, chance, horizon = sample.records, prediction.chance, found.predictor.horizon
    age = np.maximum(as_of - records.first_purchase, horizon)
    orders, spent = (total * (horizon / age) for total in (records.purchases, np.maximum(records.spend, 0)))
    rows = np.flatnonzero(chance < EVEN)
    lost = (1 - chance[rows]) * (spent if spent.any() else orders)[rows]
    rows = rows[np.argsort(-lost, kind="stable")[:MOST]]
    return [
        {
            "customer_id": sample.ids[row],
            "segment": ids[sample.nearest[row]],
            "purchase": digits(float(chance[row])),
            "usual_purchases": digits(float(orders[row])),
            "usual_value": digits(float(spent[row])),
            "expected_purchases": finite(prediction.forecast.purchases[row]),
            "expected_value": finite(prediction.forecast.value[row]),
            "last_purchase": to_short_iso(int(records.last_purchase[row])),
            "reasons": why,
        }
        for row, why in zip(rows.tolist(), reasons_of(found.predictor, prediction, rows), strict=True)
    ]
