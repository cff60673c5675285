"""The operations of the API as calls, one function for each: what is asked, and as what the answer is read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from crm_online.answers.aggregates import Aggregates
from crm_online.answers.changes import Digest, Moves, RuleChanges
from crm_online.answers.customers import (
    Customer,
    CustomerIds,
    Customers,
    ErasureReceipt,
    Explanation,
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
from crm_online.client.call import Call, json, model, nothing, params, part, text
from crm_online.client.queries import (
    ChangeQuery,
    MemberQuery,
    MoveQuery,
    RuleChangeQuery,
    RuleQuery,
    SegmentLabelChange,
)
from crm_online.events.models import Event
from crm_online.events.times import to_iso

MOST_CUSTOMERS = 500
"""Most customers that can be looked up at once."""

SEGMENTS: Final = Call("get_segments", "GET", "/v1/segments", model(Segments))
SIZES: Final = Call("get_sizes", "GET", "/v1/segment-sizes", model(SizeHistory))
PICTURE: Final = Call("get_picture", "GET", "/v1/picture", model(Picture))
PREDICTIONS: Final = Call("get_predictions", "GET", "/v1/predictions", model(PredictionFigures))
WEBHOOKS: Final = Call("get_webhooks", "GET", "/v1/webhooks", model(WebhookStatuses))
AGGREGATES: Final = Call("get_aggregates", "GET", "/v1/aggregates", model(Aggregates))
STATUS: Final = Call("get_status", "GET", "/v1/status", model(Status))
READY: Final = Call("get_ready", "GET", "/readyz", model(Ready), again=False, answers=frozenset({200, 503}))
ALIVE: Final = Call("get_health", "GET", "/healthz", model(Alive))
METRICS: Final = Call("get_metrics", "GET", "/metrics", text)
SESSION: Final = Call("get_session", "GET", "/v1/session", model(Session))
BEGIN_SESSION: Final = Call("begin_session", "POST", "/v1/session", model(Session), again=False)
END_SESSION: Final = Call("end_session", "DELETE", "/v1/session", nothing, again=False, answers=frozenset({204}))


def customer(customer_id: str) -> Call[Customer]:
    """Return the look-up of one customer."""
    return Call("get_customer", "GET", f"/v1/customers/{part(customer_id)}", model(Customer))


def personal_data(customer_id: str) -> Call[PersonalData]:
    """Return the request of all that is held of one customer."""
    return Call("export_customer", "GET", f"/v1/customers/{part(customer_id)}/export", model(PersonalData))


def erase(customer_ids: Iterable[str]) -> Call[ErasureReceipt]:
    """Return the erasure of customers: of one by its path, of several by a list."""
    asked, answer, done = list(customer_ids), model(ErasureReceipt), frozenset({202})
    if len(asked) == 1:
        return Call("erase_customer", "DELETE", f"/v1/customers/{part(asked[0])}", answer, again=False, answers=done)
    body = json({"customer_ids": asked})
    return Call("erase_customers", "POST", "/v1/erasures", answer, body=body, again=False, answers=done)


def erasure(erasure_id: str) -> Call[ErasureReceipt]:
    """Return the look-up of how far an erasure is."""
    return Call("get_erasure", "GET", f"/v1/erasures/{part(erasure_id)}", model(ErasureReceipt))


def customers(customer_ids: Iterable[str]) -> list[Call[Customers]]:
    """Return the look-ups of several customers, `MOST_CUSTOMERS` each."""
    asked = list(customer_ids)
    parts = [asked[at : at + MOST_CUSTOMERS] for at in range(0, len(asked), MOST_CUSTOMERS)]
    return [
        Call("get_customers", "POST", "/v1/customers:batch", model(Customers), body=json({"customer_ids": some}))
        for some in parts
    ]


def joined(found: Sequence[Customers]) -> Customers:
    """Return the customers of several answers as one."""
    return Customers(
        customers=[one for some in found for one in some.customers],
        missing=[one for some in found for one in some.missing],
    )


def segment(segment_id: str) -> Call[SegmentProfile]:
    """Return the look-up of one segment."""
    return Call("get_segment", "GET", f"/v1/segments/{part(segment_id)}", model(SegmentProfile))


def customer_ids(prefix: str, limit: int | None) -> Call[CustomerIds]:
    """Return the look-up of customers whose ids begin with a text."""
    return Call("find_customers", "GET", "/v1/customers", model(CustomerIds), params(prefix=prefix, limit=limit))


def flows(since: datetime | None, reason: Sequence[Reason]) -> Call[SegmentFlows]:
    """Return the look-up of who moved from where to where."""
    moment = since.isoformat() if since else None
    return Call("get_flows", "GET", "/v1/flows", model(SegmentFlows), params(since=moment, reason=reason or None))


def digest(since: datetime | None, until: datetime | None, days: float | None) -> Call[Digest]:
    """Return the look-up of what changed in a period."""
    return Call(
        "get_digest", "GET", "/v1/digest", model(Digest), params(since=_iso(since), until=_iso(until), days=days)
    )


def moves(query: MoveQuery) -> Call[Moves]:
    """Return the look-up of who moved in a period."""
    return Call("get_moves", "GET", "/v1/moves", model(Moves), params(**_matching(query)))


def moves_csv(query: MoveQuery) -> Call[str]:
    """Return the look-up of all who moved in a period as CSV."""
    return Call("get_moves_csv", "GET", "/v1/moves.csv", text, params(**_matching(query)))


def _matching(query: MoveQuery) -> dict[str, Any]:
    names = {"left": "from", "entered": "to"}
    return {names.get(name, name): _written(value) for name, value in query.items()}


def rule_changes(query: RuleChangeQuery) -> Call[RuleChanges]:
    """Return the look-up of how rules changed in a period."""
    asked = {name: _written(value) for name, value in query.items()}
    return Call("get_rule_changes", "GET", "/v1/rule-changes", model(RuleChanges), params(**asked))


def _written(value: object) -> object:
    """Return a parameter as it is sent."""
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value).lower() if isinstance(value, bool) else value


def _iso(time: datetime | None) -> str | None:
    return time.isoformat() if time else None


def change_segment(segment_id: str, change: SegmentLabelChange) -> Call[SegmentProfile]:
    """Return the request to give a segment a name, a note or a colour."""
    path = f"/v1/segments/{part(segment_id)}"
    return Call("change_segment", "PATCH", path, model(SegmentProfile), body=json(change))


def members(segment_id: str, after: str | None, limit: int | None) -> Call[Members]:
    """Return the look-up of some customers of a segment."""
    path = f"/v1/segments/{part(segment_id)}/customers"
    return Call("get_members", "GET", path, model(Members), params(limit=limit, after=after))


def sorted_members(segment_id: str, query: MemberQuery) -> Call[Members]:
    """Return the look-up of the first customers of a segment by a sort."""
    path = f"/v1/segments/{part(segment_id)}/customers"
    asked = {"sort": "spend"} | {name: _written(value) for name, value in query.items()}
    return Call("get_members", "GET", path, model(Members), params(**asked))


def explain(customer_id: str) -> Call[Explanation]:
    """Return the look-up why a customer is in the segment."""
    return Call("explain", "GET", f"/v1/explain/{part(customer_id)}", model(Explanation))


def rules(query: RuleQuery, after: str | None) -> Call[Rules]:
    """Return the look-up of a page of rules."""
    return Call("get_rules", "GET", "/v1/rules", model(Rules), params(**query, after=after))


def rule(antecedent: Sequence[str], consequent: Sequence[str]) -> Call[RuleInForce]:
    """Return the look-up of one rule."""
    name = json([sorted(antecedent), sorted(consequent)]).decode()
    return Call("get_rule", "GET", f"/v1/rules/{part(name)}", model(RuleInForce))


def members_csv(segment_id: str) -> Call[str]:
    """Return the look-up of all customers of a segment as CSV."""
    return Call("get_members_csv", "GET", f"/v1/segments/{part(segment_id)}/customers.csv", text)


def recommend(
    customer_id: str | None, basket: Sequence[str], limit: int | None, exclude: Sequence[str], new_only: bool
) -> Call[Recommendations]:
    """Return the request of recommendations."""
    asked = {"customer_id": customer_id, "basket": list(basket), "limit": limit}
    body = json(_given(asked | {"exclude": list(exclude) or None, "new_only": new_only or None}))
    return Call("recommend", "POST", "/v1/recommendations", model(Recommendations), body=body)


def recommend_each(
    customer_ids: Sequence[str], limit: int | None, exclude: Sequence[str], new_only: bool
) -> Call[RecommendationsBatch]:
    """Return the request of recommendations for several customers."""
    asked = {"customer_ids": list(customer_ids), "limit": limit}
    body = json(_given(asked | {"exclude": list(exclude) or None, "new_only": new_only or None}))
    return Call("recommend_each", "POST", "/v1/recommendations:batch", model(RecommendationsBatch), body=body)


def _given(asked: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in asked.items() if value is not None}


def send(events: Iterable[Event | Mapping[str, Any]]) -> Call[EventReceipt]:
    """Return the sending of events."""
    body = json([native(event) for event in events])
    return Call(
        "send_events", "POST", "/v1/events", model(EventReceipt), body=body, again=False, answers=frozenset({200, 202})
    )


def native(event: Event | Mapping[str, Any]) -> Mapping[str, Any]:
    """Return an event as it is sent: all fields that were set, even to None, since item None is an unknown item.

    Examples
    --------
    >>> from crm_online.events.models import EVENT
    >>> native(EVENT.validate_python({"type": "view", "customer_id": "C17", "time": "2026-01-31"}))
    {'time': '2026-01-31T00:00:00.000Z', 'customer_id': 'C17', 'type': 'view'}
    """
    if isinstance(event, Mapping):
        return event
    return event.model_dump(exclude_unset=True) | {"time": to_iso(event.time)}


def rejects(limit: int | None) -> Call[Rejects]:
    """Return the look-up of what could not be used."""
    return Call("get_rejects", "GET", "/v1/rejects", model(Rejects), params(limit=limit))


def dead_letters(webhook: str, limit: int | None) -> Call[DeadLetters]:
    """Return the look-up of what a webhook could not deliver."""
    path = f"/v1/webhooks/{part(webhook)}/dead-letters"
    return Call("get_dead_letters", "GET", path, model(DeadLetters), params(limit=limit))


def resend_dead_letters(webhook: str, change_ids: Sequence[str]) -> Call[ResendReceipt]:
    """Return the request to send dead letters again."""
    path, body = f"/v1/webhooks/{part(webhook)}/dead-letters:resend", json({"change_ids": list(change_ids)})
    return Call("resend_dead_letters", "POST", path, model(ResendReceipt), body=body, answers=frozenset({202}))


def drifts(limit: int | None) -> Call[Drifts]:
    """Return the look-up of when the shop changed."""
    return Call("get_drifts", "GET", "/v1/drifts", model(Drifts), params(limit=limit))


def changes(query: ChangeQuery) -> Call[None]:
    """Return the request of a feed of changes."""
    return Call("get_changes", "GET", "/v1/changes", nothing, params(**query))
