"""Let in by a real broker with TLS, SASL and certificates, or not, and why not."""

from __future__ import annotations

import asyncio
import logging
import traceback
from pathlib import Path

import faust
import pytest

from crm_online.errors import BrokerError, BrokerRefused, BrokerUnavailable
from crm_online.settings import Settings, load_settings
from streams.admin import ensure_topics
from streams.connection import faust_options
from tests.servers.broker import USERS, Broker
from tests.servers.certificates import Certificates, make

[USER, PASSWORD] = next(iter(USERS.items()))


def of(address: str, *overrides: str) -> Settings:
    return load_settings(None, [f"kafka.brokers={address}", *overrides], {}).settings


def sasl(tls: Certificates, mechanism: str = "scram-sha-256", password: str = PASSWORD) -> list[str]:
    user = [f"kafka.sasl={mechanism}", f"kafka.user={USER}", f"kafka.password={password}"]
    return ["kafka.tls=true", f"kafka.ca_file={tls.authority}", *user]


def refused(settings: Settings) -> BrokerError:
    with pytest.raises(BrokerError) as caught:
        asyncio.run(ensure_topics(settings))
    assert "\n" not in str(caught.value)
    return caught.value


@pytest.mark.parametrize("mechanism", ["plain", "scram-sha-256", "scram-sha-512"])
def test_a_user_with_the_right_password_is_let_in(
    broker: Broker, tls: Certificates, prefix: str, mechanism: str
) -> None:
    settings = of(broker.sasl_address, *sasl(tls, mechanism), f"kafka.prefix={prefix}", "kafka.partitions=1")
    assert asyncio.run(ensure_topics(settings)) == 1


def test_a_client_with_a_certificate_is_let_in(broker: Broker, tls: Certificates, prefix: str) -> None:
    certificates = [
        f"kafka.ca_file={tls.authority}",
        f"kafka.cert_file={tls.client}",
        f"kafka.key_file={tls.client_key}",
    ]
    settings = of(broker.tls_address, "kafka.tls=true", *certificates, f"kafka.prefix={prefix}", "kafka.partitions=1")
    assert asyncio.run(ensure_topics(settings)) == 1


@pytest.mark.parametrize("mechanism", ["plain", "scram-sha-256", "scram-sha-512"])
def test_a_wrong_password_is_refused_and_neither_shown_nor_logged(
    broker: Broker, tls: Certificates, mechanism: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)  # below that aiokafka logs its requests, and our logs leave them out
    error = refused(of(broker.sasl_address, *sasl(tls, mechanism, "not-the-password")))
    assert isinstance(error, BrokerRefused)
    assert f"does not let us in as {USER}: Authentication failed" in str(error)
    assert "not-the-password" not in "".join(traceback.format_exception(error))
    assert "not-the-password" not in caplog.text


def test_a_broker_with_a_certificate_of_another_authority_is_refused(
    broker: Broker, tls: Certificates, tmp_path: Path
) -> None:
    other = make(tmp_path / "other")
    error = refused(of(broker.sasl_address, *sasl(tls), f"kafka.ca_file={other.authority}"))
    assert isinstance(error, BrokerRefused)
    assert "certificate that is not trusted" in str(error)
    assert "kafka.ca_file" in str(error)


def test_a_client_without_its_certificate_is_refused(broker: Broker, tls: Certificates) -> None:
    error = refused(of(broker.tls_address, "kafka.tls=true", f"kafka.ca_file={tls.authority}"))
    assert "kafka.cert_file" in str(error)


def test_a_listener_that_talks_otherwise_than_we_do_is_an_error_with_the_setting_to_look_at(
    broker: Broker, tls: Certificates
) -> None:
    assert "kafka.tls" in str(refused(of(broker.address, *sasl(tls))))
    error = refused(of(broker.sasl_address))
    assert isinstance(error, BrokerUnavailable)
    assert "kafka.tls" in str(error)


def test_faust_is_let_in_as_we_are(broker: Broker, tls: Certificates, prefix: str) -> None:
    settings = of(broker.sasl_address, *sasl(tls, "scram-sha-512"), f"kafka.prefix={prefix}", "kafka.partitions=1")

    async def send() -> None:
        await ensure_topics(settings)
        app = faust.App("test", autodiscover=False, **faust_options(settings.kafka))
        await app.producer.start()
        try:
            await app.producer.send_and_wait(f"{prefix}commands", None, b"hello", None, None, None)
        finally:
            await app.producer.stop()

    asyncio.run(send())
    [record] = broker.client.read(f"{prefix}commands")
    assert record.value == b"hello"
