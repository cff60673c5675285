"""A feed as the answer to a request: server-sent events until the reader goes, or stops taking them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from crm_online.live.changes import ChangeHub
from crm_online.live.feed import Feed

ABORT = "crm_online.abort"
"""Where the server puts into an ASGI scope what ends the connection at once, whatever waits to be sent."""


class EventStream(Response):
    """A feed's chunks, one by one; a reader that takes nothing for long is dropped.

    Parameters
    ----------
    hub, feed
        The feed, and the hub that forgets it in the end.
    """

    media_type = "text/event-stream"
    charset = "utf-8"

    def __init__(self, hub: ChangeHub, feed: Feed) -> None:
        super().__init__(headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._hub, self._feed = hub, feed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the feed."""
        listening = asyncio.create_task(self._listen(receive))
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            if scope["method"] != "HEAD":
                async for chunk in self._feed:
                    async with asyncio.timeout(self._hub.times.stuck):
                        await send({"type": "http.response.body", "body": chunk, "more_body": True})
            async with asyncio.timeout(self._hub.times.stuck):
                await send({"type": "http.response.body", "body": b"", "more_body": False})
        except TimeoutError:
            abort: Callable[[], None] | None = scope.get(ABORT)
            if abort is not None:
                abort()
        finally:
            listening.cancel()
            self._hub.let_go(self._feed)

    async def _listen(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self._feed.close()
