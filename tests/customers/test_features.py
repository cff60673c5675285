"""What every feature must keep to; a new one is among them by its file."""

from __future__ import annotations

import numpy as np
import pytest

from crm_online.customers.codec import MOST_SUMS, RecordCodec
from crm_online.customers.inputs import FeatureInputs
from crm_online.customers.registry import FEATURES, features_in_use
from crm_online.decay import Decay
from crm_online.errors import InvalidSetting
from crm_online.segments.vectors import Scale
from crm_online.settings.fields import DEFAULT_FEATURES

every_feature = pytest.mark.parametrize("name", FEATURES)
DAY = 86_400_000


def reading(name: str) -> FeatureInputs:
    """Return customers as far as this feature alone makes the engine keep them: nobody, and two who bought."""
    _, sums = features_in_use([name])
    records = RecordCodec(len(sums), 1).blank(3)
    records.first_event[1:] = records.first_purchase[1:] = 100 * DAY
    records.last_event[1:] = records.last_purchase[1:] = [100 * DAY, 150 * DAY]
    records.purchases[1:] = records.events[1:] = [1, 4]
    records.sums[1:] = np.array([[1.0], [7.0]])
    return FeatureInputs(records, sums, Decay(90 * DAY), np.full(3, 200 * DAY))


@every_feature
def test_it_reads_with_no_other_sums_than_it_names(name: str) -> None:
    values = FEATURES[name].read(reading(name))
    assert values.shape == (3,)
    assert values.dtype == np.float64
    assert np.isfinite(values).all()


@every_feature
def test_its_values_make_vectors(name: str) -> None:
    feature = FEATURES[name]
    values = feature.read(reading(name))[:, np.newaxis]
    scale = Scale.fit(values, [name], [feature.transform], [1.0], [feature.knee])
    assert scale.decode(scale.encode(values).astype(float)) == pytest.approx(values, rel=0.02, abs=0.02)


@every_feature
def test_it_says_what_it_is_and_its_default_ones_have_words(name: str) -> None:
    feature = FEATURES[name]
    assert feature.about
    assert feature.unit
    assert feature.words or name not in DEFAULT_FEATURES
    assert not feature.about.endswith(".")


def test_more_sums_than_a_record_has_room_for_are_refused() -> None:
    assert RecordCodec(MOST_SUMS, 3).sums == 16
    with pytest.raises(InvalidSetting, match="17 sums"):
        RecordCodec(17, 3)
