"""Features of predictions: a pure function of what each record says at a time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from crm_online.customers.codec import RecordCodec
from crm_online.customers.records import Records
from crm_online.predictions.features import FEATURES, MS_PER_DAY, CustomerHistory, feature_matrix


def made() -> Records:
    """Return four customers: nothing known, seen only, bought once, bought five times every ten days."""
    records = RecordCodec(sums=0, features=0).blank(4)
    records.first_event[1:] = records.last_event[1:] = 100 * MS_PER_DAY
    records.first_purchase[2:] = 100 * MS_PER_DAY
    records.last_purchase[2:] = np.array([100, 140]) * MS_PER_DAY
    records.last_event[2:] = records.last_purchase[2:]
    records.purchases[2:] = (1, 5)
    records.spend[2:] = (10.0, 500.0)
    return records


def features(records: Records, day: int) -> NDArray[np.float64]:
    return feature_matrix(CustomerHistory.from_records(records, np.full(len(records), day * MS_PER_DAY)))


def test_every_feature_of_every_customer_is_a_finite_number() -> None:
    assert features(made(), 150).shape == (4, len(FEATURES))
    assert np.isfinite(features(made(), 150)).all()


def test_a_customers_features_do_not_depend_on_who_else_is_read() -> None:
    records = made()
    order = np.array([3, 0, 2])
    assert np.array_equal(features(records.take(order), 150), features(records, 150)[order])


def test_absence_is_measured_by_the_customers_own_gap() -> None:
    column = [feature.name for feature in FEATURES].index("recency over gap")
    assert features(made(), 150)[3, column] == 0
    assert features(made(), 161)[3, column] == np.log(2)
