"""Both clients against a real service: every operation, pages, keys, errors, ids of all sorts, answers kept."""

from __future__ import annotations

import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from crm_online.client import Client
from crm_online.client.calls import native
from crm_online.errors import (
    InputError,
    NotFound,
    RequestRejected,
    ServiceError,
    ServiceRefused,
    ServiceUnavailable,
)
from crm_online.events.models import EVENT
from tests.api.asking import PATIENCE
from tests.client.conftest import Ask
from tests.servers.serving import Served

TIME = "2026-04-02T08:00:00Z"


def test_the_client_asks_for_every_operation_there_is(served: Served, keys: dict[str, str], root: Path) -> None:
    with Client(served.url, key=keys["admin"]) as client:
        client.customer("C17")
        client.personal_data("C17")
        assert client.erasure(client.erase("gone", "gone too").id).done
        assert client.erase("gone").erased == 1
        client.customers(["C17"])
        client.explain("C17")
        segment = client.segments().segments[0].id
        client.segment(segment)
        client.change_segment(segment, name="Regulars")
        client.customer_ids("c1")
        client.members_page(segment)
        client.sorted_members(segment, sort="last_purchase", descending=False)
        client.sizes()
        client.picture()
        client.digest(days=30)
        newcomers = client.moves(since=datetime.fromisoformat("1970-01-01T00:00:00Z"), left="none", latest=False)
        table = client.moves_csv(since=datetime.fromisoformat("1970-01-01T00:00:00Z"), left="none")
        assert table.count("\r\n") == 1 + newcomers.total
        client.rule_changes(days=30, change="entered")
        client.flows(datetime.fromisoformat(TIME), ["event"])
        client.predictions()
        first = client.rules_page().rules[0]
        assert client.rule(first.antecedent, first.consequent) == first
        assert client.members_csv(segment).startswith("customer_id,since,spend,last_purchase\r\n")
        client.recommend(basket=["bread"])
        client.recommend_each(["C17"])
        view = {"type": "view", "customer_id": "C17", "time": TIME}
        client.send([view, EVENT.validate_python(view)])
        with client.changes():
            pass
        client.status()
        client.rejects()
        client.drifts()
        client.webhooks()
        client.aggregates()
        client.dead_letters("crm")
        client.resend_dead_letters("crm")
        client.alive()
        client.ready()
        client.session()
        client.begin_session()
        client.end_session()
        client.metrics()
        counted = client.metrics()
    asked = set()
    for line in re.findall(r"^crm_online_requests_total\{(.*)\}", counted, re.MULTILINE):
        labels = dict(re.findall(r'(\w+)="([^"]*)"', line))
        waited = labels["route"] == "/readyz" and labels["status"] == "503"  # until the state was read
        assert waited or labels["status"] in ("200", "202", "204"), line
        asked.add((labels["route"], labels["method"].lower()))
    document = json.loads((root / "docs" / "openapi.json").read_text(encoding="utf-8"))
    there = {(path, method) for path, methods in document["paths"].items() for method in methods}
    assert asked == there, "a method for it in crm_online/client, and a call of it here"


def test_head_is_answered_where_get_is_with_the_same_headers(served: Served, keys: dict[str, str]) -> None:
    with httpx.Client(
        base_url=served.url, headers={"Authorization": f"Bearer {keys['admin']}"}, timeout=PATIENCE
    ) as client:
        for path in ("/v1/segments", "/v1/customers/C17", "/v1/changes", "/healthz", "/docs", "/openapi.json"):
            head = client.head(path)
            with client.stream("GET", path) as get:
                assert (head.status_code, head.content) == (get.status_code, b"")
                assert head.headers.get("etag") == get.headers.get("etag")
                assert head.headers.get("content-type") == get.headers.get("content-type")


def test_answers_are_typed(ask: Ask) -> None:
    customer, found = ask("customer", "C17"), ask("customers", ["C17", "nobody", "C18"])
    while found.customers[0] != customer:  # a new model may have come between the two
        customer, found = ask("customer", "C17"), ask("customers", ["C17", "nobody", "C18"])
    assert [one.customer_id for one in found.customers] == ["C17", "C18"]
    assert found.missing == ["nobody"]
    segments = ask("segments")
    assert ask("segment", segments.segments[0].id) == segments.segments[0]
    assert customer.segment in [segment.id for segment in segments.segments]
    assert {point.segment for point in ask("picture").customers} <= {segment.id for segment in segments.segments}
    assert ask("alive").alive
    assert ask("ready").ready
    assert ask("session").name == "admin"
    assert "butter" in [one.item for one in ask("recommend", basket=["bread"]).items]
    assert "butter" not in [one.item for one in ask("recommend", basket=["bread"], exclude=["butter"]).items]
    assert ask("recommend_each", ["nobody at all"], new_only=True).missing == ["nobody at all"]


def test_pages_follow_on(ask: Ask) -> None:
    def read() -> tuple[list[str], int]:
        found = ask("segments")
        members = [one.customer_id for segment in found.segments for one in ask("members", segment.id, limit=30)]
        return members, found.customers

    before, now = read(), read()
    while before != now:  # events of the tests before may still let customers lapse from one segment to another
        before, now = now, read()
    members, customers = now
    assert len(members) == len(set(members)) == customers > 30
    rules = ask("rules", sort="lift", limit=7)
    whole = ask("rules_page", sort="lift", limit=1000)
    assert rules == whole.rules
    assert len(rules) == whole.total > 7
    butter = ask("rules", item=["butter", "bread"], min_lift=1.5)
    assert butter
    assert all({"butter", "bread"} <= {*one.antecedent, *one.consequent} for one in butter)


def test_more_than_500_customers_are_several_requests(ask: Ask) -> None:
    ids = [f"C{number}" for number in range(1100)]
    found = ask("customers", ids)
    assert [one.customer_id for one in found.customers] == ids[:400]
    assert found.missing == ids[400:]
    assert ask("customers", []).customers == []


@pytest.mark.parametrize(
    "customer",
    ["a/b", "..", ".", "a%2Fb", "?x=1#y", "né 雪 🙂", "a+b&c", '"<script>', "*[a-z]*", "new", ":batch", "a/export"],
)
def test_a_customer_of_whatever_id_is_found(ask: Ask, customer: str) -> None:
    event = {"type": "view", "customer_id": customer, "time": TIME, "event_id": f"seen {customer}"}
    assert ask("send", [event]).events == 1
    assert ask("customer", customer).customer_id == customer
    assert ask("explain", customer).customer_id == customer
    assert ask("personal_data", customer).customer.customer_id == customer
    assert ask("customer", customer).events == 1, "sent by three clients, but with one id"


def test_events_may_be_models(ask: Ask) -> None:
    item = {"item": "rum", "quantity": 2, "price": 9.5}
    event = {"type": "purchase", "customer_id": "model", "time": TIME, "event_id": "m", "items": [item]}
    assert ask("send", [EVENT.validate_python(event)]).events == 1
    assert ask("customer", "model").last_event.isoformat() == "2026-04-02T08:00:00+00:00"


def test_an_event_of_any_type_is_sent_as_it_is_as_a_dict_or_as_a_model(ask: Ask) -> None:
    head = {"customer_id": "every", "time": TIME}
    lines = [{"item": None, "quantity": 2, "price": 3.5}, {"item": "rum"}]
    sent: list[dict[str, Any]] = [
        {"type": "purchase", **head, "items": lines},
        {"type": "return", **head, "basket_id": None, "items": lines[:1]},
        {"type": "view", **head, "item": None},
        {"type": "feedback", **head, "score": 0, "text": "dull"},
        {"type": "contact", **head, "channel": "phone", "reason": None},
        {"type": "profile", **head, "attributes": {"phone": None, "city": "Ghent"}},
        {"type": "outcome", **head, "name": "churned", "value": False},
        {"type": "catalogue", "time": TIME, "item": "rum", "category": None, "price": 9.5, "available": True},
        {"type": "objection", **head, "customer_id": "somebody", "withdrawn": True},
        {"type": "erase", **head, "customer_id": "somebody else"},
    ]
    assert {event["type"] for event in sent} == EVENT.json_schema()["discriminator"]["mapping"].keys(), "one of each"
    named = [event | {"event_id": f"any {event['type']}"} for event in sent]
    models = [EVENT.validate_python(event) for event in named]
    assert [EVENT.validate_python(native(model)) for model in models] == models
    assert ask("send", named).events == len(sent)
    assert ask("send", models).events == len(sent)
    assert ask("customer", "every").events == len(sent) - 3, "sent twice by three clients, but with one id"


def test_a_problem_of_the_service_is_an_error_of_its_kind(ask: Ask) -> None:
    with pytest.raises(NotFound) as missing:
        ask("customer", "nobody")
    assert (missing.value.status, missing.value.kind) == (404, "/problems/unknown-customer")
    with pytest.raises(NotFound):
        ask("members", "s999")
    with pytest.raises(RequestRejected) as wrong:
        ask("send", [{"type": "view", "customer_id": "C17"}, {"type": "nap"}])
    assert {where for where, _ in wrong.value.faults} == {"/0/time", "/1/type"}
    assert "/0/time: time is missing" in str(wrong.value)


@pytest.mark.parametrize(("scope", "status", "kind"), [("write", 403, "scope"), (None, 401, "key"), ("x", 401, "key")])
def test_without_the_right_key_it_is_refused(
    served: Served, keys: dict[str, str], scope: str | None, status: int, kind: str
) -> None:
    key = keys.get(scope, "crm_wrong") if scope else None
    with Client(served.url, key=key) as client:
        for asked in (client.status, lambda: next(client.changes())):
            with pytest.raises(ServiceRefused) as refused:
                asked()
            assert (refused.value.status, refused.value.kind) == (status, f"/problems/{kind}")


def test_an_answer_is_not_sent_again_while_it_is_the_same(ask: Ask) -> None:
    def again() -> float:
        found = re.findall(r'requests_total\{.*route="/v1/rules",status="304"\} (\S+)', ask("metrics"))
        return float(found[0]) if found else 0.0

    first, before = ask("rules_page", limit=5), again()
    assert ask("rules_page", limit=5) == first
    assert again() == before + 1
    assert ask("rules_page", limit=6) != first


def test_without_an_answer_the_error_names_the_address() -> None:
    with Client("http://127.0.0.1:1", patience=0) as client:
        with pytest.raises(ServiceUnavailable, match=r"http://127\.0\.0\.1:1/ does not answer"):
            client.status()
        with pytest.raises(ServiceUnavailable, match="whether it was done is not known"):
            client.send([])
        with pytest.raises(ServiceUnavailable):
            next(client.changes())


@pytest.mark.parametrize("url", ["", "localhost:8080", "ftp://host", "http://", "http://host:port"])
def test_what_is_no_url_is_refused_at_once(url: str) -> None:
    with pytest.raises(InputError, match="URL"):
        Client(url)


def test_a_key_that_cannot_be_one_is_refused_at_once() -> None:
    for key in ("", "crm_ä", "crm_\r\nHost: x"):
        with pytest.raises(InputError, match="key"):
            Client(key=key)


def test_all_errors_of_the_client_are_of_one_tree() -> None:
    for kind in (NotFound, RequestRejected, ServiceRefused, ServiceUnavailable):
        assert issubclass(kind, ServiceError)
