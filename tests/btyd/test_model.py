"""The model of a shop's customers, fitted to their records."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from crm_online.btyd.gamma_gamma import GammaGamma
from crm_online.btyd.model import BuyingModel, fit_sample
from crm_online.btyd.pareto_nbd import ParetoNBD
from crm_online.customers.codec import RecordCodec
from crm_online.customers.inputs import MS_PER_DAY
from crm_online.customers.records import Records

AS_OF = 400 * MS_PER_DAY


def buyers(count: int) -> Records:
    """Return customers of whom each third one stopped long ago, and the last one has only looked."""
    records = RecordCodec(0, 0).blank(count + 1)
    rng = np.random.default_rng(5)
    life = np.where(np.arange(count) % 3 == 0, 60, 400)
    records.events[:] = 1
    records.purchases[:count] = 1 + rng.poisson(life / 30)
    records.first_purchase[:count] = rng.integers(0, 30, count) * MS_PER_DAY
    last = np.where(records.purchases[:count] > 1, (life * rng.uniform(0.8, 0.95, count)).astype(np.int64), 0)
    records.last_purchase[:count] = np.maximum(records.first_purchase[:count], last * MS_PER_DAY)
    records.spend[:count] = records.purchases[:count] * rng.gamma(5, 4.0, count)
    return records


def test_who_stopped_is_expected_to_buy_less_and_nothing_is_said_of_who_never_bought() -> None:
    records = buyers(300)
    model = fit_sample(records, AS_OF)
    assert model is not None
    forecast = model.forecast(records, AS_OF, 90.0)
    stopped, active = forecast.purchases[0:300:3].mean(), forecast.purchases[1:300:3].mean()
    assert stopped < 0.2 < 2 < active < 4
    assert forecast.value[1:300:3].mean() == pytest.approx(20 * active, rel=0.1)
    assert np.isnan([forecast.purchase[300], forecast.purchases[300], forecast.value[300]]).all()
    assert np.isfinite([forecast.purchase[:300], forecast.purchases[:300], forecast.value[:300]]).all()


def test_a_fit_that_begins_from_an_earlier_one_finds_what_a_fit_of_its_own_does() -> None:
    records = buyers(300)
    alone = fit_sample(records, AS_OF)
    earlier = fit_sample(records.take(np.arange(90)), AS_OF)
    assert alone is not None
    assert earlier is not None
    assert earlier.purchasing != alone.purchasing
    later = fit_sample(records, AS_OF, earlier)
    assert later is not None
    ours, theirs = (model.forecast(records, AS_OF, 90.0) for model in (later, alone))
    assert ours.purchases[:300] == pytest.approx(theirs.purchases[:300], rel=1e-2, abs=1e-3)
    assert ours.value[:300] == pytest.approx(theirs.value[:300], rel=1e-2, abs=1e-2)


def test_where_nothing_has_a_price_purchases_are_expected_and_no_value() -> None:
    records = buyers(300)
    records.spend[:] = 0
    model = fit_sample(records, AS_OF)
    assert model is not None
    assert model.value is None
    forecast = model.forecast(records, AS_OF, 90.0)
    assert np.isfinite(forecast.purchases[:300]).all()
    assert np.isnan(forecast.value).all()


def test_where_all_only_look_there_is_no_model() -> None:
    assert fit_sample(RecordCodec(0, 0).blank(500), AS_OF) is None


def test_a_model_is_the_same_after_it_was_stored() -> None:
    model = BuyingModel(ParetoNBD(0.55, 74.0, 0.6, 82.0), GammaGamma(6.0, 4.0, 15.0))
    for one in (model, replace(model, value=None)):
        assert BuyingModel.from_json(json.loads(json.dumps(one.to_json()))) == one
