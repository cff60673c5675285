"""POST /v1/events: all events of a request or none, each fault named with its index, and who may send what."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from jsonschema import Draft202012Validator
from starlette.types import ASGIApp, Receive, Scope, Send

from crm_online.api.audit import ServiceAudit
from crm_online.api.keyfile import Caller
from crm_online.api.keys import CALLER
from crm_online.api.problems import handle_errors
from crm_online.api.quotas import EventQuotas
from crm_online.api.routes import events
from crm_online.api.routes.events import MOST, router
from crm_online.api.service import service
from crm_online.errors import EventsRefused
from crm_online.live.customers.lookups import CustomerLookups
from crm_online.live.feeds.hub import ChangeHub
from crm_online.live.ingestion.sinks import EventSink
from crm_online.live.ingestion.state_sink import StateSink
from crm_online.lookup import Lookup
from crm_online.privacy.pseudonyms import NO_PSEUDONYMS
from crm_online.settings import ServeSettings, Settings
from crm_online.store import Store
from tests.servers.embedded import emptied

VIEW = {"type": "view", "customer_id": "ann", "time": "2024-01-01", "item": "tea"}
BUY = {"type": "purchase", "time": "2024-01-01T10:00:00Z", "items": [{"item": "tea", "quantity": 2, "price": 3}]}
SOME: dict[str, dict[str, Any]] = {
    "purchase": BUY | {"customer_id": "bob", "basket_id": "b1"},
    "return": BUY | {"type": "return", "customer_id": "bob"},
    "view": VIEW,
    "feedback": VIEW | {"type": "feedback", "score": 0.5},
    "contact": VIEW | {"type": "contact", "channel": "phone"},
    "profile": VIEW | {"type": "profile", "attributes": {"colour": "blue"}},
    "outcome": VIEW | {"type": "outcome", "name": "churned", "value": False},
    "erase": {"type": "erase", "customer_id": "zoe", "time": "2024-01-01"},
}


class Shows:
    """Middleware: the caller that the header ``scopes`` names."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            named = dict(scope["headers"]).get(b"scopes", b"admin").decode()
            scope[CALLER] = (
                Caller(
                    dict(scope["headers"]).get(b"key", b"1").decode(),
                    "test",
                    frozenset({named}),
                    dict(scope["headers"]).get(b"producer", b"test").decode(),
                )
                if named in ("read", "write", "admin")
                else None
            )
        await self._app(scope, receive, send)


@pytest.fixture
def store(redis: Store) -> Store:
    return emptied(redis)


def no_kafka(topic: str) -> EventSink:
    raise EventsRefused(f"no client of Kafka for {topic}")


@asynccontextmanager
async def client_of(store: Store, serve: ServeSettings | None = None) -> AsyncIterator[httpx.AsyncClient]:
    sink = StateSink(store, Settings(), no_kafka, begins=True)
    app = FastAPI()
    app.include_router(router)
    quotas = EventQuotas(serve or ServeSettings(), CustomerLookups(store, ChangeHub(store)).known)
    found = SimpleNamespace(
        sink=sink, settings=Settings(), quotas=quotas, audit=ServiceAudit(None, store, NO_PSEUDONYMS)
    )
    app.dependency_overrides[service] = lambda: found
    app.add_middleware(Shows)
    handle_errors(app)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        yield client
    await sink.stop()


def answered(store: Store, ask: Callable[[httpx.AsyncClient], Awaitable[httpx.Response]]) -> httpx.Response:
    async def asked() -> httpx.Response:
        async with client_of(store) as client:
            return await ask(client)

    return asyncio.run(asked())


def posted(store: Store, body: object, **headers: str) -> httpx.Response:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    kept = {"content-type": "application/json"} | headers
    return answered(store, lambda client: client.post("/v1/events", content=raw, headers=kept))


def test_a_key_that_has_sent_too_much_waits_and_others_do_not(store: Store) -> None:
    def views(begin: int, count: int = 100) -> list[dict[str, Any]]:
        return [VIEW | {"customer_id": f"c{number}"} for number in range(begin, begin + count)]

    async def send() -> None:
        async with client_of(store, ServeSettings(event_rate=10.0)) as client:
            answers = [await client.post("/v1/events", json=views(0, 1000)) for _ in range(2)]
            assert [answer.status_code for answer in answers] == [202, 429]
        async with client_of(store, ServeSettings(newcomer_rate=60.0)) as client:
            # Who is known already counts for nothing; a key that has brought a hundred waits a hundred seconds.
            asked = [(views(0), "1"), (views(1000), "1"), (views(2000, 1), "1"), (views(1000), "1"), (views(2000), "2")]
            answers = [await client.post("/v1/events", json=body, headers={"key": key}) for body, key in asked]
            assert [answer.status_code for answer in answers] == [202, 202, 429, 202, 202]
            assert 90 <= int(answers[2].headers["retry-after"]) <= 100
            assert answers[2].json()["detail"] == "too many new customers of this key"

    asyncio.run(send())


def test_one_event_of_each_type_is_accepted(store: Store) -> None:
    for number, event in enumerate(SOME.values(), 1):
        answer = posted(store, event)
        assert (answer.status_code, answer.json()) == (
            202,
            {"events": 1, "accepted": 1, "duplicates": 0, "to": "engine"},
        )
        assert Lookup(store).states[0].accepted == number


def test_totals_are_right_after_mixed_requests_and_events_that_come_twice_count_once(store: Store) -> None:
    orders = [BUY | {"customer_id": f"c{n % 5}", "event_id": f"e{n}", "basket_id": f"b{n}"} for n in range(40)]

    async def send() -> None:
        async with client_of(store) as client:
            sent = [client.post("/v1/events", json=orders[n : n + 4]) for n in range(0, 40, 4)]
            sent += [client.post("/v1/events", json=one) for one in orders[30:]]
            answers = await asyncio.gather(*sent)
            assert {answer.status_code for answer in answers} == {202}
            assert sum(answer.json()["duplicates"] for answer in answers) == 10
            assert sum(answer.json()["accepted"] for answer in answers) == 40

    asyncio.run(send())
    state = Lookup(store).states[0]
    assert (state.accepted, state.duplicates, state.customers) == (40, 10, 5)
    assert Lookup(store).customer("c3")["events"] == 8
    assert Lookup(store).verify()["ok"]


def test_what_is_worth_more_than_max_value_is_refused_with_the_field(store: Store) -> None:
    absurd = BUY | {"customer_id": "bob", "items": [{"item": "tea", "quantity": 1e12, "price": 1e12}]}
    answer = posted(store, [VIEW, absurd])
    assert answer.status_code == 422
    assert answer.json()["errors"] == [{"where": "/1/items", "why": "worth more than events.max_value"}]


def test_ids_that_another_key_guessed_and_sent_first_are_no_duplicates_of_this_keys(store: Store) -> None:
    order = BUY | {"customer_id": "bob", "event_id": "order-17"}
    found = [
        posted(store, event, producer=producer).json()["duplicates"]
        for event, producer in [
            (order, "forger"),
            (VIEW | order | {"type": "view", "item": "x"}, "shop"),
            (order, "shop"),
            (order, "shop"),
        ]
    ]
    assert found == [0, 0, 0, 1]


def test_a_list_with_anything_that_is_no_event_is_refused_whole_and_each_fault_is_named(store: Store) -> None:
    wrong = [
        VIEW,
        BUY | {"time": "yesterday", "items": [{"item": "", "quantity": -1}]},
        [],
        VIEW | {"type": "profile", "attributes": {"a/b~c": "\x00", "n": 1}, "customer_id": ""},
        {"time": "2024-01-01"},
    ]
    answer = posted(store, wrong)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    faults = {(fault["where"], fault["why"]) for fault in answer.json()["errors"]}
    assert faults == {
        ("/1/time", "time is not an ISO 8601 time such as 2017-01-31T12:00:00Z"),
        ("/1/items/0/item", "item is empty"),
        ("/1/items/0/quantity", "quantity is not above 0"),
        ("/2", "not a JSON object"),
        ("/3/customer_id", "customer_id is empty"),
        ("/4/type", "type is missing"),
    }
    assert not store.partition(0).positions()


@pytest.mark.parametrize(
    ("body", "where", "why"),
    [
        (b"", "", "not JSON"),
        (b"{", "", "not JSON"),
        (b'{"type":"view","customer_id":"a","time":"2024-01-01","x":NaN}', "", "not JSON"),
        (b"[" * 100_000, "", "not JSON"),
        (b'"\xff"', "", "not JSON"),
        (b"null", "", "not a JSON object"),
        (b"[]", "", "0 events"),
        (json.dumps([VIEW] * (MOST + 1)).encode(), "", "1,001 events"),
        (json.dumps(VIEW | {"customer_id": "a\nb"}).encode(), "/customer_id", "control characters"),
        (json.dumps(VIEW | {"customer_id": "x" * 300}).encode(), "/customer_id", "more than 256 characters"),
    ],
)
def test_whatever_is_no_event_is_a_fault_and_nothing_is_accepted(
    store: Store, body: bytes, where: str, why: str
) -> None:
    answer = posted(store, body)
    assert answer.status_code == 422
    (fault,) = answer.json()["errors"]
    assert fault["where"] == where
    assert why in fault["why"]
    assert not store.partition(0).positions()


def test_of_many_faults_the_first_are_answered(store: Store) -> None:
    answer = posted(store, [{}] * 500).json()
    assert len(answer["errors"]) == 100
    assert "the first 100 of 500" in answer["detail"]


def test_a_large_body_is_read_off_the_event_loop_and_no_more_faults_are_made_than_answered(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[threading.Thread] = []
    read, made = events._read, events._fault

    def reading(content_type: str, body: bytes) -> Any:
        threads.append(threading.current_thread())
        return read(content_type, body)

    faults: list[object] = []

    def fault(*args: Any) -> Any:
        faults.append(args)
        return made(*args)

    monkeypatch.setattr(events, "_read", reading)
    monkeypatch.setattr(events, "_fault", fault)
    for body in (BUY | {"items": [1] * 300_000}, [BUY | {"items": [1] * 300}] * 1000, [17] * 1000 + [VIEW] * 9000):
        answer = posted(store, body)
        assert answer.status_code == 422
        assert len(answer.json()["errors"]) <= 100
    assert posted(store, [VIEW] * 1000).status_code == 202
    assert posted(store, VIEW).status_code == 202
    assert [one is threading.main_thread() for one in threads] == [False, False, False, False, True]
    assert len(faults) < 250


def test_a_time_too_far_ahead_is_a_fault_at_its_index(store: Store) -> None:
    posted(store, VIEW)
    answer = posted(store, [VIEW, VIEW | {"time": "2031-01-01"}])
    assert answer.json()["errors"] == [{"where": "/1/time", "why": "time too far ahead of the clock"}]
    assert Lookup(store).states[0].accepted == 1


def test_only_json_is_read(store: Store) -> None:
    assert posted(store, VIEW, **{"content-type": "text/plain"}).status_code == 415
    assert posted(store, VIEW, **{"content-type": "application/json; charset=utf-8"}).status_code == 202


def test_sending_needs_write_and_erasing_needs_admin(store: Store) -> None:
    codes = {
        scope: [posted(store, event, scopes=scope).status_code for event in (VIEW, [VIEW, SOME["erase"]])]
        for scope in ("nobody", "read", "write", "admin")
    }
    assert codes == {"nobody": [401, 401], "read": [403, 403], "write": [202, 403], "admin": [202, 202]}


def test_without_the_extra_for_kafka_the_answer_names_it(store: Store) -> None:
    store.initialise(1, json.dumps(Settings().shaping(), sort_keys=True), "kafka:crm.events")
    answer = posted(store, VIEW)
    assert answer.status_code == 503
    assert answer.json()["detail"] == "no client of Kafka for crm.events"
    assert "retry-after" in answer.headers


def test_the_documents_schema_accepts_exactly_what_the_service_accepts() -> None:
    app = FastAPI()
    app.include_router(router)
    operation = app.openapi()["paths"]["/v1/events"]["post"]
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    assert "$ref" not in json.dumps(schema)
    check = Draft202012Validator(schema)
    for event in SOME.values():
        assert check.is_valid(event)
        assert check.is_valid([event])
    assert check.is_valid(operation["requestBody"]["content"]["application/json"]["example"])
    for wrong in ([], {}, [VIEW] * (MOST + 1), VIEW | {"type": "feedback", "score": 2}, VIEW | {"customer_id": ""}):
        assert not check.is_valid(wrong)
