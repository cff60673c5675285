"""A state goes on with the settings that shaped it, or not at all."""

from __future__ import annotations

import json

import pytest

from crm_online.errors import SettingsConflict, StateCorrupt, StateTooNew
from crm_online.settings import Settings, conflicts, from_shaping, load_settings, refuse_conflict


def of(*overrides: str) -> Settings:
    return load_settings(None, overrides, {}).settings


def test_what_shapes_the_state_survives_json() -> None:
    shaping = of("features.half_life=none", "segments.k=auto").shaping()
    assert json.loads(json.dumps(shaping)) == shaping
    assert from_shaping(shaping).shaping() == shaping


def test_every_setting_but_those_of_what_runs_shapes_the_state() -> None:
    sections = {key.partition(".")[0] for key in Settings().shaping()}
    assert sections == Settings.model_fields.keys() - {"kafka", "worker", "changes", "privacy", "serve", "webhooks"}


def test_settings_of_kafka_and_the_worker_are_no_conflict() -> None:
    refuse_conflict(Settings().shaping(), of("kafka.group=other", "kafka.tick=1s", "worker.listen=none"))


def test_the_default_error_bound_written_out_is_no_conflict() -> None:
    refuse_conflict(Settings().shaping(), of("itemsets.epsilon=0.001"))


def test_other_settings_are_refused_with_both_ways_out() -> None:
    stored = of("segments.k=8", "features.half_life=30d", "features.use=orders,spending")
    with pytest.raises(SettingsConflict) as caught:
        refuse_conflict(stored.shaping(), of("features.use=orders,spending"))
    message = str(caught.value)
    assert "\n" not in message
    assert "features.half_life was 30d, is now 90d; segments.k was 8, is now 6" in message
    assert "--set features.half_life=30d --set segments.k=8" in message
    assert "new --state" in message


def test_the_way_back_that_is_shown_works() -> None:
    stored = of(
        "itemsets.min_support=0.05", "itemsets.epsilon=0.01", "features.half_life=none", "features.use=gap,spending"
    )
    with pytest.raises(SettingsConflict) as caught:
        refuse_conflict(stored.shaping(), Settings())
    words = str(caught.value).split()
    overrides = [words[place + 1].rstrip(";") for place, word in enumerate(words) if word == "--set"]
    refuse_conflict(stored.shaping(), of(*overrides))


def test_a_setting_younger_than_the_state_counts_as_its_default() -> None:
    stored = Settings().shaping()
    del stored["segments.starts"]
    refuse_conflict(stored, Settings())
    assert conflicts(stored, of("segments.starts=3").shaping()) == ["segments.starts"]


def test_a_setting_that_this_version_does_not_know_is_a_newer_state() -> None:
    with pytest.raises(StateTooNew, match=r"segments\.shape"):
        refuse_conflict(Settings().shaping() | {"segments.shape": 3}, Settings())


def test_a_stored_value_that_cannot_be_set_is_a_corrupt_state() -> None:
    with pytest.raises(StateCorrupt, match=r"segments\.k"):
        from_shaping(Settings().shaping() | {"segments.k": -3})
