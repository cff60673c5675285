"""Ids in paths: percent-encoded, they may hold anything, slashes and newlines too."""

from __future__ import annotations

from typing import Final

from starlette.convertors import Convertor, register_url_convertor
from starlette.types import Scope


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


def is_of_copy(scope: Scope) -> bool:
    """Return whether a path is that of a customer's copy: an id that ends in ``/export`` comes percent-encoded."""
    return bool(scope.get("raw_path", b"").endswith(b"/export"))
