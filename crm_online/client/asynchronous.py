"""The client for asyncio and trio."""

from __future__ import annotations

import weakref
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack

import httpx
from tenacity import AsyncRetrying

from crm_online.answers.aggregates import Aggregates
from crm_online.answers.changes import Digest, Moves, RuleChanges
from crm_online.answers.customers import (
    Customer,
    CustomerIds,
    Customers,
    ErasureReceipt,
    Explanation,
    Member,
    Members,
    PersonalData,
    Reason,
)
from crm_online.answers.drift import Drifts
from crm_online.answers.predictions import PredictionFigures
from crm_online.answers.rules import Recommendations, RecommendationsBatch, RuleInForce, Rules
from crm_online.answers.segments import Picture, SegmentFlows, SegmentProfile, Segments, SizeHistory
from crm_online.answers.service import Alive, EventReceipt, Ready, Rejects, Session, Status
from crm_online.answers.webhooks import DeadLetters, ResendReceipt, WebhookStatuses
from crm_online.client import calls
from crm_online.client.call import Call
from crm_online.client.feed import AsyncFeed
from crm_online.client.feed_state import FeedState, is_feed, no_feed
from crm_online.client.queries import (
    ChangeQuery,
    MemberQuery,
    MoveQuery,
    RuleChangeQuery,
    RuleQuery,
    SegmentLabelChange,
)
from crm_online.client.transport import PATIENCE, TIMEOUT, URL, ETagCache, http_options, retry_options, unavailable
from crm_online.events.models import Event

T = TypeVar("T")


class AsyncClient:
    """A client of the service for asyncio and trio; parameters, methods and errors are those of `Client`.

    Close it, or use it in ``async with``.
    """

    def __init__(
        self,
        url: str = URL,
        *,
        key: str | None = None,
        timeout: float = TIMEOUT,
        patience: float = PATIENCE,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._http = httpx.AsyncClient(**http_options(url, key), timeout=timeout, transport=transport)
        self._patience = patience
        self._cache = ETagCache()
        self._feeds: weakref.WeakSet[AsyncFeed] = weakref.WeakSet()

    async def __aenter__(self) -> Self:
        """Return itself."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        await self.aclose()

    async def aclose(self) -> None:
        """End its feeds, in whatever task they are read, and let go of its connections."""
        for feed in list(self._feeds):
            await feed.aclose()
        await self._http.aclose()

    async def customer(self, customer_id: str) -> Customer:
        """Return one customer: segment, since when, features, last moves."""
        return await self._request(calls.customer(customer_id))

    async def personal_data(self, customer_id: str) -> PersonalData:
        """Return all that is held of a customer; needs the scope admin.

        Raises
        ------
        NotFound
            If nothing is.
        """
        return await self._request(calls.personal_data(customer_id))

    async def erase(self, *customer_ids: str) -> ErasureReceipt:
        """Have customers erased, at most 5,000; needs the scope admin.

        Where Kafka workers feed the state they are erased soon after: see `erasure`. It is not sent again by itself;
        to ask for it twice does no harm.
        """
        return await self._request(calls.erase(customer_ids))

    async def erasure(self, erasure_id: str) -> ErasureReceipt:
        """Return how far an erasure is; needs the scope admin.

        Raises
        ------
        NotFound
            If there is none of this id, or a hundred came since.
        """
        return await self._request(calls.erasure(erasure_id))

    async def customers(self, customer_ids: Iterable[str]) -> Customers:
        """Return several customers, and the ids of those that are not known; each 500 are one request."""
        return calls.joined([await self._request(call) for call in calls.customers(customer_ids)])

    async def explain(self, customer_id: str) -> Explanation:
        """Return which features and events led a customer to the segment."""
        return await self._request(calls.explain(customer_id))

    async def segments(self) -> Segments:
        """Return the segments, and how they join."""
        return await self._request(calls.SEGMENTS)

    async def segment(self, segment_id: str) -> SegmentProfile:
        """Return one segment."""
        return await self._request(calls.segment(segment_id))

    async def members(self, segment_id: str, *, limit: int | None = None) -> AsyncIterator[Member]:
        """Return the customers of a segment one by one, in no order; pages of ``limit`` are read as they are needed."""
        after: str | None = None
        while True:
            page = await self.members_page(segment_id, after, limit=limit)
            for one in page.customers:
                yield one
            if (after := page.next) is None:
                return

    async def change_segment(self, segment_id: str, **change: Unpack[SegmentLabelChange]) -> SegmentProfile:
        """Give a segment a name, a note or a colour, which stay with its id; None takes it away."""
        return await self._request(calls.change_segment(segment_id, change))

    async def customer_ids(self, prefix: str, *, limit: int | None = None) -> CustomerIds:
        """Return customers whose ids begin with a text, in capitals or not, the shortest first."""
        return await self._request(calls.customer_ids(prefix, limit))

    async def sorted_members(self, segment_id: str, **query: Unpack[MemberQuery]) -> Members:
        """Return the first customers of a segment, by what they have spent if nothing else is said.

        Raises
        ------
        InputError
            If there is no such segment.
        """
        return await self._request(calls.sorted_members(segment_id, query))

    async def members_page(self, segment_id: str, after: str | None = None, *, limit: int | None = None) -> Members:
        """Return a page of these customers: the first, or that which ``next`` names."""
        return await self._request(calls.members(segment_id, after, limit))

    async def predictions(self) -> PredictionFigures:
        """Return how good each model of each target is."""
        return await self._request(calls.PREDICTIONS)

    async def sizes(self) -> SizeHistory:
        """Return how large the segments were since the service began to look."""
        return await self._request(calls.SIZES)

    async def picture(self) -> Picture:
        """Return sampled customers and centroids on the first two principal axes."""
        return await self._request(calls.PICTURE)

    async def rules(self, **query: Unpack[RuleQuery]) -> AsyncIterator[RuleInForce]:
        """Return the rules that hold and match the query, one by one; pages are read as they are needed."""
        after: str | None = None
        while True:
            page = await self.rules_page(after, **query)
            for one in page.rules:
                yield one
            if (after := page.next) is None:
                return

    async def rules_page(self, after: str | None = None, **query: Unpack[RuleQuery]) -> Rules:
        """Return a page of these rules, and how many there are: the first, or that which ``next`` names."""
        return await self._request(calls.rules(query, after))

    async def rule(self, antecedent: Sequence[str], consequent: Sequence[str]) -> RuleInForce:
        """Return one rule that holds now."""
        return await self._request(calls.rule(antecedent, consequent))

    async def members_csv(self, segment_id: str) -> str:
        """Return all customers of a segment as CSV; an id that would be a formula has an apostrophe in front."""
        return await self._request(calls.members_csv(segment_id))

    async def recommend(
        self,
        customer_id: str | None = None,
        *,
        basket: Sequence[str] = (),
        limit: int | None = None,
        exclude: Sequence[str] = (),
        new_only: bool = False,
    ) -> Recommendations:
        """Return what to recommend to a customer, or with a basket, or both, with the rule that is the reason.

        Items in ``exclude`` do not come; with ``new_only`` none that the customer has bought.
        """
        return await self._request(calls.recommend(customer_id, basket, limit, exclude, new_only))

    async def recommend_each(
        self,
        customer_ids: Sequence[str],
        *,
        limit: int | None = None,
        exclude: Sequence[str] = (),
        new_only: bool = False,
    ) -> RecommendationsBatch:
        """Return what to recommend to each of several customers, at most 100, and who is not known."""
        return await self._request(calls.recommend_each(customer_ids, limit, exclude, new_only))

    async def send(self, events: Iterable[Event | Mapping[str, Any]]) -> EventReceipt:
        """Send events, at most 1,000: models of ``crm_online.events.models``, or what these are made from.

        It is not sent again by itself. If it is not known whether they arrived, send the same again: an event with an
        ``event_id`` counts once.

        Raises
        ------
        RequestRejected
            If any is no event, or they are too many; then none counts.
        """
        return await self._request(calls.send(events))

    def changes(self, *, after: str | None = None, **query: Unpack[ChangeQuery]) -> AsyncFeed:
        """Return the feed of the changes that match the query: iterate over it, best in ``async with``."""
        feed = AsyncFeed(self._stream, FeedState(query, after), self._patience)
        self._feeds.add(feed)
        return feed

    async def digest(
        self, since: datetime | None = None, *, until: datetime | None = None, days: float | None = None
    ) -> Digest:
        """Return what changed in a period; of whole days, or up to the latest event where ``since`` is given."""
        return await self._request(calls.digest(since, until, days))

    async def moves(self, **query: Unpack[MoveQuery]) -> Moves:
        """Return who moved in a period, the last first."""
        return await self._request(calls.moves(query))

    async def moves_csv(self, **query: Unpack[MoveQuery]) -> str:
        """Return all who moved in a period as CSV; a text that would be a formula has an apostrophe in front."""
        return await self._request(calls.moves_csv(query))

    async def rule_changes(self, **query: Unpack[RuleChangeQuery]) -> RuleChanges:
        """Return how rules changed in a period, the clearest first."""
        return await self._request(calls.rule_changes(query))

    async def flows(self, since: datetime | None = None, reason: Sequence[Reason] = ()) -> SegmentFlows:
        """Return who moved from where to where, in the changes that are kept."""
        return await self._request(calls.flows(since, reason))

    async def aggregates(self) -> Aggregates:
        """Return segments and rules of which each figure stands on enough customers."""
        return await self._request(calls.AGGREGATES)

    async def webhooks(self) -> WebhookStatuses:
        """Return how far each webhook is."""
        return await self._request(calls.WEBHOOKS)

    async def dead_letters(self, webhook: str, *, limit: int | None = None) -> DeadLetters:
        """Return the changes that a webhook could not deliver, the oldest first.

        Raises
        ------
        NotFound
            If the service has no webhook of this name.
        """
        return await self._request(calls.dead_letters(webhook, limit))

    async def resend_dead_letters(self, webhook: str, change_ids: Sequence[str] = ()) -> ResendReceipt:
        """Ask for dead letters to be sent again, all of a webhook or those of some changes.

        Raises
        ------
        NotFound
            If the service has no webhook of this name.
        RequestRejected
            If one of the changes is no dead letter.
        """
        return await self._request(calls.resend_dead_letters(webhook, change_ids))

    async def drifts(self, *, limit: int | None = None) -> Drifts:
        """Return when the shop changed, the newest first."""
        return await self._request(calls.drifts(limit))

    async def rejects(self, *, limit: int | None = None) -> Rejects:
        """Return the last records that could not be used; the key needs the scope admin."""
        return await self._request(calls.rejects(limit))

    async def status(self) -> Status:
        """Return the status of the state."""
        return await self._request(calls.STATUS)

    async def ready(self) -> Ready:
        """Return whether the service can answer, and if not, why."""
        return await self._request(calls.READY)

    async def alive(self) -> Alive:
        """Return that the process runs."""
        return await self._request(calls.ALIVE)

    async def metrics(self) -> str:
        """Return what the service counted, in the text format of Prometheus."""
        return await self._request(calls.METRICS)

    async def session(self) -> Session:
        """Return whose the key is, and what it may do."""
        return await self._request(calls.SESSION)

    async def begin_session(self) -> Session:
        """Have the key as a cookie, as browsers need it; this client does not."""
        return await self._request(calls.BEGIN_SESSION)

    async def end_session(self) -> None:
        """Have the cookie no more."""
        await self._request(calls.END_SESSION)

    async def _request(self, call: Call[T]) -> T:
        async def once() -> T:
            try:
                response = await self._http.send(self._cache.request(self._http, call))
            except httpx.TransportError as error:
                raise unavailable(call, error) from error
            return self._cache.answer(call, response)

        return await AsyncRetrying(**retry_options(self._patience))(once) if call.again else await once()

    async def _stream(self, state: FeedState) -> httpx.Response:
        """Ask for a feed; the body of the response is still to come."""
        try:
            response = await self._http.send(state.request(self._http), stream=True)
            if not is_feed(response):
                await response.aread()
                raise no_feed(response)
        except httpx.TransportError as error:
            raise unavailable(state.call, error) from error
        return response
