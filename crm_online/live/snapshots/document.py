"""An answer as it is sent, made once for all who ask."""

from __future__ import annotations

from dataclasses import dataclass

import orjson

from crm_online.live.etags import etag_of


@dataclass(frozen=True, slots=True)
class Document:
    """A JSON document as bytes.

    Attributes
    ----------
    body
        The bytes.
    etag
        Their entity tag, with its quotes: it changes with them.
    """

    body: bytes
    etag: str

    @classmethod
    def of(cls, value: object) -> Document:
        """Write a value."""
        body = orjson.dumps(value)
        return cls(body, etag_of(body))
