"""Replies of Redis by type: each function takes any reply and gives the type that its name has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from crm_online.errors import StateCorrupt


def as_bytes(reply: object) -> bytes:
    """Take a reply that must be bytes."""
    if isinstance(reply, bytes):
        return reply
    raise _unexpected("bytes", reply)


def as_value(reply: object) -> bytes | None:
    """Take a reply that must be bytes or nothing."""
    return None if reply is None else as_bytes(reply)


def as_int(reply: object) -> int:
    """Take a reply that must be an integer, as such or in decimal digits."""
    if isinstance(reply, int):
        return reply
    digits = as_bytes(reply)
    try:
        return int(digits)
    except ValueError:
        raise _unexpected("a whole number", reply) from None


def as_list(reply: object) -> list[object]:
    """Take a reply that must be an array."""
    if isinstance(reply, list):
        return reply
    raise _unexpected("a list", reply)


def as_byte_list(reply: object) -> list[bytes]:
    """Take a reply that must be an array of bytes."""
    items = as_list(reply)
    for kind in set(map(type, items)) - {bytes}:
        raise _unexpected("bytes", next(item for item in items if type(item) is kind))
    return cast(list[bytes], items)


def as_value_list(reply: object) -> list[bytes | None]:
    """Take a reply that must be an array of bytes or nothing."""
    items = as_list(reply)
    for kind in set(map(type, items)) - {bytes, type(None)}:
        raise _unexpected("bytes", next(item for item in items if type(item) is kind))
    return cast(list[bytes | None], items)


def as_pairs(reply: object) -> dict[bytes, bytes]:
    """Take a reply that must be an array of field, value, and so on."""
    flat = as_byte_list(reply)
    return dict(zip(flat[::2], flat[1::2], strict=True))


def as_facts(reply: object) -> Mapping[str, str]:
    r"""Take the lines ``name:value`` that ``INFO`` answers.

    Examples
    --------
    >>> as_facts(b"# Server\r\nredis_version:7.0.15\r\n")["redis_version"]
    '7.0.15'
    """
    lines = as_bytes(reply).decode("utf-8", "replace").splitlines()
    return dict(line.split(":", 1) for line in lines if ":" in line and not line.startswith("#"))


def _unexpected(expected: str, reply: object) -> StateCorrupt:
    return StateCorrupt(f"Redis should have answered {expected}, not {str(reply)[:80]!r}")
