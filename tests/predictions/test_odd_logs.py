"""Logs that no shop is known by: every look-up answers, all of it is JSON, and no chance is surer than can be known."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from crm_online.lookup import open_lookup
from crm_online.lookup.lookup import Lookup
from crm_online.replay import replay
from crm_online.settings import Settings

FIRST = datetime(2025, 1, 1, tzinfo=UTC)
ITEMS = ("tea", "jam", "bread")
SETTINGS = Settings.from_keys({"predictions.horizon": "20d", "segments.min_customers": 20, "segments.k": 2})
Events = Iterator[dict[str, Any]]


def event(kind: str, customer: str | None, day: float, **more: object) -> dict[str, Any]:
    time = (FIRST + timedelta(days=day)).isoformat()
    return {"type": kind, "time": time, **({"customer_id": customer} if customer else {}), **more}


def purchase(customer: str | None, day: float, price: float | None = 2.5, item: str | None = "tea") -> dict[str, Any]:
    line = {"item": item} | ({} if price is None else {"price": price})
    return event("purchase", customer, day, basket_id=f"{customer} {day}", items=[line])


def shop(price: float | None = 2.5, *, items: bool = True, days: int = 80) -> Events:
    draw = random.Random(1)
    for number in range(60):
        day, rate = draw.uniform(0, 20), draw.choice((0.05, 0.2, 0.5))
        while day < days:
            yield purchase(f"c{number}", day, price, draw.choice(ITEMS) if items else None)
            day += draw.expovariate(rate)


def outcomes(value: Callable[[random.Random], object], targets: int = 1) -> Events:
    yield from shop()
    draw = random.Random(2)
    for number in range(300):
        name = f"target {number % targets}"
        yield event("outcome", f"c{draw.randrange(60)}", draw.uniform(25, 80), name=name, value=value(draw))


def burst(days: float) -> Events:
    draw = random.Random(3)
    for number in range(150):
        yield purchase(f"c{number % 60}", draw.uniform(0, days), item=draw.choice(ITEMS))


LOGS: dict[str, Callable[[], Events]] = {
    "one event": lambda: iter([purchase("a", 0)]),
    "one customer": lambda: (purchase("a", day) for day in range(0, 200, 3)),
    "only views": lambda: (event("view", f"c{number % 60}", number / 9, item="tea") for number in range(200)),
    "only outcomes": lambda: (event("outcome", f"c{n % 60}", n / 9, name="yes", value=True) for n in range(200)),
    "nobody known": lambda: (purchase(None, number / 4) for number in range(400)),
    "one moment": lambda: burst(0),
    "neither prices nor items": lambda: shop(None, items=False),
    "all but one stop": lambda: (
        purchase(f"c{number}", day + number / 99)
        for day in range(120)
        for number in range(60)
        if day < 50 or not number
    ),
    "five stars": lambda: outcomes(lambda draw: draw.choice((5, 5, 5, 4, 1))),
    "numbers beyond all": lambda: outcomes(lambda draw: draw.choice((10**400, -(10**400), 1e308, 0, 1e-300))),
    "many targets": lambda: outcomes(lambda draw: draw.random() < 0.3, targets=100),
}


def answers(lookup: Lookup) -> dict[str, Any]:
    """Return what every look-up says, as of the log's end and years later."""
    later = lookup.watermark + 3000 * 86_400_000
    names = lookup.customers_frame()["customer_id"].tolist()[:3]
    return {
        "predictions": lookup.predictions(),
        "segments": lookup.segments(),
        "rules": [lookup.rules(), lookup.rules(sort="rank")],
        "verify": lookup.verify(),
        "drifts": lookup.drifts(10),
        "sizes": lookup.size_history(),
        "customers": [lookup.customer(name, when) for name in names for when in (None, later)],
        "personal": [lookup.personal_data(name) for name in names],
        "recommended": [lookup.recommend(name) for name in (*names, None)],
    }


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize("name", LOGS)
def test_every_answer_about_an_odd_log_is_json_and_no_chance_is_certain(name: str, tmp_path: Path) -> None:
    log, state = tmp_path / "log.jsonl", str(tmp_path / "state")
    events = sorted(LOGS[name](), key=lambda one: str(one["time"]))
    log.write_text("".join(f"{json.dumps(one)}\n" for one in events), encoding="utf-8")
    replay([log], settings=SETTINGS, state=state, out=tmp_path / "out")
    with open_lookup(state) as lookup:
        found = answers(lookup)
        frame = lookup.customers_frame()
    json.dumps(found, allow_nan=False)
    for path in (tmp_path / "out").glob("*.jsonl"):
        for line in path.read_text(encoding="utf-8").splitlines():
            json.loads(line, parse_constant=pytest.fail)
    assert found["verify"]["ok"]
    by_labels = {one["name"] for one in found["predictions"]["models"] if one["target"] == "purchase"} != set()
    if by_labels and any((one["predictions"] or {}).get("model") == "ensemble" for one in found["customers"]):
        chance = frame["p_purchase"].dropna()
        assert chance.between(1e-5, 1 - 1e-5).all(), "a chance is no surer than the examples are many"
