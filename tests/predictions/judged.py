"""Made predictions, as look-ups have them."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from crm_online.predictions.curves import ModelCurves
from crm_online.predictions.models.figures import ModelFigures
from crm_online.predictions.models.names import MODELS


def predictions(*targets: str) -> dict[str, Any]:
    """Return what a look-up has of a shop in which the models of some targets were judged for half a year."""
    rng = np.random.default_rng(4)
    models, periods, curves = list[dict[str, Any]](), list[dict[str, Any]](), list[dict[str, Any]]()
    for target in targets:
        chance = rng.beta(0.8, 0.5, 4000)
        y = (rng.random(4000) < chance).astype(np.float64)
        for number in range(6):
            begin = (datetime(2017, 4, 1, tzinfo=UTC) + timedelta(30 * number)).isoformat().replace("+00:00", "Z")
            periods.append({"target": target, "begin": begin, "models": []})
        for at, name in enumerate(MODELS):
            p = np.clip(chance + rng.normal(0, 0.3 - 0.04 * at, 4000), 0.01, 0.99)
            models.append(_figures(target, name, y, p))
            drawn = asdict(ModelCurves.judged(name, y, p))
            bins = [dict(zip(("predicted", "observed", "examples"), one, strict=True)) for one in drawn["calibration"]]
            curves.append({**drawn, "name": drawn.pop("model"), "target": target, "calibration": bins})
            for number, part in enumerate(np.array_split(np.arange(4000), 6)):
                periods[number - 6]["models"].append(_figures(target, name, y[part], p[part]))
    return {
        "as_of": "2017-10-01T00:00:00Z",
        "horizon_days": 90.0,
        "version": 7,
        "customers": 4000,
        "sampled": 2000,
        "models": models,
        "over_time": periods,
        "per_segment": [{"target": one["target"], "segment": "s1", "models": one["models"]} for one in periods[::3]],
        "curves": curves,
        "bands": [0.2, 0.5, 0.8],
        "buying": None,
        "band_sizes": [
            {"band": band, "customers": 500, "expected_purchases": 100.0, "expected_value": 1234.5}
            for band in ("0-0.2", "0.2-0.5", "0.5-0.8", "0.8-1")
        ],
        "at_risk": [
            {
                "customer_id": f"C{number}",
                "segment": "s1",
                "purchase": 0.01 + number / 25,
                "usual_purchases": 3.5,
                "usual_value": 1000.0 / (number + 1),
                "expected_purchases": 0.2,
                "expected_value": 31.4,
                "last_purchase": "2017-08-01T12:00:00Z",
                "reasons": ["is absent longer than is usual for them", "ordered little in the last weeks"],
            }
            for number in range(12)
        ],
    }


def _figures(target: str, name: str, y: np.ndarray[Any, Any], p: np.ndarray[Any, Any]) -> dict[str, Any]:
    figures = asdict(ModelFigures.judged(name, y, p, 0.25))
    return {"name": figures.pop("model"), "target": target, **figures}
