"""The files of the dashboard: its own, and the drawing library out of the package that brings it."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

from crm_online.etags import etag_of

PLOTLY: Final = "plotly.min.js"
_MEDIA_TYPES: Final = {
    "css": "text/css; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
_OURS: Final = "no-cache"
# It changes with the package alone, and is larger than all the rest.
_PACKAGED: Final = "public, max-age=86400"
_MARKS: Final = "<!-- marks -->"
_STYLE_IDS: Final = re.compile(rb"""document\.getElementById\(["']([0-9a-f]{64})["']\)""")


@dataclass(frozen=True, slots=True)
class File:
    """A file as it is sent.

    Attributes
    ----------
    body, etag
        Its bytes, and their entity tag.
    media_type
        Its type, with the charset.
    caching
        For ``Cache-Control``.
    packed
        The bytes, compressed; None: not worth keeping.
    """

    body: bytes
    etag: str
    media_type: str
    caching: str = _OURS
    packed: bytes | None = None


@cache
def static() -> dict[str, File]:
    """Return the files below ``/static/`` by path, but the drawing library: only these can be asked for.

    Examples
    --------
    >>> "js/main.js" in static(), "../pages.py" in static()
    (True, False)
    """
    return {path: _file(path, found.read_bytes()) for path, found in _walk(_folder(), "") if path != "index.html"}


@cache
def plotly() -> File:
    """Return the drawing library, compressed once: that takes longer than a request should hold up others.

    Raises
    ------
    FileNotFoundError, ModuleNotFoundError
        If the package plotly is not installed as it should be.
    """
    found = _file(PLOTLY, (files("plotly") / "package_data" / PLOTLY).read_bytes(), _PACKAGED)
    return replace(found, packed=gzip.compress(found.body, mtime=0))


@cache
def page() -> File:
    """Return the page.

    The Content-Security-Policy lets no script add a ``<style>``. The drawing library adds some unless an element with
    the id of each is there already, so the page has these; `charts.css` has the rules that are needed.
    """
    ids = sorted({found.decode() for found in _STYLE_IDS.findall(plotly().body)})
    marks = "\n  ".join(f'<meta id="{name}">' for name in ids)
    text = (_folder() / "index.html").read_text(encoding="utf-8")
    return _file("index.html", text.replace(_MARKS, marks).encode())


def _folder() -> Traversable:
    return files("crm_online.dashboard") / "static"


def _walk(folder: Traversable, path: str) -> Iterator[tuple[str, Traversable]]:
    for found in folder.iterdir():
        if found.is_dir():
            yield from _walk(found, f"{path}{found.name}/")
        elif found.name.rpartition(".")[2] in _MEDIA_TYPES:
            yield path + found.name, found


def _file(name: str, body: bytes, caching: str = _OURS) -> File:
    return File(body, etag_of(body), _MEDIA_TYPES[name.rpartition(".")[2]], caching)
