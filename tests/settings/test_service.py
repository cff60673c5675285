"""The settings of Kafka and the workers, and a password that nobody sees."""

from __future__ import annotations

import json
import traceback
from pathlib import Path

import pytest
from typer.testing import CliRunner

from crm_online.cli.app import app
from crm_online.errors import InvalidSetting
from crm_online.settings import MASK, Settings, as_written, load_settings

SECRET = "hunter2-hunter2"
SASL = ["kafka.sasl=scram-sha-256", "kafka.user=crm", f"kafka.password={SECRET}"]


def of(*overrides: str) -> Settings:
    return load_settings(None, overrides, {}).settings


def refused(*overrides: str) -> InvalidSetting:
    with pytest.raises(InvalidSetting) as caught:
        of(*overrides)
    return caught.value


def test_the_defaults_of_the_service() -> None:
    settings = Settings()
    assert settings.kafka.prefix == "crm."
    assert settings.kafka.partitions == 4
    assert settings.kafka.replication is None
    assert settings.kafka.tick == 10_000
    assert not settings.kafka.tls
    assert settings.kafka.sasl == "none"
    assert (settings.kafka.user, settings.kafka.password, settings.kafka.ca_file) == (None, None, None)
    assert settings.worker.address == ("127.0.0.1", 8081)
    assert (settings.worker.logs, settings.worker.log_level) == ("auto", "info")
    assert settings.worker.stall == 60_000
    assert settings.worker.stop_timeout == 25_000
    assert settings.worker.outbox == 100_000


def test_what_is_optional_can_be_set_back_to_none_and_is_written_so() -> None:
    settings = of("kafka.replication=none", "kafka.ca_file=none", "kafka.password=none", "worker.listen=none")
    written = as_written(settings)
    assert settings.kafka == Settings().kafka
    assert settings.worker.address is None
    assert {written[key] for key in ("kafka.replication", "kafka.ca_file", "kafka.password", "worker.listen")} == {
        "none"
    }


def test_addresses_of_all_kinds() -> None:
    assert of("worker.listen=[::1]:0").worker.address == ("::1", 0)
    assert of("worker.listen=0.0.0.0:80").worker.address == ("0.0.0.0", 80)
    assert of("kafka.brokers=a:9092, b-2.shop:19092,[::1]:9092").kafka.brokers == "a:9092,b-2.shop:19092,[::1]:9092"


@pytest.mark.parametrize(
    ("overrides", "keys"),
    [
        (["kafka.ca_file=ca.pem"], ["kafka.ca_file = ca.pem from --set", "kafka.tls = false by default"]),
        (["kafka.tls=true", "kafka.key_file=k.pem"], ["kafka.key_file", "kafka.cert_file = none by default"]),
        (["kafka.user=crm"], ["kafka.user = crm", "kafka.sasl = none by default"]),
        (["kafka.sasl=plain", "kafka.user=crm"], ["kafka.password = none by default"]),
        (["kafka.sasl=plain", "kafka.password=x"], ["kafka.user = none by default"]),
    ],
)
def test_settings_that_would_leave_a_connection_less_guarded_than_it_looks_are_refused(
    overrides: list[str], keys: list[str]
) -> None:
    message = str(refused(*overrides))
    assert "\n" not in message
    assert all(key in message for key in keys)


def test_the_password_is_what_was_set() -> None:
    password = of(*SASL).kafka.password
    assert password is not None
    assert password.get_secret_value() == SECRET


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_config_shows_that_there_is_a_password_and_not_which(options: list[str]) -> None:
    result = CliRunner().invoke(
        app, ["config", *options, *(part for setting in SASL for part in ("--set", setting))], catch_exceptions=False
    )
    assert SECRET not in result.output
    assert MASK in result.output
    if options:
        assert json.loads(result.stdout)["kafka.password"] == {"value": MASK, "source": "--set"}


@pytest.mark.parametrize(
    "overrides",
    [
        [f"kafka.password={SECRET}"],
        [f"kafka.password={SECRET}", "kafka.sasl=plain"],
        [*SASL, "kafka.tls=maybe"],
        [*SASL, "segments.k=1"],
        [*SASL, "kafka.key_file=k.pem"],
    ],
)
def test_no_error_and_no_traceback_shows_the_password(overrides: list[str]) -> None:
    error = refused(*overrides)
    assert SECRET not in "".join(traceback.format_exception(error))


def test_a_password_of_the_wrong_type_is_refused_and_not_shown(tmp_path: Path) -> None:
    file = tmp_path / "a.toml"
    file.write_text(f'[kafka]\nsasl = "plain"\nuser = "crm"\npassword = ["{SECRET}"]\n')
    with pytest.raises(InvalidSetting) as caught:
        load_settings(file, (), {})
    assert MASK in str(caught.value)
    assert SECRET not in "".join(traceback.format_exception(caught.value))


def test_settings_printed_or_logged_do_not_show_the_password() -> None:
    settings = of(*SASL)
    dumped = settings.model_dump()
    shown = [repr(settings), str(settings), settings.model_dump_json(), str(dumped), json.dumps(as_written(settings))]
    assert not any(SECRET in text for text in shown)
