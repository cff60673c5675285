"""Where settings come from, which source is stronger, and the message about a wrong one."""

from __future__ import annotations

from pathlib import Path

import pytest

from crm_online.errors import InvalidSetting, UnknownSetting
from crm_online.settings import FEATURE_NAMES, KEYS, Settings, load_settings
from crm_online.settings.units import DAY, MINUTE


def refused(*overrides: str, environment: dict[str, str] | None = None, config: Path | None = None) -> str:
    with pytest.raises((InvalidSetting, UnknownSetting)) as caught:
        load_settings(config, overrides, environment or {})
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_defaults_are_those_that_scripts_rely_on() -> None:
    settings = Settings()
    assert settings.features.half_life == 90 * DAY
    assert settings.segments.k == 6
    assert settings.segments.sample == 4096
    assert settings.segments.min_customers == 300
    assert settings.segments.margin == 0.1
    assert settings.segments.min_dwell == 7 * DAY
    assert settings.baskets.open_for == 30 * MINUTE
    assert settings.replay.step == 2000
    assert settings.replay.partitions == 1
    assert settings.itemsets.min_support == 0.01
    assert settings.itemsets.epsilon_in_force == pytest.approx(0.001)
    assert settings.itemsets.half_life == 180 * DAY
    assert settings.itemsets.max_size == 3
    assert settings.itemsets.max_bytes == 256_000_000
    assert settings.rules.min_confidence == 0.3
    assert settings.rules.redundant == "drop"
    assert settings.kafka.brokers == "localhost:9092"
    assert settings.kafka.group == "crm-online"
    assert settings.kafka.session_timeout == 6000
    assert settings.kafka.on_gap == "stop"


def test_the_command_line_beats_the_environment_beats_the_file(tmp_path: Path) -> None:
    file = tmp_path / "some.toml"
    file.write_text('[segments]\nk = 7\nmargin = 0.2\nmin_dwell = "2d"\n')
    environment = {"CRM_ONLINE_SEGMENTS__K": "8", "CRM_ONLINE_SEGMENTS__MARGIN": "0.3"}
    loaded = load_settings(file, ["segments.k=9"], environment)
    segments = loaded.settings.segments
    assert (segments.k, segments.margin, segments.min_dwell) == (9, 0.3, 2 * DAY)
    assert loaded.origin["segments.k"] == "--set"
    assert loaded.origin["segments.margin"] == "environment CRM_ONLINE_SEGMENTS__MARGIN"
    assert loaded.origin["segments.min_dwell"] == str(file)
    assert loaded.origin["segments.sample"] == "default"
    assert list(loaded.origin) == list(KEYS)


def test_the_file_of_the_working_folder_is_read_unless_another_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert load_settings(environment={}).settings.segments.k == 6
    Path("crm-online.toml").write_text("[segments]\nk = 7\n")
    Path("other.toml").write_text("[segments]\nk = 8\n")
    assert load_settings(environment={}).settings.segments.k == 7
    assert load_settings(Path("other.toml"), environment={}).settings.segments.k == 8


def test_settings_without_sources_are_the_defaults_whatever_the_environment_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CRM_ONLINE_SEGMENTS__K", "12")
    assert Settings().segments.k == 6
    assert load_settings().settings.segments.k == 12


def test_one_weight_can_be_set_and_the_others_keep_their_defaults() -> None:
    weights = load_settings(None, ["features.weights.views=3"], {}).settings.features.weights
    assert weights["views"] == 3
    assert weights["orders"] == weights["spending"] == 1
    assert weights["gap"] == 0.5
    assert list(weights) == list(FEATURE_NAMES)


@pytest.mark.parametrize("text", ["none", "None", " none "])
@pytest.mark.parametrize("key", ["features.half_life", "itemsets.epsilon", "kafka.replication", "serve.rate"])
def test_none_is_a_value_of_what_is_optional(key: str, text: str) -> None:
    section, _, name = key.partition(".")
    settings = load_settings(environment={f"CRM_ONLINE_{section}__{name}".upper(): text}).settings
    assert getattr(getattr(settings, section), name) is None


def test_the_order_in_which_features_are_named_does_not_matter() -> None:
    features = [
        load_settings(None, [f"features.use={names}"], {}).settings for names in ("spending,orders", "orders, spending")
    ]
    assert features[0].features.use == features[1].features.use == ("orders", "spending")


@pytest.mark.parametrize(
    ("wrong", "near"),
    [
        ("segments.kk", "segments.k"),
        ("segment.k", "segments.k"),
        ("k", "segments.k"),
        ("itemset.min_suport", "itemsets.min_support"),
        ("rules.min_support", "itemsets.min_support"),
        ("features.weights.recencie", "features.weights.recency"),
        ("baskets.half_life", "features.half_life or itemsets.half_life"),
    ],
)
def test_an_unknown_key_is_answered_with_the_near_one(wrong: str, near: str) -> None:
    assert refused(f"{wrong}=1") == f"unknown setting {wrong} (--set): did you mean {near}?"


def test_a_key_that_is_near_to_none_is_answered_with_where_to_look() -> None:
    assert "`crm-online config` lists all" in refused("colour=red")


def test_an_unknown_key_is_refused_in_every_source(tmp_path: Path) -> None:
    file = tmp_path / "a.toml"
    file.write_text("[segments]\nkk = 7\n")
    assert f"({file}): did you mean segments.k?" in refused(config=file)
    assert "CRM_ONLINE_SEGMENTS__KK" in refused(environment={"CRM_ONLINE_SEGMENTS__KK": "7"})
    assert "did you mean segments.k?" in refused(environment={"CRM_ONLINE_SEGMENTS_K": "7"})


def test_variables_that_are_no_settings_are_let_be() -> None:
    load_settings(environment={"CRM_ONLINE_STATE": "x", "CRM_ONLINE_SHARED": "/data", "HOME": "/root"})


def test_a_bad_value_is_refused_with_its_key_its_source_and_what_is_allowed() -> None:
    message = refused("segments.k=many")
    assert message == "segments.k = many from --set: allowed is a whole number from 2 to 64, or auto"
    message = refused(environment={"CRM_ONLINE_RULES__REDUNDANT": "maybe"})
    assert message == (
        "rules.redundant = maybe from environment CRM_ONLINE_RULES__REDUNDANT: allowed is one of drop, keep"
    )


@pytest.mark.parametrize(
    "override",
    [
        "segments.k=1",
        "segments.k=65",
        "segments.k=6.5",
        "segments.k=true",
        "segments.k=",
        "segments.sample=10",
        "segments.min_customers=1",
        "segments.margin=1",
        "segments.margin=-0.1",
        "segments.margin=nan",
        "segments.starts=0",
        "features.half_life=90",
        "features.half_life=0d",
        "features.use=",
        "features.use=orders,orders",
        "features.use=orders,spendigns",
        "features.weights.orders=-1",
        "features.weights.orders=inf",
        "baskets.open_for=none",
        "itemsets.min_support=0",
        "itemsets.min_support=1.5",
        "itemsets.epsilon=-0.1",
        "itemsets.max_size=7",
        "itemsets.max_size=0",
        "itemsets.max_bytes=256",
        "itemsets.max_bytes=1kB",
        "rules.min_confidence=1.1",
        "rules.every=0",
        "replay.step=0",
        "replay.partitions=0",
        "kafka.session_timeout=0s",
        "kafka.group=",
        "kafka.on_gap=wait",
        "kafka.brokers=",
        "kafka.brokers=localhost",
        "kafka.brokers=a:9092,",
        "kafka.brokers=a:9092,b:0",
        "kafka.brokers=kafka://a:9092",
        "kafka.brokers=a:99999",
        "kafka.prefix=shop/",
        "kafka.partitions=0",
        "kafka.replication=0",
        "kafka.tick=none",
        "kafka.tls=maybe",
        "kafka.ca_file=",
        "kafka.sasl=gssapi",
        "worker.listen=8081",
        "worker.listen=localhost:65536",
        "worker.logs=xml",
        "worker.log_level=loud",
        "worker.stall=0s",
        "worker.stop_timeout=none",
        "worker.outbox=0",
    ],
)
def test_a_value_out_of_its_bounds_is_refused(override: str) -> None:
    key = override.partition("=")[0]
    assert refused(override).startswith(f"{key} = ")


def test_true_in_a_file_is_no_number(tmp_path: Path) -> None:
    file = tmp_path / "a.toml"
    file.write_text("[segments]\nstarts = true\n")
    assert "allowed is a whole number" in refused(config=file)


def test_a_number_without_a_unit_is_no_duration_in_a_file_either(tmp_path: Path) -> None:
    file = tmp_path / "a.toml"
    file.write_text("[features]\nhalf_life = 90\n")
    assert "allowed is a duration" in refused(config=file)


def test_an_error_bound_that_could_hide_frequent_itemsets_is_refused() -> None:
    load_settings(None, ["itemsets.epsilon=0.0033"], {})
    message = refused("itemsets.epsilon=0.0034")
    assert "itemsets.epsilon = 0.0034 from --set" in message
    assert "itemsets.min_support = 0.01 by default" in message
    load_settings(None, ["itemsets.epsilon=0.0034", "itemsets.max_size=2"], {})


def test_more_segments_than_customers_or_sample_are_refused() -> None:
    assert "segments.min_customers = 5 from --set" in refused("segments.min_customers=5")
    load_settings(None, ["segments.min_customers=5", "segments.k=auto"], {})


@pytest.mark.parametrize(
    "text", ["k = ", "\x00", "[segments\nk = 1", f"k = {'[' * 5000}{']' * 5000}", f"k{'.k' * 20_000} = 1"]
)
def test_a_file_that_is_not_toml_is_refused_in_one_line(tmp_path: Path, text: str) -> None:
    file = tmp_path / "a.toml"
    file.write_text(text)
    assert refused(config=file).startswith(f"{file} is not TOML")


def test_a_binary_or_missing_file_and_a_folder_are_refused_in_one_line(tmp_path: Path) -> None:
    file = tmp_path / "a.toml"
    file.write_bytes(b"\xff\xfe\x00k")
    assert "is not TOML" in refused(config=file)
    assert "No such file" in refused(config=tmp_path / "b.toml")
    assert "Is a directory" in refused(config=tmp_path)


def test_a_section_is_no_value(tmp_path: Path) -> None:
    file = tmp_path / "a.toml"
    file.write_text("segments = 3\n")
    assert "segments" in refused(config=file)
    assert "is a section: set one of features.weights.orders" in refused("features.weights=2")


def test_set_without_a_value_says_how_it_is_written() -> None:
    assert "it must be section.key=value" in refused("segments.k")
