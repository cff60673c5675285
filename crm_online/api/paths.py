"""Ids in paths: percent-encoded, they may hold anything, slashes and newlines too."""

from __future__ import annotations

from typing import Final

from starlette.convertors import Convertor, register_url_convertor


class AnythingConvertor(Convertor[str]):
    """The rest of a path, whatever is in it; Starlette's own ``path`` ends at a newline."""

    regex = r"[\s\S]+"

    def convert(self, value: str) -> str:
        """Return the text as it is."""
        return value

    def to_string(self, value: str) -> str:
        """Return the text as it is."""
        return value


ANYTHING: Final = "anything"
"""Its name in paths: ``{customer_id:anything}``."""

register_url_convertor(ANYTHING, AnythingConvertor())
