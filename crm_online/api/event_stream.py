"""A feed as the answer to a request: server-sent events until the reader disconnects, or reads no more."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from crm_online.live.feeds.hub import ChangeHub
from crm_online.live.feeds.subscription import Subscription


class EventStream(Response):
    """The chunks of a subscription, one by one; a reader that reads nothing for long is dropped by its `Connection`.

    Parameters
    ----------
    hub, subscription
        The subscription, and the hub at which it is unsubscribed in the end.
    sent
        Called with how many events were sent.
    """

    media_type = "text/event-stream"
    charset = "utf-8"

    def __init__(self, hub: ChangeHub, subscription: Subscription, sent: Callable[[int], None]) -> None:
        super().__init__(headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._hub, self._subscription, self._sent = hub, subscription, sent

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the chunks."""
        listening = asyncio.create_task(self._listen(receive))
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            if scope["method"] != "HEAD":
                async for chunk in self._subscription:
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
                    self._sent(chunk.count(b"\ndata: "))
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            listening.cancel()
            self._hub.unsubscribe(self._subscription)

    async def _listen(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self._subscription.close()
