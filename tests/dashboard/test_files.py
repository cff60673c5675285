"""The page and its files: types, what a browser may keep, and nothing but them."""

from __future__ import annotations

import asyncio
import re
from importlib.resources import files

import httpx
import pytest
from fastapi import FastAPI

from crm_online.dashboard.pages import router

STATIC = files("crm_online.dashboard") / "static"


class Pages:
    """The routes, asked without a network."""

    def __init__(self) -> None:
        app = FastAPI()
        app.include_router(router())
        self._transport = httpx.ASGITransport(app)

    def get(self, path: str, method: str = "GET", **headers: str) -> httpx.Response:
        async def ask() -> httpx.Response:
            async with httpx.AsyncClient(transport=self._transport, base_url="http://shop") as client:
                return await client.request(method, path, headers={"Accept-Encoding": "identity"} | headers)

        return asyncio.run(ask())


@pytest.fixture
def pages() -> Pages:
    return Pages()


@pytest.mark.parametrize(
    ("path", "media_type"),
    [
        ("/", "text/html; charset=utf-8"),
        ("/static/js/main.js", "text/javascript; charset=utf-8"),
        ("/static/css/all.css", "text/css; charset=utf-8"),
        ("/static/mark.svg", "image/svg+xml"),
    ],
)
def test_a_file_has_its_type_and_is_sent_once(pages: Pages, path: str, media_type: str) -> None:
    answer = pages.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (200, media_type)
    for tag in (answer.headers["etag"], f'"other", W/{answer.headers["etag"]}', "*"):
        again = pages.get(path, **{"If-None-Match": tag})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", answer.headers["etag"])
    assert pages.get(path, **{"If-None-Match": '"other"'}).status_code == 200
    assert pages.get(path, "HEAD").status_code == 200


def test_the_page_is_asked_for_again(pages: Pages) -> None:
    assert pages.get("/").headers["cache-control"] == "no-cache"
    assert pages.get("/static/js/main.js").headers["cache-control"] == "no-cache"


def test_every_module_of_the_overview_is_asked_for_at_once_and_no_other(pages: Pages) -> None:
    named = set(re.findall(r'rel="modulepreload" href="/static/([^"]+)"', pages.get("/").text))
    waiting, needed = ["js/main.js", "js/views/overview.js"], set[str]()
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed.add(name)
            folder, text = name.rpartition("/")[0], pages.get(f"/static/{name}").text
            waiting += [_joined(folder, found) for found in re.findall(r'from "(\.[^"]+)"', text)]
    assert named == needed - {"js/main.js"}


def test_the_style_of_all_views_is_one_file(pages: Pages) -> None:
    style = pages.get("/static/css/all.css").text
    parts = {found.name: found.read_text() for found in (STATIC / "css").iterdir() if found.name != "print.css"}
    assert all(part in style for part in parts.values())
    assert style.startswith(parts["tokens.css"])
    assert len(style) == sum(map(len, parts.values()))


@pytest.mark.parametrize(("asked", "encoding"), [("gzip, br", "gzip"), ("br, gzip;q=0", None), ("identity", None)])
def test_a_file_is_compressed_for_all_who_read_that(pages: Pages, asked: str, encoding: str | None) -> None:
    answer = pages.get("/static/js/main.js", **{"Accept-Encoding": asked})
    assert answer.headers.get("content-encoding") == encoding
    assert answer.content == (STATIC / "js" / "main.js").read_bytes()
    assert answer.headers["vary"] == "Accept-Encoding"


def test_the_whole_page_is_light(pages: Pages) -> None:
    paths = ["/", *(f"/static/{name}" for name in _all_files())]
    assert sum(len(pages.get(path).content) for path in paths) < 400_000


@pytest.mark.parametrize(
    "path",
    [
        "../pages.py",
        "..%2Fpages.py",
        "%2e%2e/pages.py",
        "js/../../pages.py",
        "/etc/passwd",
        "%2Fetc%2Fpasswd",
        "js",
        "",
    ],
)
def test_no_other_file_can_be_asked_for(pages: Pages, path: str) -> None:
    assert pages.get(f"/static/{path}").status_code == 404


def test_whatever_the_page_names_is_there(pages: Pages) -> None:
    waiting, known = ["/"], {"/"}
    while waiting:
        path = waiting.pop()
        answer = pages.get(path)
        assert answer.status_code == 200, path
        named = re.findall(r"""(?:src|href)="(/static/[^"]+)""", answer.text) if path == "/" else []
        if path.endswith(".js"):
            folder = path.rpartition("/")[0]
            named += [_joined(folder, found) for found in re.findall(r'(?:from |import\()"(\.[^"]+)"', answer.text)]
        waiting += [name for name in named if name not in known]
        known.update(named)
    ours = {path.removeprefix("/static/") for path in known if path != "/"}
    assert _all_files() == ours


def _joined(folder: str, name: str) -> str:
    parts = folder.split("/")
    for step in name.split("/"):
        if step == "..":
            parts.pop()
        elif step != ".":
            parts.append(step)
    return "/".join(parts)


def _all_files() -> set[str]:
    """Return the files below ``/static/``."""
    scripts = {
        f"{folder}{found.name}"
        for folder in ("js/", "js/charts/", "js/views/")
        for found in (STATIC / folder).iterdir()
        if found.is_file()
    }
    return scripts | {"mark.svg", "css/all.css", "css/print.css"}
