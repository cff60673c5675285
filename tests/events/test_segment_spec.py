"""The preset `segment-spec`: which calls of Segment's Spec are events, which are not, and why."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from crm_online.events import models
from crm_online.events.presets import Refusal
from crm_online.events.presets.segment_spec import PRESET
from tests.events.reading import read, refused, taken
from tests.events.writing import jsonl

HEAD: dict[str, object] = {
    "messageId": "022bb90c",
    "userId": "u1",
    "anonymousId": "507f191e",
    "timestamp": "2015-12-10T04:08:31.905Z",
    "context": {"ip": "8.8.8.8", "traits": {"email": "peter@example.com"}},
    "integrations": {"All": True},
    "version": 2,
}
ORDER: dict[str, object] = HEAD | {
    "type": "track",
    "event": "Order Completed",
    "properties": {
        "order_id": "50314b8e",
        "total": 27.5,
        "currency": "USD",
        "products": [
            {
                "product_id": "507f",
                "sku": "45790-32",
                "name": "Monopoly",
                "price": 19,
                "quantity": 1,
                "category": "Games",
            },
            {"product_id": "505b", "sku": "46493-32", "name": "Uno", "price": 3, "quantity": 2},
        ],
    },
}
IDENTIFY = HEAD | {"type": "identify", "traits": {"plan": "premium", "logins": 5}}
TIME = 1_449_720_511_905


def event(value: Mapping[str, object]) -> models.Event:
    return taken(value, PRESET)


def refusal(value: Mapping[str, object]) -> Refusal:
    return refused(value, PRESET)


def order(**properties: object) -> dict[str, object]:
    """Return the order with other properties; those that are None are left out."""
    old = ORDER["properties"]
    assert isinstance(old, dict)
    return ORDER | {"properties": {name: value for name, value in (old | properties).items() if value is not None}}


def items(*products: object) -> list[tuple[str | None, float, float]]:
    found = event(order(products=list(products)))
    assert isinstance(found, models.Purchase)
    return [(line.item, line.quantity, line.price) for line in found.items]


def attributes(traits: object) -> object:
    found = event(HEAD | {"type": "identify", "traits": traits})
    assert isinstance(found, models.Profile)
    return found.attributes


def test_an_order_completed_is_a_purchase() -> None:
    found = event(ORDER)
    assert isinstance(found, models.Purchase)
    assert (found.event_id, found.customer_id, found.basket_id, found.time) == ("022bb90c", "u1", "50314b8e", TIME)
    assert [(line.item, line.quantity, line.price) for line in found.items] == [("507f", 1, 19), ("505b", 2, 3)]


def test_an_order_refunded_is_a_return_of_its_products() -> None:
    found = event(order() | {"event": "Order Refunded"})
    assert isinstance(found, models.Return)
    assert (found.event_id, found.customer_id, found.basket_id, found.time) == ("022bb90c", "u1", "50314b8e", TIME)
    assert [(line.item, line.quantity, line.price) for line in found.items] == [("507f", 1, 19), ("505b", 2, 3)]


@pytest.mark.parametrize("products", [None, []])
def test_a_refund_that_names_no_products_is_a_reject(products: object) -> None:
    found = refusal(order(products=products) | {"event": "Order Refunded"})
    assert found == ("a refund without products: it is not known what came back", "items")


def test_a_product_viewed_is_a_view() -> None:
    found = event(HEAD | {"type": "track", "event": "Product Viewed", "properties": {"sku": "G-32", "price": 18.99}})
    assert found == models.View.model_construct(
        type="view", event_id="022bb90c", customer_id="u1", time=TIME, item="G-32"
    )
    bare = event(HEAD | {"type": "track", "event": "Product Viewed"})
    assert isinstance(bare, models.View)
    assert bare.item is None


@pytest.mark.parametrize("name", ["order completed", "ORDER COMPLETED", " Order Completed "])
@pytest.mark.parametrize("call", ["track", "Track"])
def test_names_of_calls_and_events_compare_in_any_case(name: str, call: str) -> None:
    assert event(ORDER | {"event": name, "type": call}) == event(ORDER)


@pytest.mark.parametrize(
    ("product", "line"),
    [
        ({"product_id": "a", "sku": "b", "name": "c"}, ("a", 1, 0)),
        ({"sku": "b", "name": "c"}, ("b", 1, 0)),
        ({"name": "c"}, ("c", 1, 0)),
        ({"product_id": None, "sku": "", "name": "c"}, ("c", 1, 0)),
        ({"product_id": 7, "quantity": 2, "price": "2.50"}, ("7", 2, 2.5)),
        ({"product_id": "a", "quantity": None, "price": None}, ("a", 1, 0)),
        ({"price": 4}, (None, 1, 4)),  # an unknown product, which counts for spend only
    ],
)
def test_a_product_is_known_by_its_id_else_its_sku_else_its_name(
    product: object, line: tuple[str | None, float, float]
) -> None:
    assert items(product) == [line]


@pytest.mark.parametrize(
    ("product", "field"),
    [
        ({"product_id": "a", "quantity": 0}, "items.1.quantity"),
        ({"product_id": "a", "quantity": "two"}, "items.1.quantity"),
        ({"product_id": "a", "price": -1}, "items.1.price"),
        ({"product_id": ["a"]}, "items.1.item"),
        ({"product_id": "a\x00b"}, "items.1.item"),
        ("a", "items.1"),
        (None, "items.1"),
    ],
)
def test_the_models_say_what_is_wrong_with_a_product(product: object, field: str) -> None:
    assert refusal(order(products=[{"product_id": "good"}, product])).field == field


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"userId": ""}, "customer_id"),
        ({"userId": {"id": 1}}, "customer_id"),
        ({"messageId": "x" * 257}, "event_id"),
        ({"timestamp": "yesterday"}, "time"),
        ({"timestamp": 1_449_720_511}, "time"),
        ({"timestamp": None}, "time"),
        ({"properties": None}, "items"),
        ({"properties": {"products": "[]"}}, "items"),
        ({"properties": {"products": []}}, "items"),
        ({"properties": {"order_id": "", "products": [{"name": "a"}]}}, "basket_id"),
        ({"properties": []}, None),
        ({"properties": "{}"}, None),
    ],
)
def test_an_order_that_is_not_right_is_a_reject_and_names_the_native_field(
    change: dict[str, object], field: str | None
) -> None:
    assert refusal(ORDER | change).field == field


@pytest.mark.parametrize("first", range(4))
def test_the_time_is_the_first_that_is_there(first: int) -> None:
    names = ["timestamp", "originalTimestamp", "sentAt", "receivedAt"]
    times = {name: f"2020-01-0{n + 1}T00:00:00Z" for n, name in enumerate(names)} | dict.fromkeys(names[:first])
    assert event(ORDER | times).time == 1_577_836_800_000 + first * 86_400_000


def test_an_order_without_user_is_a_basket_of_nobody() -> None:
    for value in (ORDER | {"userId": None}, {name: ORDER[name] for name in ORDER if name != "userId"}):
        found = event(value)
        assert found.customer_id is None
        assert isinstance(event(value | {"event": "Order Refunded"}), models.Return)


@pytest.mark.parametrize("value", [ORDER | {"event": "Product Viewed"}, IDENTIFY], ids=["view", "identify"])
def test_an_anonymous_view_or_identify_is_a_reject(value: dict[str, object]) -> None:
    found = refusal(value | {"userId": None})
    assert found.reason.startswith("an anonymous")
    assert found.field == "customer_id"


def test_an_order_without_id_is_a_whole_basket_and_one_without_message_id_is_named_after_its_row(
    tmp_path: Path,
) -> None:
    found = read(jsonl(tmp_path / "a.jsonl", order(order_id=None) | {"messageId": None}), preset="segment-spec")
    assert found.events.basket.tolist() == [-1]
    assert found.events.event_ids == [f"{found.chunks[0].source}-0"]


def test_an_identify_is_a_profile() -> None:
    found = event(IDENTIFY)
    assert isinstance(found, models.Profile)
    assert (found.event_id, found.customer_id, found.time) == ("022bb90c", "u1", TIME)
    assert found.attributes == {"plan": "premium", "logins": 5}


def test_traits_that_tell_who_somebody_is_are_left_out_and_those_that_describe_stay() -> None:
    personal = dict.fromkeys(
        [
            *("email", "phone", "name", "firstName", "lastName", "username", "avatar", "website", "birthday", "id"),
            *("first_name", "last_name", "Email", "description"),
        ],
        "told",
    )
    kept = {"age": 44, "gender": "f", "title": "CEO", "createdAt": "2015-01-01", "company": {"industry": "toys"}}
    assert attributes(personal | kept) == kept


def test_of_an_address_only_town_state_and_country_stay() -> None:
    address = {"street": "6th St", "city": "San Francisco", "state": "CA", "postalCode": "94103", "country": "USA"}
    place = {"city": "San Francisco", "state": "CA", "country": "USA"}
    assert attributes({"address": address}) == place
    for nowhere in ({"street": "6th St"}, "6th St, San Francisco", None, ["6th St"]):
        assert attributes({"address": nowhere, "age": 7}) == {"age": 7}


def test_traits_may_be_missing_but_not_be_anything() -> None:
    assert attributes(None) == attributes({"email": "a@example.com"}) == {}
    assert refusal(IDENTIFY | {"traits": ["plan"]}).field == "attributes"
    assert refusal(IDENTIFY | {"traits": {"score": float("nan")}}).field == "attributes.score"


@pytest.mark.parametrize("call", ["page", "screen", "group", "alias"])
def test_other_calls_are_rejects_that_say_so(call: str) -> None:
    reason, field = refusal(HEAD | {"type": call, "name": "Home"})
    assert reason == f"a {call} call of Segment's Spec: crm-online has no use for it"
    assert field == "type"


@pytest.mark.parametrize("name", ["Cart Viewed", "Order Cancelled", "Order Updated", "", None, 7, ["Order Completed"]])
def test_other_tracks_are_rejects_that_say_so(name: object) -> None:
    assert refusal(ORDER | {"event": name}) == ("a track call of another event: crm-online has no use for it", "type")


def test_a_review_is_a_reject_since_its_rating_has_no_fixed_scale() -> None:
    review = HEAD | {"type": "track", "event": "Product Reviewed", "properties": {"product_id": "a", "rating": "5"}}
    assert "rating" in refusal(review).reason


@pytest.mark.parametrize("call", ["purchase", "", None, 1, {}])
def test_what_is_no_call_is_a_reject(call: object) -> None:
    assert refusal(ORDER | {"type": call}) == ("no call of Segment's Spec: its type is none of theirs", "type")


def test_fields_of_the_envelope_are_not_counted_as_unknown(tmp_path: Path) -> None:
    found = read(jsonl(tmp_path / "a.jsonl", ORDER, IDENTIFY))
    assert len(found.events) == 2
    assert found.chunks[0].unknown_fields == {}


def test_nothing_of_a_person_goes_on_from_the_preset(tmp_path: Path) -> None:
    found = read(jsonl(tmp_path / "a.jsonl", IDENTIFY | {"traits": {"email": "peter@example.com", "plan": "x"}}))
    assert "peter" not in json.dumps(found.events.details)
    assert found.events.details == {0: {"attributes": {"plan": "x"}}}
