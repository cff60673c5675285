"""Who is at risk, by what is predicted of sampled customers."""

from __future__ import annotations

import numpy as np

from crm_online.answers.predictions import PredictionFigures
from crm_online.btyd.model import fit_sample
from crm_online.customers.inputs import MS_PER_DAY
from crm_online.customers.records import Records
from crm_online.customers.traits import Traits
from crm_online.lookup.at_risk import NOBODY, sampled_predictions
from crm_online.lookup.predictions import StatePredictor, no_figures
from crm_online.lookup.sampled import SampledCustomers
from crm_online.predictions.bands import TargetBands
from crm_online.predictions.predictor import Predictor
from crm_online.settings import Settings
from tests.btyd.test_model import AS_OF, buyers

DAYS = 90


def predicted(records: Records) -> dict[str, object]:
    """Return what a look-up has of customers, each in its own segment of two."""
    n = len(records)
    predictor = Predictor(1, DAYS * MS_PER_DAY, [0], fit_sample(records, AS_OF))
    found = StatePredictor(predictor, TargetBands.of(Settings()))
    sample = SampledCustomers(
        ids=[f"C{row}" for row in range(n)],
        vectors=records.vectors,
        nearest=np.arange(n) % 2,
        traits=[Traits()] * n,
        bought=[{}] * n,
        records=records,
    )
    made = {**no_figures(Settings()), **found.figures(), **sampled_predictions(found, sample, ["s1", "s2"], AS_OF)}
    return PredictionFigures.model_validate({**made, "as_of": "1971-02-05T00:00:00Z", "customers": n}).model_dump()


def test_who_stopped_is_at_risk_and_the_largest_loss_comes_first() -> None:
    records = buyers(300)
    found = PredictionFigures.model_validate(predicted(records))
    assert found.sampled == 300
    assert sum(band.customers for band in found.band_sizes) == 300
    assert [band.band for band in found.band_sizes] == ["0-0.2", "0.2-0.5", "0.5-0.8", "0.8-1"]
    rows = [int(one.customer_id[1:]) for one in found.at_risk]
    assert len(rows) == 50
    assert all(row % 3 == 0 for row in rows)
    assert all(one.segment == f"s{row % 2 + 1}" for one, row in zip(found.at_risk, rows, strict=True))
    losses = [(1 - one.purchase) * one.usual_value for one in found.at_risk]
    assert losses == sorted(losses, reverse=True)
    first = found.at_risk[0]
    age = (AS_OF - records.first_purchase[rows[0]]) / MS_PER_DAY
    assert np.isclose(first.usual_value, records.spend[rows[0]] * DAYS / age, rtol=1e-5)


def test_where_nothing_has_a_price_the_most_usual_orders_come_first() -> None:
    records = buyers(300)
    records.spend[:] = 0
    found = PredictionFigures.model_validate(predicted(records))
    losses = [(1 - one.purchase) * one.usual_purchases for one in found.at_risk]
    assert losses == sorted(losses, reverse=True)
    assert {band.expected_value for band in found.band_sizes if band.customers} == {None}


def test_before_anything_is_predicted_nobody_is_at_risk() -> None:
    assert NOBODY["at_risk"] == NOBODY["band_sizes"] == []
