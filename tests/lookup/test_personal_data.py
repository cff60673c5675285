"""Whoever asks what is held of them gets all of it: nothing that names them is in a key that the answer leaves out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from crm_online.answers.customers import PersonalData
from crm_online.cli.tables.customer import held_table
from crm_online.errors import UnknownCustomer
from crm_online.events.models import Event
from crm_online.events.rejects import RejectedRow
from crm_online.store import Store
from tests.command import crm_online, printed
from tests.engine import shop
from tests.engine.pipelines import Shop, settings

NAME = "customer 004"
SHOWN_AS = {
    "customers": "bought",
    "said": "sampled",
    "bought": "sampled",
    "open-baskets": "open_baskets",
    "counted-baskets": "counted_baskets",
    "sampled-orders": "orders",
    "transitions": "transitions",
    "last-orders": "transitions",
    "pending-examples": "examples",
    "labelled-examples": "examples",
    "suppressed": "suppressed_before",
    "segment-changes": "moves",
    "predictions": "prediction_changes",
    "rejects": "rejects",
    "outbox": "moves",
    "roster": "",
    "sample": "",
}
"""By key, the part of the answer that shows what it holds; of some it is the id alone."""


def test_no_key_names_a_customer_whose_part_the_answer_leaves_out(redis: Store) -> None:
    run = Shop(redis, settings()).all(shop.made(80, 100, seed=4))
    last = run.watermark or 0
    said: list[Event] = [shop.profile(NAME, last, town="Ulm"), shop.contact(NAME, last, "late delivery")]
    run.step([*said, shop.order(NAME, last, ("tea", 1, 2.5), basket="now")])
    run.step([], rejects=[RejectedRow("no time", "time", "log:9", json.dumps({"customer_id": NAME}), 9)])
    found = run.lookup.personal_data(NAME)
    answer = PersonalData.model_validate(found)
    [part] = answer.partitions
    for key, content in run.contents().items():
        name = key.decode().rpartition(":")[2] if b"due:" not in key else "roster"
        if NAME.encode() in content:
            shown = SHOWN_AS[name]
            assert not shown or getattr(part, shown), name
    assert answer.customer is not None
    assert answer.customer.segment == run.lookup.customer(NAME)["segment"]
    assert part.sampled is not None
    assert (part.sampled.attributes, part.sampled.reasons) == ({"town": "Ulm"}, {"late delivery": 1})
    assert [(basket.basket_id, basket.items) for basket in part.open_baskets] == [("now", ["tea"])]
    assert (part.moves[-1].customer_id, len(part.rejects)) == (NAME, 1)
    assert part.examples[0].features
    held_table(found)
    other = run.lookup.personal_data("customer 005")
    assert NAME not in json.dumps(other)


def test_of_who_was_erased_it_says_so_and_nothing_else(redis: Store) -> None:
    run = Shop(redis, settings()).all(shop.made(80, 40, seed=4))
    run.step([shop.erase(NAME, run.watermark or 0)])
    found = run.lookup.personal_data(NAME)
    [part] = found["partitions"]
    assert (found["customer"], part.keys()) == (None, {"partition", "suppressed_before", "moves", "prediction_changes"})
    assert {move["reason"] for move in part["moves"]} == {"erase"}
    with pytest.raises(UnknownCustomer):
        run.lookup.personal_data("nobody")


def test_the_command_prints_all(made_shop: Path) -> None:
    found = json.loads(printed(made_shop, "customer", "C17", "--all", "--json", "--state", "shop"))
    assert PersonalData.model_validate(found).customer is not None
    assert "counted baskets" in printed(made_shop, "customer", "C17", "--all", "--state", "shop")
    assert crm_online(made_shop, "customer", "nobody", "--all", "--state", "shop").returncode == 2
