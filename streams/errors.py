"""Translates errors of Kafka's client into ours, which name the setting that may be wrong."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

from aiokafka import errors

from crm_online.errors import BrokerError, BrokerRefused, BrokerUnavailable
from crm_online.settings import KafkaSettings

TOO_LARGE = (
    errors.MessageSizeTooLargeError,
    errors.RecordListTooLargeError,
    errors.RecordTooLargeError,
)
_UNAUTHENTICATED = (
    errors.AuthenticationFailedError,
    errors.AuthenticationMethodNotSupported,
    errors.SaslAuthenticationFailed,
    errors.UnsupportedSaslMechanismError,
    errors.IllegalSaslStateError,
    errors.SecurityDisabled,
)
_UNAUTHORIZED = (
    errors.TopicAuthorizationFailedError,
    errors.GroupAuthorizationFailedError,
    errors.ClusterAuthorizationFailedError,
    errors.TransactionalIdAuthorizationFailed,
)


@contextmanager
def kafka_errors(kafka: KafkaSettings) -> Iterator[None]:
    """Raise what aiokafka raises in the block as a :class:`~crm_online.errors.BrokerError`.

    Raises
    ------
    BrokerUnavailable
        If no broker answers: later it may.
    BrokerRefused
        If one does, but will not have us, or we not it.
    """
    try:
        yield
    except (errors.KafkaError, OSError) as error:
        raise from_kafka(error, kafka) from error


def from_kafka(error: BaseException, kafka: KafkaSettings) -> BrokerError:
    """Return an error of aiokafka, or of a connection, as one of ours."""
    where = f"Kafka at {kafka.brokers}"
    who = "without a user" if kafka.user is None else f"as {kafka.user}"
    text = _text(error, kafka)
    if isinstance(error, ssl.SSLCertVerificationError):
        return BrokerRefused(f"{where} shows a certificate that is not trusted: {error.verify_message} (kafka.ca_file)")
    if isinstance(error, ssl.SSLError):
        return BrokerRefused(f"{where} does not talk TLS as we do: {error.reason} (kafka.tls, kafka.cert_file)")
    if isinstance(error, _UNAUTHENTICATED):
        return BrokerRefused(f"{where} does not let us in {who}: {text} (kafka.sasl, kafka.user, kafka.password)")
    if isinstance(error, _UNAUTHORIZED):
        return BrokerRefused(f"{where} lets us in {who}, but refuses what we ask for: {text}")
    if isinstance(error, TOO_LARGE):
        return BrokerRefused(f"{where} refuses a record that is too large for its topic (max.message.bytes): {text}")
    return BrokerUnavailable(f"no answer from {where}: {text}")


def _text(error: BaseException, kafka: KafkaSettings) -> str:
    """Return the text of an error, on one line."""
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
