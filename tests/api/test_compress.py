"""What is compressed, by whichever Starlette: large answers, and never a feed."""

from __future__ import annotations

import asyncio
import gzip

import pytest
from starlette.middleware import gzip as starlettes
from starlette.types import Message, Receive, Scope, Send

from crm_online.api.compress import Compress

CHUNK = b"id: 0-1\ndata: {}\n\n"
LARGE = b"rule " * 1000


async def answer(scope: Scope, receive: Receive, send: Send) -> None:
    feed = scope["path"] == "/v1/changes"
    kind = b"text/event-stream" if feed else b"application/json"
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", kind)]})
    await send({"type": "http.response.body", "body": CHUNK if feed else LARGE, "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


def asked(path: str) -> list[bytes]:
    """Return the pieces of a body as they are sent to somebody who takes gzip."""
    sent: list[bytes] = []

    async def send(message: Message) -> None:
        sent.append(message.get("body", b""))

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    scope = {"type": "http", "method": "GET", "path": path, "headers": [(b"accept-encoding", b"gzip")]}
    asyncio.run(Compress(answer)(scope, receive, send))
    return sent


def test_a_feed_comes_as_it_is_written_whatever_starlette_leaves_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Until 0.46 there is no such list: Starlette compressed feeds too."""
    monkeypatch.setattr(starlettes, "DEFAULT_EXCLUDED_CONTENT_TYPES", (), raising=False)
    monkeypatch.setitem(starlettes.GZipMiddleware.__init__.__kwdefaults__ or {}, "exclude_content_types", ())
    assert asked("/v1/changes") == [b"", CHUNK, b""]


def test_other_large_answers_are_compressed_and_one_customer_is_not() -> None:
    packed = b"".join(asked("/v1/rules"))
    assert len(packed) < len(LARGE) / 10
    assert gzip.decompress(packed) == LARGE
    assert b"".join(asked("/v1/customers/C17")) == LARGE
