"""The settings of the HTTP service. Nothing here shapes the state."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema

from crm_online.settings.fields import Allowed, Count, PositiveDuration, Size
from crm_online.settings.network import OptionalFile, split_address
from crm_online.settings.section import Section
from crm_online.settings.units import SECOND

_ORIGIN = re.compile(r"https?://[A-Za-z0-9._-]+(?::[0-9]{1,5})?")


def _address(value: object) -> object:
    if isinstance(value, str):
        split_address(value)
    return value


def _listed(value: object) -> tuple[str, ...]:
    """Read ``none``, or texts with commas between."""
    if isinstance(value, str):
        value = [] if value.strip().lower() == "none" else [part.strip() for part in value.split(",")]
    if not isinstance(value, list | tuple) or not all(isinstance(part, str) for part in value):
        raise ValueError("not a list")
    return tuple(value)


def _origins(value: object) -> tuple[str, ...]:
    found = _listed(value)
    if any(not _ORIGIN.fullmatch(origin) for origin in found):
        raise ValueError("not an origin")
    return found


def _networks(value: object) -> tuple[str, ...]:
    found = _listed(value)
    for network in found:
        ipaddress.ip_network(network)
    return found


_list = PlainSerializer(lambda value: ",".join(value) or "none", return_type=str, when_used="json")
_SCHEMA = WithJsonSchema({"type": "string", "minLength": 1})

Address = Annotated[str, BeforeValidator(_address), Allowed("host:port")]
Origins = Annotated[
    tuple[str, ...],
    BeforeValidator(_origins),
    _list,
    _SCHEMA,
    Allowed("origins such as https://shop.example, several with commas between, or none"),
]
Networks = Annotated[
    tuple[str, ...],
    BeforeValidator(_networks),
    _list,
    _SCHEMA,
    Allowed("addresses or networks such as 10.0.0.0/8, several with commas between, or none"),
]


def _rate(value: object) -> object:
    return None if isinstance(value, str) and value.strip().lower() == "none" else value


OptionalRate = Annotated[
    Annotated[float, Field(gt=0, allow_inf_nan=False)] | None,
    BeforeValidator(_rate),
    PlainSerializer(lambda value: "none" if value is None else value, when_used="json"),
    WithJsonSchema({"anyOf": [{"type": "number", "exclusiveMinimum": 0}, {"const": "none"}]}),
    Allowed("a number above 0, or none"),
]


class ServeSettings(Section):
    """The HTTP service; nothing here shapes the state."""

    listen: Address = Field(default="127.0.0.1:8080", description="where the service is; port 0: a free one")
    keys_file: OptionalFile = Field(
        default=None,
        description="file of the keys (`crm-online keys`); none: no key is needed, and only this machine can ask",
    )
    rate: OptionalRate = Field(
        default=1000.0,
        description="requests a second of a key, or of an address without one, and as many at once; none: no limit",
    )
    body: Size = Field(default=1_000_000, description="largest body of a request")
    feeds: Count = Field(default=2000, ge=1, le=100_000, description="feeds of changes that may be open at once")
    connections: Count = Field(
        default=4000, ge=10, le=200_000, description="connections that may be open at once, those of feeds among them"
    )
    refresh: PositiveDuration = Field(
        default=2 * SECOND, description="how often segments, rules and the picture are read again"
    )
    request_timeout: PositiveDuration = Field(
        default=10 * SECOND,
        description="time in which a request must be whole; and for which a reader may take nothing of its answer",
    )
    store_timeout: PositiveDuration = Field(
        default=10 * SECOND, description="time in which Redis must answer; after it the request fails with a 503"
    )
    stop_timeout: PositiveDuration = Field(
        default=5 * SECOND, description="time that requests have to end when the service is told to stop"
    )
    cors: Origins = Field(default=(), description="origins whose pages may ask with a key of their own")
    proxies: Networks = Field(
        default=(), description="reverse proxies whose X-Forwarded-For and -Proto say who asks, and how"
    )
    logs: Literal["auto", "json", "text"] = Field(
        default="auto", description="form of the log lines; auto: text on a terminal, json otherwise"
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="the least important lines that are logged"
    )

    @property
    def address(self) -> tuple[str, int]:
        """Host and port of ``listen``."""
        return split_address(self.listen)
