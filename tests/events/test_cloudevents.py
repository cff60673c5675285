"""The preset `cloudevents`: CloudEvents 1.0 in structured JSON, whose data are native fields."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from crm_online.events import models
from crm_online.events.presets import Refusal
from crm_online.events.presets.cloudevents import PRESET, event_id
from tests.events.reading import read, refused, taken
from tests.events.writing import jsonl

DATA: dict[str, object] = {"basket_id": "o1", "items": [{"item": "tea", "quantity": 2, "price": 1.5}]}
ORDER: dict[str, object] = {
    "specversion": "1.0",
    "id": "A234",
    "source": "/shop",
    "type": "com.example.shop.purchase",
    "subject": "c7",
    "time": "2018-04-05T17:31:00Z",
    "datacontenttype": "application/json",
    "comexampleextension1": "value",
    "data": DATA,
}
TIME = 1_522_949_460_000


def event(value: dict[str, object]) -> models.Event:
    return taken(value, PRESET)


def refusal(value: dict[str, object]) -> Refusal:
    return refused(value, PRESET)


def packed(data: bytes) -> dict[str, object]:
    return ORDER | {"data": None, "data_base64": base64.b64encode(data).decode()}


def test_an_envelope_and_its_data_are_an_event() -> None:
    found = event(ORDER)
    assert isinstance(found, models.Purchase)
    assert (found.event_id, found.customer_id, found.time, found.basket_id) == ("/shop A234", "c7", TIME, "o1")
    assert found.items == [models.Line(item="tea", quantity=2, price=1.5)]


@pytest.mark.parametrize(
    "name",
    [
        *("purchase", "com.example.shop.purchase", "com.example.purchase.v1", "com.example.Purchase.V2"),
        *("com.example.purchase.v1.2", "com.example.v1.purchase", "purchase.v12"),
    ],
)
def test_the_last_name_of_the_type_that_is_no_version_is_the_native_type(name: str) -> None:
    assert event(ORDER | {"type": name}) == event(ORDER)


def test_the_data_may_name_the_native_type_where_the_envelopes_name_is_another() -> None:
    assert event(ORDER | {"type": "com.example.order.placed", "data": DATA | {"type": "purchase"}}) == event(ORDER)
    assert event(ORDER | {"data": DATA | {"type": "view"}}).type == "purchase"


@pytest.mark.parametrize(
    "name", ["com.example.purchased", "com.example.purchase.2", "v1", "purchase.", "", None, 1, {}]
)
def test_another_type_is_a_reject(name: object) -> None:
    assert refusal(ORDER | {"type": name})[1] == "type"


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("return", DATA),
        ("view", {"item": "tea"}),
        ("feedback", {"score": 0.5}),
        ("contact", {"channel": "mail"}),
        ("profile", {"attributes": {"plan": "premium"}}),
        ("outcome", {"name": "churned", "value": True}),
        ("erase", {}),
        ("erase", None),
    ],
)
def test_every_native_type_can_be_told(name: str, data: dict[str, object] | None) -> None:
    assert event(ORDER | {"type": f"shop.{name}", "data": data}).type == name


def test_the_time_is_the_envelopes_else_the_datas() -> None:
    data = DATA | {"time": "2020-01-01"}
    assert event(ORDER | {"data": data}).time == TIME
    assert event(ORDER | {"data": data, "time": None}).time == 1_577_836_800_000
    assert refusal(ORDER | {"time": None}) == ("time is missing", "time")
    assert refusal(ORDER | {"time": "soon", "data": data})[1] == "time"


def test_the_customer_is_the_datas_else_the_subject_and_data_may_say_that_there_is_none() -> None:
    assert event(ORDER | {"data": DATA | {"customer_id": "c8"}}).customer_id == "c8"
    assert event(ORDER | {"data": DATA | {"customer_id": None}}).customer_id is None
    assert event(ORDER | {"subject": None}).customer_id is None
    assert refusal(ORDER | {"type": "view", "subject": None, "data": {"item": "tea"}}) == (
        "customer_id is missing",
        "customer_id",
    )
    assert refusal(ORDER | {"subject": ""})[1] == "customer_id"


def test_envelope_decides_which_event_it_is_whatever_the_data_say() -> None:
    found = event(ORDER | {"data": DATA | {"type": "view", "event_id": "other", "source": "x"}})
    assert (found.type, found.event_id) == ("purchase", "/shop A234")


def test_data_may_be_json_in_base64() -> None:
    assert event(packed(b'{"basket_id": "o1", "items": [{"item": "tea", "quantity": 2, "price": 1.5}]}')) == event(
        ORDER
    )


@pytest.mark.parametrize(
    "change",
    [
        {"data": "<much wow='xml'/>", "datacontenttype": "application/xml"},
        {"data": '{"items": []}'},
        {"data": [DATA]},
        {"data": 7},
        packed(b"[1]"),
        packed(b"no JSON"),
        packed(b'{"items": NaN}'),
        packed(b"\xff"),
        packed(b"[" * 10_000),
        {"data": None, "data_base64": "no Base64!"},
        {"data": None, "data_base64": "e3!0="},
        {"data": None, "data_base64": "é"},
        {"data": None, "data_base64": 1234},
        {"data_base64": "e30="},
    ],
)
def test_data_that_are_no_json_object_are_a_reject(change: dict[str, object]) -> None:
    reason, field = refusal(ORDER | change)
    assert "data" in reason
    assert field is None


@pytest.mark.parametrize("version", ["0.3", "2.0", 1.0, None, ""])
def test_another_version_is_a_reject(version: object) -> None:
    assert "1.0" in refusal(ORDER | {"specversion": version})[0]


@pytest.mark.parametrize(
    "change", [{"id": None}, {"id": ""}, {"id": 7}, {"source": None}, {"source": ""}, {"source": 7}]
)
def test_without_source_and_id_it_is_a_reject(change: dict[str, object]) -> None:
    assert refusal(ORDER | change)[1] == "event_id"


TEXT = st.text(st.sampled_from("ab /1"), min_size=1, max_size=6) | st.sampled_from(["x" * 255, "x" * 256, "é" * 300])


@given(one=st.tuples(TEXT, TEXT), other=st.tuples(TEXT, TEXT))
@example(one=("a b", "c"), other=("a", "b c"))
def test_ids_are_the_same_only_if_source_and_id_are(one: tuple[str, str], other: tuple[str, str]) -> None:
    assert (event_id(*one) == event_id(*other)) == (one == other)
    assert len(event_id(*one)) <= models.MAX_ID


def test_two_sources_may_have_the_same_id_and_long_ones_are_digests() -> None:
    ids = {event(ORDER | {"source": f"/shop/{n}" + long}).event_id for n in (1, 2) for long in ("", "x" * 300)}
    assert len(ids) == 4
    assert "/shop/1 A234" in ids


def test_unknown_fields_are_those_of_the_data_and_not_of_the_envelope(tmp_path: Path) -> None:
    items = [{"item": "tea", "colour": "green"}]
    found = read(jsonl(tmp_path / "a.jsonl", ORDER | {"data": DATA | {"till": 3, "items": items}}, ORDER))
    assert len(found.events) == 2
    assert found.chunks[0].unknown_fields == {"till": 1, "items.colour": 1}
