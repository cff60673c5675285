"""Entity tags: by which a caller knows a body again (RFC 9110, section 8.8.3)."""

from __future__ import annotations

from hashlib import blake2b


def etag_of(body: bytes) -> str:
    """Return the entity tag of some bytes, with its quotes: it changes with them."""
    return f'"{blake2b(body, digest_size=12).hexdigest()}"'


def is_among(etag: str, if_none_match: str | None) -> bool:
    """Return whether a tag is among those that were sent: with commas between, or ``*``; compared weakly.

    Examples
    --------
    >>> is_among('"a"', 'W/"a", "b"'), is_among('"a"', "*"), is_among('"a"', '"b"'), is_among('"a"', None)
    (True, True, False, False)
    """
    tags = [tag.strip().removeprefix("W/") for tag in (if_none_match or "").split(",")]
    return etag in tags or "*" in tags
