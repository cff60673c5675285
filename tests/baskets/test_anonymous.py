"""Baskets of unknown customers count in a shop that knows none, and beside known ones as far as is usual."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

from crm_online.baskets.anonymous import AnonymousQuota, BasketsByKnown
from crm_online.lookup import Lookup
from crm_online.replay import replay
from crm_online.settings import Settings
from crm_online.store import open_store

RULE = json.dumps([["milk"], ["tea"]])
SETTINGS = Settings.from_keys({"predictions.enabled": False, "itemsets.min_support": 0.05})


def line(number: int, customer: str | None, items: list[str]) -> str:
    event: dict[str, object] = {"type": "purchase", "time": f"2026-01-{1 + number % 20:02}T10:00:00Z"}
    event |= {"items": [{"item": item, "price": 2} for item in items]}
    return json.dumps(event | ({"customer_id": customer} if customer else {})) + "\n"


def rules_after(tmp_path: Path, name: str, lines: list[str], partitions: int = 1) -> set[str]:
    path = tmp_path / f"{name}.jsonl"
    path.write_text("".join(lines))
    settings = SETTINGS.model_copy(update={"replay": SETTINGS.replay.model_copy(update={"partitions": partitions})})
    replay(path, settings=settings, state=str(tmp_path / name))
    with open_store(str(tmp_path / name), create=False) as store:
        lookup = Lookup(store)
        assert lookup.verify()["ok"]
        return {json.dumps([rule["antecedent"], rule["consequent"]]) for rule in lookup.rules()}


def recommended(tmp_path: Path, name: str, lines: list[str], item: str) -> object:
    (tmp_path / f"{name}.jsonl").write_text("".join(lines))
    replay(tmp_path / f"{name}.jsonl", settings=SETTINGS, state=str(tmp_path / name))
    with open_store(str(tmp_path / name), create=False) as store:
        found = Lookup(store).recommend(basket=[item])["items"]
        assert isinstance(found, list)
        return found[0]["item"]


def test_anonymous_baskets_make_no_rule_beside_those_of_known_customers_and_kill_none(tmp_path: Path) -> None:
    random = Random(1)
    known = [line(n, f"c{n % 60}", ["tea", "milk"] if n % 16 == 0 else [random.choice("abcdefgh")]) for n in range(800)]
    forged = [line(n, None, ["gold", "watch"]) for n in range(100)]
    flood = [line(n, None, [random.choice("abcdefgh")]) for n in range(2000)]
    honest = rules_after(tmp_path, "honest", known)
    assert RULE in honest
    assert rules_after(tmp_path, "shilled", known + forged, 2) == honest
    assert rules_after(tmp_path, "flooded", known + flood) == honest


def test_anonymous_baskets_make_no_recommendation_beside_those_of_known_customers(tmp_path: Path) -> None:
    random = Random(1)
    known = [line(n, f"c{n % 60}", ["tea", "milk"] if n % 16 == 0 else [random.choice("abcdefgh")]) for n in range(800)]
    assert recommended(tmp_path, "honest", known, "tea") == "milk"
    forged = [line(n, None, ["tea", "gold"]) for n in range(60)]
    assert recommended(tmp_path, "shilled", known + forged, "tea") == "milk"
    assert recommended(tmp_path, "anonymous", [line(n, None, ["tea", "milk"]) for n in range(40)], "tea") == "milk"


def test_in_a_shop_that_knows_no_customers_all_baskets_count(tmp_path: Path) -> None:
    baskets = [line(n, None, ["tea", "milk"] if n % 4 == 0 else ["bread"]) for n in range(400)]
    assert RULE in rules_after(tmp_path, "shop", baskets)


def test_a_usual_share_of_anonymous_baskets_is_never_left_out_and_a_shop_that_changes_is_followed() -> None:
    random, quota = Random(2), AnonymousQuota(0.1, BasketsByKnown())
    for _ in range(20_000):
        quota.admits(known=random.random() < 0.4)
    assert quota.counts.left_out == 0
    for _ in range(20_000):
        quota.admits(known=False)
    assert 5_000 < quota.counts.left_out < 10_000
    before = quota.counts.left_out
    for _ in range(100_000):
        quota.admits(known=random.random() < 0.25)
    middle = quota.counts.left_out
    for _ in range(50_000):
        quota.admits(known=random.random() < 0.25)
    assert quota.counts.left_out == middle >= before
