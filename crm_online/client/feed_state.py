"""The state of a feed: its cursor, how its events are read, and when it connects again; it does no input or output."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from typing import Any, Final, TypeAlias

import httpx
from httpx_sse import ServerSentEvent
from pydantic_core import from_json

from crm_online.answers.changes import Gap
from crm_online.client import calls
from crm_online.client.call import error_of
from crm_online.client.queries import ChangeQuery
from crm_online.client.transport import is_transient, unavailable
from crm_online.errors import ServiceError, ServiceFault, ServiceUnavailable
from crm_online.values import Drift, PredictionChange, Reject, Rule, Segment, SegmentChange, SegmentGone
from crm_online.values.value import TOLERANT

Change: TypeAlias = SegmentChange | Segment | SegmentGone | Rule | Reject | Drift | PredictionChange | Gap
"""What a feed sends."""

_log = logging.getLogger(__name__)
_LONGEST: Final = 30.0
# Seconds without a byte after which a connection counts as dead: the service sends some every 15.
_SILENCE: Final = 45.0


def _segment(value: Any) -> Segment | SegmentGone:
    kind = Segment if "name" in value else SegmentGone
    return kind.model_validate(value, context=TOLERANT)


_KINDS: dict[str, Callable[[Any], Change]] = {
    "segment-change": lambda value: SegmentChange.model_validate(value, context=TOLERANT),
    "segment": _segment,
    "rule": lambda value: Rule.model_validate(value, context=TOLERANT),
    "reject": lambda value: Reject.model_validate(value, context=TOLERANT),
    "drift": lambda value: Drift.model_validate(value, context=TOLERANT),
    "prediction": lambda value: PredictionChange.model_validate(value, context=TOLERANT),
    "gap": Gap.model_validate,
}


class FeedState:
    """The state of one feed.

    Parameters
    ----------
    query
        Which changes.
    cursor
        Where it resumes; None: it begins with what comes next.

    Attributes
    ----------
    call
        The request.
    cursor
        The cursor after the last event.
    has_opened
        Whether it was connected once.
    """

    def __init__(self, query: ChangeQuery, cursor: str | None) -> None:
        self.call = calls.changes(query)
        self.cursor = cursor
        self.has_opened = False
        self._retry = 2.0
        self._tries = 0

    def request(self, http: httpx.Client | httpx.AsyncClient) -> httpx.Request:
        """Return the request that begins it, or goes on with it."""
        headers = {"Accept": "text/event-stream", "Cache-Control": "no-store"}
        if self.cursor:
            headers["Last-Event-ID"] = self.cursor
        usual = http.timeout
        timeout = httpx.Timeout(connect=usual.connect, read=_SILENCE, write=usual.write, pool=usual.pool)
        query = httpx.QueryParams(self.call.params)
        return http.build_request("GET", self.call.path, params=query, headers=headers, timeout=timeout)

    def begin(self, first: ServerSentEvent | None) -> None:
        """Read the first event of a connection, which has the cursor: from then on nothing can be missed.

        Raises
        ------
        ServiceError
            If there is none.
        """
        if first is None:
            raise ended()
        self.read(first)
        self.has_opened = True

    def read(self, event: ServerSentEvent) -> Change | None:
        """Return the change of an event; None: it has the cursor alone, or is of a kind that is not known.

        Raises
        ------
        ServiceFault
            If it cannot be read.
        """
        self._tries = 0
        if event.retry is not None:
            self._retry = event.retry / 1000
        parse = _KINDS.get(event.event)
        try:
            change = parse(from_json(event.data)) if parse is not None and event.data else None
        except (ValueError, TypeError) as error:
            raise ServiceFault(f"a {event.event} after {self.cursor} cannot be read: {error}") from error
        if event.id:
            self.cursor = event.id
        return change

    def pause_after(self, error: Exception) -> float:
        """Return the seconds to wait before it connects again.

        Raises
        ------
        ServiceError
            If there is no use in that.
        """
        if not isinstance(error, ServiceError):
            error = unavailable(self.call, error)
        if not is_transient(error):
            raise error
        longest = min(_LONGEST, self._retry * 2**self._tries)
        self._tries = min(self._tries + 1, 10)
        pause = max(error.retry_after or 0.0, random.uniform(longest / 2, longest))
        _log.warning("the feed of changes is interrupted, and goes on in %.1f s: %s", pause, error)
        return pause


def ended() -> ServiceUnavailable:
    """Return what it means that the service ended a feed."""
    return ServiceUnavailable("the service has ended the feed")


def is_feed(response: httpx.Response) -> bool:
    """Return whether the body of a response is a feed."""
    kind: str = response.headers.get("Content-Type", "")
    return response.status_code == httpx.codes.OK and kind.startswith("text/event-stream")


def no_feed(response: httpx.Response) -> ServiceError:
    """Return why a response is none; its body has been read."""
    headers = response.headers
    if response.status_code == httpx.codes.OK:
        return ServiceFault(f"the feed of changes is none, but {headers.get('Content-Type', 'of no type')}")
    asked = f"{response.request.method} {response.request.url.path}"
    return error_of(
        asked, response.status_code, headers.get("Content-Type", ""), headers.get("Retry-After"), response.content
    )
