"""The settings of webhooks: where which changes are posted, and how they are signed. Nothing here shapes the state."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Final, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, model_validator

from crm_online.settings.fields import Count, Form, PositiveDuration, Section, contradiction, optional
from crm_online.settings.network import MASK, Networks, OptionalFile, joined, listed
from crm_online.settings.units import DAY, MINUTE, SECOND
from crm_online.step import KINDS as KINDS_BY_TOPIC

WEBHOOK_NAME: Final = r"[a-z0-9][a-z0-9_-]{0,31}"
"""What a webhook may be called: it is part of keys, of the environment and of URLs."""
SECRET_PREFIX: Final = "whsec_"
KINDS: Final = tuple(KINDS_BY_TOPIC.values())
REASONS: Final = ("event", "lapse", "refit", "erase", "rewind")
"""Why a customer moves."""
_SHORTEST: Final = 24
_LONGEST: Final = 64


def webhook_secret(text: str) -> bytes:
    """Return the bytes of a secret as Standard Webhooks writes it: ``whsec_`` and 24 to 64 bytes in base64.

    Raises
    ------
    ValueError
        If it is none.

    Examples
    --------
    >>> webhook_secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").hex()[:8]
    '31f290f6'
    """
    try:
        found = base64.b64decode(text.strip().removeprefix(SECRET_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("not base64") from None
    if not text.strip().startswith(SECRET_PREFIX) or not _SHORTEST <= len(found) <= _LONGEST:
        raise ValueError("not a secret")
    return found


def _secret(value: object) -> object:
    if isinstance(value, str):
        webhook_secret(value)
    return value


def _url(value: object) -> object:
    """Refuse what is no http or https URL with a host, or has a password, which logs and lists would show."""
    if isinstance(value, str):
        parts = urlsplit(value.strip())
        if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc or parts.port == 0:
            raise ValueError("not a URL")
        return value.strip()
    return value


def _kinds(value: object) -> object:
    kinds = listed(value)
    if not kinds or not set(kinds) <= set(KINDS):
        raise ValueError("no such kind")
    return tuple(kind for kind in KINDS if kind in kinds)


def _reasons(value: object) -> object:
    reasons = listed(value)
    if not set(reasons) <= set(REASONS):
        raise ValueError("no such reason")
    return reasons


_TEXT: Final = {"type": "string", "minLength": 1}
HookUrl = Annotated[str, Form("an http or https URL without user and password", _url, schema=_TEXT)]
HookSecret = Annotated[
    SecretStr | None,
    optional("whsec_ and 24 to 64 bytes in base64", _TEXT | {"writeOnly": True}, _secret, lambda _: MASK),
]
Kinds = Annotated[tuple[str, ...], Form("a list out of " + ", ".join(KINDS), _kinds, joined, _TEXT)]
Reasons = Annotated[
    tuple[str, ...], Form("a list out of " + ", ".join(REASONS) + "; or none: any", _reasons, joined, _TEXT)
]
Names = Annotated[tuple[str, ...], Form("a list with commas between, or none: any", listed, joined, _TEXT)]


class WebhookSettings(Section):
    """Webhooks, each with a name of your own; nothing here shapes the state."""

    url: HookUrl = Field(description="where each change is posted")
    kinds: Kinds = Field(
        default=tuple(kind for kind in KINDS if kind != "reject"), description="which kinds of change are sent"
    )
    segments: Names = Field(
        default=(), description="only moves from or to one of these segments, and what is about one of them"
    )
    items: Names = Field(default=(), description="only rules with one of these items; with segments: either")
    reasons: Reasons = Field(default=(), description="of moves and predictions, only those for one of these reasons")
    secret: HookSecret = Field(default=None, description="what deliveries are signed with, never shown")
    secret_file: OptionalFile = Field(
        default=None,
        description="file with the secret instead; a second line is an older one, which signs too",
    )
    private_networks: Networks = Field(
        default=(), description="networks that are not public, such as your own, in which the receiver may be"
    )
    timeout: PositiveDuration = Field(default=10 * SECOND, description="time in which the receiver must have answered")
    longest_pause: PositiveDuration = Field(
        default=5 * MINUTE, description="longest pause before a delivery is tried again; they begin at a second"
    )
    retry_for: PositiveDuration = Field(
        default=DAY, description="time after which a change that could not be delivered becomes a dead letter"
    )
    connections: Count = Field(default=8, ge=1, le=100, description="deliveries at once, of different customers")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.secret is None) == (self.secret_file is None):
            raise contradiction("a webhook has a secret or a file of it", ".secret", ".secret_file")
        return self

    @property
    def receiver(self) -> str:
        """Scheme and host of the URL, as it may be shown: a path may be as good as a password."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}"
