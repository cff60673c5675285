"""The kinds of value that say where another process is and how to be let in: addresses, files, passwords."""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr

from crm_online.settings.fields import Form, is_none, optional

MASK = "********"
"""What is shown in place of a password, wherever settings are shown."""

_ADDRESS = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):([0-9]{1,5})")
_ORIGIN = re.compile(r"https?://[A-Za-z0-9._-]+(?::[0-9]{1,5})?")


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


def _text(value: object) -> object:
    if isinstance(value, str) and not value.strip():
        raise ValueError("empty")
    return value


def _address(value: object) -> object:
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


def listed(value: object) -> tuple[str, ...]:
    """Read ``none``, or texts with commas between."""
    if isinstance(value, str):
        value = [] if is_none(value) else [part.strip() for part in value.split(",")]
    if not isinstance(value, list | tuple) or not all(isinstance(part, str) for part in value):
        raise ValueError("not a list")
    return tuple(value)


def _origins(value: object) -> tuple[str, ...]:
    origins = listed(value)
    if not all(map(_ORIGIN.fullmatch, origins)):
        raise ValueError("not an origin")
    return origins


def _networks(value: object) -> tuple[str, ...]:
    networks = listed(value)
    for network in networks:
        ipaddress.ip_network(network)
    return networks


def joined(texts: tuple[str, ...]) -> str:
    """Write texts with commas between, or ``none``."""
    return ",".join(texts) or "none"


_TEXT = {"type": "string", "minLength": 1}

Address = Annotated[str, Form("host:port", _address)]
OptionalAddress = Annotated[str | None, optional("host:port", _TEXT, _address)]
Brokers = Annotated[str, Form("host:port, several with commas between", _brokers)]
Prefix = Annotated[
    str,
    Field(pattern=r"^[A-Za-z0-9._-]{0,200}$"),
    Form("letters, digits, dots, underscores and hyphens, or nothing"),
]
OptionalText = Annotated[str | None, optional("a text that is not empty", _TEXT, _text)]
OptionalFile = Annotated[Path | None, optional("the path of a file", _TEXT, _text, str)]
OptionalPassword = Annotated[
    SecretStr | None,
    optional("a text that is not empty", _TEXT | {"writeOnly": True}, _text, lambda _: MASK),
]
Origins = Annotated[
    tuple[str, ...],
    Form("origins such as https://shop.example, several with commas between, or none", _origins, joined, _TEXT),
]
Networks = Annotated[
    tuple[str, ...],
    Form("addresses or networks such as 10.0.0.0/8, several with commas between, or none", _networks, joined, _TEXT),
]
