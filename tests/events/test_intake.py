"""What is kept of persons in events and rejected rows, whichever way they come."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from crm_online.events.building import from_events
from crm_online.events.intake import INTAKE, Intake
from crm_online.events.models import EVENT
from crm_online.events.options import LogOptions
from crm_online.replay import replay
from crm_online.settings import Settings
from crm_online.store import open_store

AT = "2026-01-01T00:00:00Z"
SECRETS = ("Lovelace", "ada@example.org", "0731-555", "never came")
PROFILE = {
    "town": "Ulm",
    "firstName": "Ada Lovelace",
    "Email": "ada@example.org",
    "contact": "ada@example.org",
    "mobile_phone": "0731-555",
}
EVENTS: list[dict[str, object]] = [
    {"type": "profile", "customer_id": "c1", "time": AT, "attributes": PROFILE},
    {"type": "contact", "customer_id": "c1", "time": AT, "channel": "mail", "reason": "Lovelace's parcel never came"},
    {"type": "contact", "customer_id": "c1", "time": AT, "channel": "mail", "reason": "late delivery"},
    {"type": "feedback", "customer_id": "c1", "time": AT, "score": 0.1, "text": "it never came"},
    {"type": "feedback", "customer_id": "c1", "time": AT, "score": 7, "text": "it never came"},
    {"type": "contact", "customer_id": "", "time": AT, "channel": "mail", "reason": "Lovelace's parcel never came"},
    {"type": "profile", "customer_id": "c1", "time": "soon", "attributes": PROFILE},
]


def test_free_text_and_identifying_attributes_are_in_no_key_and_no_file_rejects_too(tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_text(
        "".join(json.dumps(event) + "\n" for event in EVENTS) + '{"text":"it never came'
    )
    state, out = tmp_path / "state", tmp_path / "out"
    done = replay(tmp_path / "log.jsonl", settings=Settings(), state=str(state), out=out)
    assert (done.accepted, done.rejected) == (4, 4)
    with open_store(str(state), create=False) as store:
        said = dict(store.partition(0).hash_all("said"))
        changes = b"".join(entry.value for entry in store.partition(0).changes())
    assert json.loads(said[b"c1"]) == [{"town": "Ulm"}, {"late delivery": 1}, 1, 0.1, 1]
    kept = b"".join(path.read_bytes() for folder in (state, out) for path in folder.rglob("*") if path.is_file())
    for secret in SECRETS:
        assert secret.encode() not in changes + kept
    assert b"left out" in (out / "rejects.jsonl").read_bytes()


@pytest.mark.parametrize("listed", [(), ("firstName",)])
def test_attributes_that_are_not_listed_are_not_kept(listed: tuple[str, ...]) -> None:
    intake = Intake.of(Settings.from_keys({"privacy.attributes": listed}))
    event = EVENT.validate_python(EVENTS[0])
    expected = {name: PROFILE[name] for name in listed}
    assert intake.events(from_events([event], [0], "log")).details[0]["attributes"] == expected
    assert intake.models([event])[0].model_dump()["attributes"] == expected
    assert "Ulm" not in intake.row(json.dumps(EVENTS[6]))


def test_what_is_sent_on_to_kafka_has_no_free_text() -> None:
    events = [EVENT.validate_python({"phone": "0731-555", **event}) for event in EVENTS[:4]]
    kept = [event.model_dump_json() for event in INTAKE.models(events)]
    assert not any(secret in text for text in kept for secret in SECRETS)
    assert "late delivery" in kept[2]


def test_what_is_worth_more_than_max_value_is_a_reject_in_every_kind_of_file(tmp_path: Path) -> None:
    settings = Settings.from_keys({"events.max_value": 1000})
    bought = {"type": "purchase", "customer_id": "c1", "time": AT}
    lines = [bought | {"items": [{"item": "tea", "quantity": n, "price": 100}] * 2} for n in (1, 5, 6, 1e12)]
    (tmp_path / "log.jsonl").write_text("".join(json.dumps(event) + "\n" for event in lines))
    (tmp_path / "log.csv").write_text(
        "order,who,at,what,n,price\n" + "".join(f"{n},c1,{AT},tea,{n},200\n" for n in (1, 5, 6, 1_000_000))
    )
    mapping = {
        "customer_id": "who",
        "basket_id": "order",
        "time": "at",
        "item": "what",
        "quantity": "n",
        "price": "price",
    }
    for name, options in (("log.jsonl", LogOptions()), ("log.csv", LogOptions(mapping=mapping))):
        out = tmp_path / f"out of {name}"
        done = replay(
            tmp_path / name, settings=settings, state=str(tmp_path / f"state of {name}"), out=out, options=options
        )
        assert (done.accepted, done.rejected) == (2, 2)
        rejects = [json.loads(line) for line in (out / "rejects.jsonl").read_text().splitlines()]
        assert {(one["reason"], one["field"]) for one in rejects} == {("worth more than events.max_value", "items")}


def test_numbers_and_lists_that_identify_and_any_e_mail_address_are_left_out() -> None:
    hers = {"phone": 491701234567, "name": ["Ada Lovelace", ["a]b", {"x": "Ada"}]], "email": ["ada@x.de"]}
    other = {"address": {"town": "Ada]} road"}, "list": ["tea", "ada@x.de"], "phoneNumber": -12.5, "qty": 3}
    kept = json.loads(INTAKE.row(json.dumps(hers | other)))
    assert kept == dict.fromkeys((*hers, "address", "phoneNumber"), "[left out]") | {
        "list": ["tea", "[left out]"],
        "qty": 3,
    }
    assert INTAKE.row("17,ada@x.de,4.5") == "17,[left out],4.5"
    assert "Ada" not in INTAKE.row('{"names": ["Bob", "Ada Lovel')
    assert "491" not in INTAKE.row('{"phones": 4917')
    names = (
        "phonenumber",
        "PHONENUMBER",
        "phones",
        "addresses",
        "emailaddress",
        "streetaddress",
        "mobilephone",
        "names",
    )
    assert INTAKE.attributes.kept(dict.fromkeys(names, 1) | {"town": "Ulm"}) == {"town": "Ulm"}


def test_a_row_of_quotes_alone_is_read_in_a_moment() -> None:
    began = time.process_time()
    for raw in (
        '\\"' * 4096,
        '"' * 4096,
        '"a":"' + "\\" * 4096,
        '"a":"' * 800,
        '"name":[' * 500,
        "a@" * 2048,
        "a" * 4096 + "@",
    ):
        INTAKE.row(raw)
    assert time.process_time() - began < 1
