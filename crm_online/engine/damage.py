"""Damaged bytes of a state: whatever a decoder makes of them, it is one error with a clear line."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from crm_online.errors import StateCorrupt

_DAMAGED: Final = (
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    AttributeError,
    EOFError,
    struct.error,
    zlib.error,
)
"""What decoders raise at bytes that no version wrote."""


@contextmanager
def corrupt_where_damaged(what: str) -> Iterator[None]:
    r"""Turn errors of decoders into `StateCorrupt`; for functions that only read stored data, as a decorator too.

    Raises
    ------
    StateCorrupt
        Some bytes cannot be read; what the decoder said is its cause.

    Examples
    --------
    >>> with corrupt_where_damaged("a number"):
    ...     int(b"\x00")
    Traceback (most recent call last):
    crm_online.errors.StateCorrupt: a number cannot be read: bytes are missing or changed
    """
    try:
        yield
    except _DAMAGED as error:
        raise StateCorrupt(f"{what} cannot be read: bytes are missing or changed") from error
