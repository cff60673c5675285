"""Secrets and signatures as Standard Webhooks 1.0 has them (https://www.standardwebhooks.com)."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence

from crm_online.errors import InputError
from crm_online.settings import WebhookSettings
from crm_online.settings.webhooks import webhook_secret


def signature(secrets: Sequence[bytes], message_id: str, timestamp: int, body: bytes) -> str:
    """Return the header ``webhook-signature``: one HMAC-SHA256 in base64 for each secret.

    Parameters
    ----------
    secrets
        The secret, and the one before it while it is changed.
    message_id, timestamp
        The headers ``webhook-id`` and ``webhook-timestamp`` (seconds since 1970).
    body
        What is posted.

    Examples
    --------
    The specification's example:

    >>> secret = webhook_secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    >>> signature([secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE='
    """
    signed = b"%s.%d.%s" % (message_id.encode(), timestamp, body)
    made = (hmac.digest(secret, signed, hashlib.sha256) for secret in secrets)
    return " ".join(f"v1,{base64.b64encode(one).decode()}" for one in made)


def secrets_of(name: str, settings: WebhookSettings) -> list[bytes]:
    """Return the secrets of a webhook, of its settings or its file.

    Raises
    ------
    InputError
        If the file cannot be read, or holds something else.
    """
    if settings.secret_file is None:
        return [] if settings.secret is None else [webhook_secret(settings.secret.get_secret_value())]
    try:
        lines = settings.secret_file.read_text(encoding="utf-8").split()
        found = [webhook_secret(line) for line in lines[:2]]
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it holds no whsec_ secret of 24 to 64 bytes"
        raise InputError(f"the secret of webhook {name} in {settings.secret_file} cannot be used: {reason}") from error
    if not found:
        raise InputError(f"the secret of webhook {name} in {settings.secret_file} cannot be used: the file is empty")
    return found
