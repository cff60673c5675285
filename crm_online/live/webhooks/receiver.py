"""Posts changes to the receiver of a webhook."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Sequence
from typing import Final

import anyio
import httpx

from crm_online import __version__
from crm_online.errors import DeliveryFailed
from crm_online.live.threads import Threads
from crm_online.live.webhooks.addresses import resolve
from crm_online.live.webhooks.signing import signature
from crm_online.settings import WebhookSettings

_READ: Final = 65_536
_LATER: Final = frozenset({408, 425, 429})
"""Statuses below 500 of a request that may be answered otherwise later."""


class Receiver:
    """The receiver of a webhook.

    Parameters
    ----------
    settings
        Where it is, and what is allowed.
    secrets
        What deliveries are signed with.
    """

    def __init__(self, settings: WebhookSettings, secrets: Sequence[bytes]) -> None:
        self._url, self._secrets = httpx.URL(settings.url), secrets
        self._private = [ipaddress.ip_network(one) for one in settings.private_networks]
        self._seconds = settings.timeout / 1000
        # Not those of asyncio, which others wait for too. Nobody stops them, as a name server that hangs would hold
        # that up: they end with the receiver.
        self._threads = Threads(2, "webhook-addresses")
        # Neither a proxy of the environment nor a redirect may lead to another address than the one looked at.
        self._http = httpx.AsyncClient(
            trust_env=False,
            follow_redirects=False,
            timeout=self._seconds,
            # The queue bounds how many are open; a pool that does too waits for ever for one that it has lost.
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=settings.connections),
            headers={"User-Agent": f"crm-online/{__version__}", "Content-Type": "application/json"},
        )

    async def post(self, message_id: str, body: bytes) -> None:
        """Post a message once.

        Raises
        ------
        DeliveryFailed
            If the receiver has not answered with a status of success, in time.
        """
        try:
            # Cancelled by asyncio alone, httpx loses connections.
            with anyio.fail_after(self._seconds):
                response = await self._answer(message_id, body)
        except TimeoutError:
            raise DeliveryFailed(f"no answer in {self._seconds:g} s") from None
        except httpx.HTTPError as error:
            raise DeliveryFailed(f"no answer: {str(error) or type(error).__name__}") from error
        if not response.is_success:
            status, after = response.status_code, response.headers.get("Retry-After", "")
            raise DeliveryFailed(
                f"status {status}",
                refused=400 <= status < 500 and status not in _LATER,
                retry_after=float(after) if after.isdecimal() else 0.0,
            )

    async def close(self) -> None:
        """Let go of its connections."""
        await self._http.aclose()

    async def _answer(self, message_id: str, body: bytes) -> httpx.Response:
        """Post to the address that was looked at, under the host's own name, and read a little of the answer."""
        url, timestamp = self._url, int(time.time())
        port = url.port or (443 if url.scheme == "https" else 80)
        address = await resolve(url.host, port, self._private, self._threads)
        request = self._http.build_request(
            "POST",
            url.copy_with(host=address),
            content=body,
            headers={
                "Host": url.netloc.decode("ascii"),
                "webhook-id": message_id,
                "webhook-timestamp": str(timestamp),
                "webhook-signature": signature(self._secrets, message_id, timestamp, body),
            },
            # The certificate is verified for the host's name.
            extensions={"sni_hostname": url.host},
        )
        response = await self._http.send(request, stream=True)
        try:
            size = 0
            async for part in response.aiter_raw():
                size += len(part)
                if size > _READ:
                    break
        finally:
            await response.aclose()
        return response
