"""POST /v1/recommendations: the same content as on the command line, and what is refused."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from types import SimpleNamespace
from typing import Any, Literal

import httpx
import pytest
from fastapi import FastAPI

from crm_online.answers.rules import Recommendations, RecommendationsBatch
from crm_online.api.audit import ServiceAudit
from crm_online.api.keyfile import Caller
from crm_online.api.keys import CALLER
from crm_online.api.problems import handle_errors
from crm_online.api.routes.recommendations import LARGEST, MOST, MOST_CUSTOMERS, router
from crm_online.api.service import service
from crm_online.live.customers.lookups import CustomerLookups
from crm_online.live.feeds.hub import ChangeHub
from crm_online.live.recommender import Recommender, derive
from crm_online.live.snapshots.latest import BEING_READ, Snapshots
from crm_online.privacy.pseudonyms import NO_PSEUDONYMS
from crm_online.settings import ServeSettings
from crm_online.store import Store, open_store
from tests.engine import shop
from tests.engine.pipelines import Shop, settings

PATH = "/v1/recommendations"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with open_store(str(tmp_path_factory.mktemp("redis") / "state")) as store:
        yield store


@pytest.fixture(scope="module")
def shopping(store: Store) -> Shop:
    return Shop(store, settings(min_customers=100)).all(shop.made(120, 100, seed=2))


def asked(
    store: Store, *bodies: Any, scope: Literal["read", "write"] = "read", path: str = PATH
) -> list[httpx.Response]:
    """Ask a service of its own, once its first look at the state is done."""

    async def ask() -> list[httpx.Response]:
        snapshots, customers = Snapshots(store, ServeSettings(), derive), CustomerLookups(store, ChangeHub(store))
        recommender = Recommender(snapshots, customers)
        async with AsyncExitStack() as stack:
            for part in (snapshots, customers, recommender):
                await part.start()
                stack.push_async_callback(part.stop)
            app = FastAPI()
            app.include_router(router)
            app.dependency_overrides[service] = lambda: SimpleNamespace(
                recommender=recommender, audit=ServiceAudit(None, store, NO_PSEUDONYMS)
            )
            handle_errors(app)

            async def called(scope_: Any, receive: Any, send: Any) -> None:
                await app({**scope_, CALLER: Caller("1", "test", frozenset({scope}), "test")}, receive, send)

            while snapshots.trouble() == BEING_READ:
                await asyncio.sleep(0.001)
            async with httpx.AsyncClient(transport=httpx.ASGITransport(called), base_url="http://test") as client:
                return [await client.post(path, json=body) for body in bodies]

    return asyncio.run(ask())


def test_the_answer_is_that_of_the_command_line(shopping: Shop) -> None:
    known = next(name for name in ("customer 000", "customer 004") if shopping.record(name))
    answers = asked(
        shopping.store,
        {"customer_id": known, "basket": ["bread", "no such thing", "bread"], "limit": 4},
        {"customer_id": known},
        {},
    )
    lookup = shopping.lookup
    expected = [
        lookup.recommend(known, ["bread", "no such thing"], 4),
        lookup.recommend(known),
        lookup.recommend(),
    ]

    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert [Recommendations.model_validate(answer.json()) for answer in answers] == [
        Recommendations.model_validate(one) for one in expected
    ]


def test_a_stranger_without_a_basket_is_a_problem_and_with_one_is_not(shopping: Shop) -> None:
    alone, shops = asked(
        shopping.store, {"customer_id": "../<b>*\x00"}, {"customer_id": "../<b>*\x00", "basket": ["bread"]}
    )

    assert (alone.status_code, alone.headers["content-type"]) == (404, "application/problem+json")
    assert alone.json()["type"] == "/problems/unknown-customer"
    assert shops.json()["customer_id"] == "../<b>*\x00"


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({"limit": 0}, "/limit"),
        ({"limit": MOST + 1}, "/limit"),
        ({"limit": "5"}, "/limit"),
        ({"limit": True}, "/limit"),
        ({"limit": 5.5}, "/limit"),
        ({"new_only": 0}, "/new_only"),
        ({"new_only": "no"}, "/new_only"),
        ({"basket": ["x"] * (LARGEST + 1)}, "/basket"),
        ({"basket": [""]}, "/basket/0"),
        ({"basket": ["x" * 1001]}, "/basket/0"),
        ({"basket": "bread"}, "/basket"),
        ({"customer_id": ""}, "/customer_id"),
        ({"customer_id": "x" * 1_000_000}, "/customer_id"),
        ({"customer": "ann"}, "/customer"),
        (["bread"], ""),
    ],
)
def test_what_does_not_fit_is_refused_with_its_location(shopping: Shop, body: Any, where: str) -> None:
    [answer] = asked(shopping.store, body)

    assert answer.status_code == 422
    assert [fault["where"] for fault in answer.json()["errors"]] == [where]
    assert len(answer.content) < 1000


def test_an_integer_may_be_written_with_a_zero_fraction(shopping: Shop) -> None:
    written, plain = asked(shopping.store, {"limit": 1.0}, {"limit": 1})

    assert (written.status_code, written.json()) == (200, plain.json())


def test_the_largest_basket_and_the_longest_list_are_answered(shopping: Shop) -> None:
    [answer] = asked(shopping.store, {"basket": [f"item {number}" for number in range(LARGEST)], "limit": MOST})

    assert answer.status_code == 200
    assert {one["item"] for one in answer.json()["items"]} == {"bread", "butter"}


def test_before_there_is_a_state_the_problem_names_what_to_do(tmp_path_factory: pytest.TempPathFactory) -> None:
    with open_store(str(tmp_path_factory.mktemp("redis") / "state")) as empty:
        [answer] = asked(empty, {})

    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/no-state")
    assert int(answer.headers["retry-after"]) > 0


def test_a_key_that_may_only_write_is_refused(shopping: Shop) -> None:
    [answer] = asked(shopping.store, {}, scope="write")

    assert answer.status_code == 403


def test_several_customers_get_what_each_gets_and_are_bounded(shopping: Shop) -> None:
    known = next(name for name in ("customer 000", "customer 004") if shopping.record(name))
    asked_for = {"customer_ids": [known, "stranger", known], "limit": 2, "exclude": ["bread"], "new_only": False}
    found, many, none = asked(
        shopping.store,
        asked_for,
        {"customer_ids": ["x"] * (MOST_CUSTOMERS + 1)},
        {"customer_ids": []},
        path=f"{PATH}:batch",
    )
    expected: Any = shopping.lookup.recommend_each([known, "stranger"], 2, exclude=["bread"])

    assert RecommendationsBatch.model_validate(found.json()) == RecommendationsBatch.model_validate(expected)
    assert found.json()["missing"] == ["stranger"]
    assert (many.status_code, none.status_code) == (422, 422)
