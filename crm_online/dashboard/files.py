"""The files of the dashboard."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

from crm_online.live.etags import etag_of

_MEDIA_TYPES: Final = {
    "css": "text/css; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}


_STYLE: Final = ("tokens", "page", "parts", "charts", "views")
"""The style of all views, which is asked for as one file: a slow line answers each request late."""


@dataclass(frozen=True, slots=True)
class File:
    """A file as it is sent.

    Attributes
    ----------
    body, etag
        Its bytes, and their entity tag.
    compressed
        The same by gzip, for all who read that: on a slow line the page is there in half the time.
    media_type
        Its type, with the charset.
    """

    body: bytes
    etag: str
    compressed: bytes
    media_type: str


@cache
def static() -> dict[str, File]:
    """Return the files below ``/static/`` by path: only these can be asked for.

    Examples
    --------
    >>> "js/main.js" in static(), "../pages.py" in static()
    (True, False)
    """
    found = {path: file.read_bytes() for path, file in _walk(_folder(), "") if path != "index.html"}
    found["css/all.css"] = b"".join(found.pop(f"css/{name}.css") for name in _STYLE)
    return {path: _file(path, body) for path, body in found.items()}


@cache
def page() -> File:
    """Return the page."""
    return _file("index.html", (_folder() / "index.html").read_bytes())


def _folder() -> Traversable:
    return files("crm_online.dashboard") / "static"


def _walk(folder: Traversable, path: str) -> Iterator[tuple[str, Traversable]]:
    for found in folder.iterdir():
        if found.is_dir():
            yield from _walk(found, f"{path}{found.name}/")
        elif found.name.rpartition(".")[2] in _MEDIA_TYPES:
            yield path + found.name, found


def _file(name: str, body: bytes) -> File:
    return File(body, etag_of(body), gzip.compress(body, 9, mtime=0), _MEDIA_TYPES[name.rpartition(".")[2]])
