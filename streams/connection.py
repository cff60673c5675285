"""How to reach Kafka: the settings as options of aiokafka and of Faust, and why a broker could not be reached."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any, Final, Protocol

from aiokafka.conn import create_conn
from aiokafka.errors import KafkaError
from faust.auth import SASLCredentials, SSLCredentials
from faust.types.auth import CredentialsT

from crm_online.errors import BrokerError, BrokerRefused, BrokerUnavailable, InvalidSetting
from crm_online.settings import KafkaSettings
from crm_online.settings.network import split_address
from streams.errors import from_kafka, kafka_errors
from streams.unpacked import bound_unpacking

# All clients have their options from here, so none unpacks what it is sent without a limit.
bound_unpacking()

REQUEST_TIMEOUT: Final = 10_000
"""Time in ms that a broker has to answer a question about itself."""


def client_options(kafka: KafkaSettings, client_id: str) -> dict[str, Any]:
    """Return the options that aiokafka's consumer, producer and admin client have in common.

    Parameters
    ----------
    kafka
        Where Kafka is, and how to be let in.
    client_id
        What the broker's logs and quotas call the client.

    Raises
    ------
    InvalidSetting
        If a certificate or key cannot be used.
    """
    sasl = kafka.sasl != "none"
    return {
        "bootstrap_servers": kafka.brokers.split(","),
        "client_id": client_id,
        "security_protocol": ("SASL_" if sasl else "") + ("SSL" if kafka.tls else "PLAINTEXT"),
        "ssl_context": tls_context(kafka) if kafka.tls else None,
        "sasl_mechanism": kafka.sasl.upper() if sasl else "PLAIN",
        "sasl_plain_username": kafka.user,
        "sasl_plain_password": _password(kafka),
    }


def faust_options(kafka: KafkaSettings) -> dict[str, Any]:
    """Return where Kafka is and how to be let in, as options of ``faust.App``.

    Raises
    ------
    InvalidSetting
        If a certificate or key cannot be used.
    """
    context = tls_context(kafka) if kafka.tls else None
    credentials: CredentialsT | None = SSLCredentials(context) if context else None
    if kafka.sasl != "none":
        credentials = SASLCredentials(
            username=kafka.user, password=_password(kafka), mechanism=kafka.sasl.upper(), ssl_context=context
        )
    brokers = ";".join(f"aiokafka://{address}" for address in kafka.brokers.split(","))
    return {"broker": brokers, "broker_credentials": credentials}


class _Client(Protocol):
    """A consumer, producer or admin client of aiokafka."""

    async def start(self) -> None: ...


async def start(client: _Client, kafka: KafkaSettings) -> None:
    """Start a client of aiokafka, which writes only to its log why no broker could be reached.

    Raises
    ------
    BrokerUnavailable, BrokerRefused
        See :func:`streams.errors.kafka_errors`.
    """
    try:
        with kafka_errors(kafka):
            await client.start()
    except BrokerUnavailable as error:
        raise await _why_unreachable(kafka) or error from error


def tls_context(kafka: KafkaSettings) -> ssl.SSLContext:
    """Return the context of TLS connections: the broker's certificate and name are always checked.

    Raises
    ------
    InvalidSetting
        If a file cannot be read, is no PEM, or certificate and key do not belong together.
    """
    context = ssl.create_default_context()
    if kafka.ca_file is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # which trusts nobody else
        try:
            context.load_verify_locations(cafile=_readable("ca_file", kafka.ca_file))
        except ssl.SSLError as error:
            raise InvalidSetting(f"kafka.ca_file = {kafka.ca_file} holds no certificates in PEM") from error
    if kafka.cert_file is not None:
        certificate = _readable("cert_file", kafka.cert_file)
        key = certificate if kafka.key_file is None else _readable("key_file", kafka.key_file)
        try:
            context.load_cert_chain(certificate, key, password=_no_password)
        except ssl.SSLError as error:
            raise InvalidSetting(
                f"kafka.cert_file = {certificate} and its private key in {key} cannot be used: "
                "they must be PEM, and belong together"
            ) from error
        except _EncryptedError as error:
            raise InvalidSetting(f"the private key in {key} is encrypted: it must be without a password") from error
    return context


class _EncryptedError(Exception):
    """A private key asks for a password."""


def _no_password() -> str:
    """Stand in for OpenSSL's own question, which would wait at the terminal."""
    raise _EncryptedError


def _readable(name: str, path: Path) -> Path:
    try:
        with path.open("rb"):
            return path
    except OSError as error:
        raise InvalidSetting(f"kafka.{name} = {path} cannot be read: {error.strerror}") from error


def _password(kafka: KafkaSettings) -> str | None:
    return None if kafka.password is None else kafka.password.get_secret_value()


async def _why_unreachable(kafka: KafkaSettings) -> BrokerError | None:
    """Return why no broker lets us in; a refusal says more than silence. None if one does, now."""
    options = client_options(kafka, "crm-online")
    secured = {name: value for name, value in options.items() if name != "bootstrap_servers"}
    found: BrokerError | None = None
    for address in kafka.brokers.split(","):
        host, port = split_address(address)
        try:
            connection = await create_conn(host, port, request_timeout_ms=REQUEST_TIMEOUT, **secured)
        except (KafkaError, OSError) as error:
            why = from_kafka(error, kafka)
            if found is None or isinstance(why, BrokerRefused):
                found = why
        else:
            connection.close()
            return None
    return found
