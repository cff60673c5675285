"""Settings as options of the Kafka clients, and the error of certificates that cannot be used."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from faust.auth import SASLCredentials, SSLCredentials

from crm_online.errors import InvalidSetting
from crm_online.settings import KafkaSettings, load_settings
from streams.connection import client_options, faust_options
from tests.servers.certificates import Certificates, make

SASL = ["kafka.sasl=scram-sha-512", "kafka.user=crm", "kafka.password=secret"]


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make(tmp_path_factory.mktemp("certificates"))


def of(*overrides: str) -> KafkaSettings:
    return load_settings(None, overrides, {}).settings.kafka


def refused(*overrides: str) -> str:
    with pytest.raises(InvalidSetting) as caught:
        client_options(of("kafka.tls=true", *overrides), "test")
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("overrides", "protocol"),
    [
        ([], "PLAINTEXT"),
        (["kafka.tls=true"], "SSL"),
        (SASL, "SASL_PLAINTEXT"),
        ([*SASL, "kafka.tls=true"], "SASL_SSL"),
    ],
)
def test_tls_and_sasl_are_used_where_they_are_set_by_our_client_and_by_fausts(
    overrides: list[str], protocol: str
) -> None:
    kafka = of("kafka.brokers=a:1, b:2", *overrides)
    options, faust = client_options(kafka, "test"), faust_options(kafka)
    assert options["security_protocol"] == protocol
    assert options["bootstrap_servers"] == ["a:1", "b:2"]
    assert (options["ssl_context"] is not None) == ("SSL" in protocol.split("_"))
    assert faust["broker"] == "aiokafka://a:1;aiokafka://b:2"
    credentials = faust["broker_credentials"]
    assert (credentials.protocol.value if credentials else "PLAINTEXT") == protocol
    if overrides[:3] == SASL:
        assert options["sasl_mechanism"] == "SCRAM-SHA-512"
        assert (options["sasl_plain_username"], options["sasl_plain_password"]) == ("crm", "secret")
        assert isinstance(credentials, SASLCredentials)
        assert credentials.mechanism.value == "SCRAM-SHA-512"
        assert (credentials.username, credentials.password) == ("crm", "secret")
        assert "secret" not in repr(credentials)
    elif credentials:
        assert isinstance(credentials, SSLCredentials)


def test_the_brokers_certificate_and_name_are_always_checked(pem: Certificates) -> None:
    for overrides in ([], [f"kafka.ca_file={pem.authority}"]):
        context = client_options(of("kafka.tls=true", *overrides), "test")["ssl_context"]
        assert context is not None
        assert context.check_hostname
        assert context.verify_mode.name == "CERT_REQUIRED"


def test_an_authority_that_is_named_is_the_only_one_that_is_trusted(pem: Certificates) -> None:
    context = client_options(of("kafka.tls=true", f"kafka.ca_file={pem.authority}"), "test")["ssl_context"]
    assert context is not None
    [trusted] = context.get_ca_certs()
    assert "authority of the tests" in str(trusted["subject"])


def test_a_certificate_and_its_key_may_be_in_one_file_or_in_two(pem: Certificates) -> None:
    client_options(of("kafka.tls=true", f"kafka.cert_file={pem.client_both}"), "test")
    client_options(of("kafka.tls=true", f"kafka.cert_file={pem.client}", f"kafka.key_file={pem.client_key}"), "test")


def test_files_that_cannot_be_used_are_an_error_of_one_line(pem: Certificates, tmp_path: Path) -> None:
    text = tmp_path / "text.pem"
    text.write_text("no certificate")
    for name in ("ca_file", "cert_file"):
        assert refused(f"kafka.{name}=nowhere.pem") == (
            f"kafka.{name} = nowhere.pem cannot be read: No such file or directory"
        )
        assert f"kafka.{name} = {tmp_path} cannot be read: Is a directory" in refused(f"kafka.{name}={tmp_path}")
    assert "holds no certificates in PEM" in refused(f"kafka.ca_file={text}")
    assert "belong together" in refused(f"kafka.cert_file={text}")
    assert "belong together" in refused(f"kafka.cert_file={pem.client}")
    assert "belong together" in refused(f"kafka.cert_file={pem.client}", f"kafka.key_file={pem.server_key}")
    assert "cannot be read" in refused(f"kafka.cert_file={pem.client}", "kafka.key_file=nowhere.pem")


def test_an_encrypted_key_is_refused_rather_than_asked_about_at_the_terminal(pem: Certificates, tmp_path: Path) -> None:
    key = tmp_path / "encrypted.key"
    subprocess.run(
        ["openssl", "rsa", "-aes256", "-passout", "pass:x", "-in", pem.client_key, "-out", key],
        check=True,
        capture_output=True,
    )
    assert "is encrypted" in refused(f"kafka.cert_file={pem.client}", f"kafka.key_file={key}")
