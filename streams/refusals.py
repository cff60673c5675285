"""What Kafka's client raises, as an error that says what is wrong and what to do."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from aiokafka import errors
from aiokafka.conn import create_conn

from crm_online.errors import BrokerError, BrokerRefused, BrokerUnavailable
from crm_online.settings import KafkaSettings
from crm_online.settings.network import split_address
from streams.connection import client_options

REQUEST_TIMEOUT = 10_000
"""Time in ms that a broker has to answer a question about itself."""

_NOT_LET_IN = (
    errors.AuthenticationFailedError,
    errors.AuthenticationMethodNotSupported,
    errors.SaslAuthenticationFailed,
    errors.UnsupportedSaslMechanismError,
    errors.IllegalSaslStateError,
    errors.SecurityDisabled,
)
_NO_RIGHT = (
    errors.TopicAuthorizationFailedError,
    errors.GroupAuthorizationFailedError,
    errors.ClusterAuthorizationFailedError,
    errors.TransactionalIdAuthorizationFailed,
)
_TOO_LARGE = (
    errors.MessageSizeTooLargeError,
    errors.RecordListTooLargeError,
    errors.RecordTooLargeError,
)


class Client(Protocol):
    """A client of aiokafka: consumer, producer or admin."""

    async def start(self) -> None:
        """Connect."""
        ...


async def start(client: Client, kafka: KafkaSettings) -> None:
    """Start a client of aiokafka, which tells only its log why no broker could be reached.

    Raises
    ------
    BrokerUnavailable
        If no broker answers: later it may.
    BrokerRefused
        If one does, but will not have us, or we not it.
    """
    try:
        with broker_errors(kafka):
            await client.start()
    except BrokerUnavailable as error:
        raise await _why_unreachable(kafka) or error from error


@contextmanager
def broker_errors(kafka: KafkaSettings) -> Iterator[None]:
    """Raise what aiokafka raises in the block as a :class:`~crm_online.errors.BrokerError`.

    Raises
    ------
    BrokerUnavailable, BrokerRefused
        See `start`.
    """
    try:
        yield
    except (errors.KafkaError, OSError) as error:
        raise in_words(error, kafka) from error


def in_words(error: BaseException, kafka: KafkaSettings) -> BrokerError:
    """Return an error of aiokafka, or of a connection, as one of ours."""
    where = f"Kafka at {kafka.brokers}"
    who = "without a user" if kafka.user is None else f"as {kafka.user}"
    said = _said(error, kafka)
    if isinstance(error, ssl.SSLCertVerificationError):
        return BrokerRefused(f"{where} shows a certificate that is not trusted: {error.verify_message} (kafka.ca_file)")
    if isinstance(error, ssl.SSLError):
        return BrokerRefused(f"{where} does not talk TLS as we do: {error.reason} (kafka.tls, kafka.cert_file)")
    if isinstance(error, _NOT_LET_IN):
        return BrokerRefused(f"{where} does not let us in {who}: {said} (kafka.sasl, kafka.user, kafka.password)")
    if isinstance(error, _NO_RIGHT):
        return BrokerRefused(f"{where} lets us in {who}, but refuses what we ask for: {said}")
    if isinstance(error, _TOO_LARGE):
        return BrokerRefused(f"{where} refuses a record that is too large for its topic (max.message.bytes): {said}")
    return BrokerUnavailable(f"no answer from {where}: {said}")


def _said(error: BaseException, kafka: KafkaSettings) -> str:
    """Return what an error says, on one line."""
    if isinstance(error, OSError) and error.errno:
        # asyncio puts its own words in the place of the system's; for names that are not found, the system has none.
        return os.strerror(error.errno) if error.errno > 0 else error.strerror or str(error)
    if isinstance(error, TimeoutError):
        return "it takes too long"
    if isinstance(error, ConnectionError | errors.KafkaConnectionError):
        hint = "no TLS (kafka.tls), or a certificate (kafka.cert_file)" if kafka.tls else "TLS (kafka.tls)"
        return f"it closed the connection; it may want {hint}"
    if isinstance(error, errors.BrokerResponseError):
        first = error.args[0] if error.args else None
        return first if first and isinstance(first, str) else error.description
    return " ".join(str(error).split()) or type(error).__name__


async def _why_unreachable(kafka: KafkaSettings) -> BrokerError | None:
    """Return why no broker lets us in; a refusal says more than silence. None if one does, now."""
    options = client_options(kafka, "crm-online")
    secured = {name: value for name, value in options.items() if name != "bootstrap_servers"}
    found: BrokerError | None = None
    for address in kafka.brokers.split(","):
        host, port = split_address(address)
        try:
            connection = await create_conn(host, port, request_timeout_ms=REQUEST_TIMEOUT, **secured)
        except (errors.KafkaError, OSError) as error:
            why = in_words(error, kafka)
            if found is None or isinstance(why, BrokerRefused):
                found = why
        else:
            connection.close()
            return None
    return found
