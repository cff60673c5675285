"""The client of the service that ``crm-online serve`` runs, in two kinds: `Client` and `AsyncClient`.

`AsyncClient` is for asyncio and trio. Both have one method for each operation of the API, with the same names, and
answers as models (``crm_online.answers``). Errors are those below ``ServiceError`` in ``crm_online.errors``::

    with Client("http://127.0.0.1:8080", key="crm_…") as client:
        print(client.customer("C17").segment)
        for change in client.changes(kind=["segment-change"]):
            print(change)
"""

from importlib.util import find_spec as _find_spec

if _find_spec("httpx") is None or _find_spec("httpx_sse") is None:
    raise ImportError("crm_online.client needs an extra: pip install 'crm-online[client]'", name="httpx")

from crm_online.client.asynchronous import AsyncClient
from crm_online.client.feed import AsyncFeed, Feed
from crm_online.client.feed_state import Change
from crm_online.client.synchronous import Client

__all__ = ["AsyncClient", "AsyncFeed", "Change", "Client", "Feed"]
