"""The kinds of value that say where another process is and how to be let in: addresses, files, passwords."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, PlainSerializer, SecretStr, WithJsonSchema

from crm_online.settings.fields import Allowed

MASK = "********"
"""What is shown in place of a password, wherever settings are shown."""

_HOST = r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)"
_PORT = r"[0-9]{1,5}"
_ADDRESS = re.compile(f"({_HOST}):({_PORT})")


def split_address(text: str) -> tuple[str, int]:
    """Return host and port of ``host:port``; an IPv6 address stands in brackets.

    Raises
    ------
    ValueError
        If it is not that.

    Examples
    --------
    >>> split_address("127.0.0.1:8081"), split_address("[::1]:0")
    (('127.0.0.1', 8081), ('::1', 0))
    """
    match = _ADDRESS.fullmatch(text.strip())
    if not match or int(match[2]) > 65535:
        raise ValueError("not host:port")
    return match[1].strip("[]"), int(match[2])


def _none_or_text(value: object) -> object:
    """Read ``none`` as nothing, and refuse an empty text."""
    if isinstance(value, str):
        if not value.strip():
            raise ValueError("empty")
        return None if value.strip().lower() == "none" else value
    return value


def _address(value: object) -> object:
    value = _none_or_text(value)
    if isinstance(value, str):
        split_address(value)
    return value


def _brokers(value: object) -> object:
    """Refuse what is no list of host:port, with one port at least 1."""
    if isinstance(value, str):
        value = ",".join(part.strip() for part in value.split(","))
        if any(split_address(part)[1] == 0 for part in value.split(",")):
            raise ValueError("no port")
    return value


def _shown(value: SecretStr | None) -> str:
    return "none" if value is None else MASK


_none = PlainSerializer(lambda value: "none" if value is None else str(value), return_type=str, when_used="json")
_TEXT_SCHEMA: dict[str, Any] = {"type": "string", "minLength": 1}

Brokers = Annotated[str, BeforeValidator(_brokers), Allowed("host:port, several with commas between")]
Prefix = Annotated[
    str,
    Field(pattern=r"^[A-Za-z0-9._-]{0,200}$"),
    Allowed("letters, digits, dots, underscores and hyphens, or nothing"),
]
OptionalAddress = Annotated[
    str | None,
    BeforeValidator(_address),
    _none,
    WithJsonSchema(_TEXT_SCHEMA),
    Allowed("host:port, or none"),
]
OptionalText = Annotated[
    str | None,
    BeforeValidator(_none_or_text),
    _none,
    WithJsonSchema(_TEXT_SCHEMA),
    Allowed("a text that is not empty, or none"),
]
OptionalFile = Annotated[
    Path | None,
    BeforeValidator(_none_or_text),
    _none,
    WithJsonSchema(_TEXT_SCHEMA),
    Allowed("the path of a file, or none"),
]
OptionalPassword = Annotated[
    SecretStr | None,
    BeforeValidator(_none_or_text),
    PlainSerializer(_shown, return_type=str, when_used="json"),
    WithJsonSchema(_TEXT_SCHEMA | {"writeOnly": True}),
    Allowed("a text that is not empty, or none"),
]
