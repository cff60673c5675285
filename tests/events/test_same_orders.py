"""The same orders end in the same customers and counts, in whatever way they are written."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import pytest

from crm_online.events.options import NO_OPTIONS, LogOptions
from crm_online.lookup import open_lookup
from crm_online.replay import replay
from crm_online.settings import load_settings
from tests.events import envelopes
from tests.events.writing import jsonl

SETTINGS = load_settings(
    None,
    [
        *("replay.step=150", "segments.min_customers=20", "segments.k=3", "rules.every=100"),
        *("itemsets.min_support=0.02", "itemsets.epsilon=0", "baskets.open_for=2h"),
    ],
).settings
COLUMNS = ("type", "customer_id", "time", "basket_id", "item", "quantity", "price", "attributes")
MAPPING = {name: f"the {name}" for name in COLUMNS}
SAME = ["customer_id", "first_event", "last_event", "purchases", "spend", "items", "returns"]
EVENTS = envelopes.orders(45, 120, seed=4)


class End(NamedTuple):
    """What is in the state when a log has ended."""

    customers: pd.DataFrame
    itemsets: dict[tuple[str, ...], tuple[float, float]]
    verified: dict[str, Any]
    segments: Any


def end(log: Path, options: LogOptions = NO_OPTIONS) -> End:
    """Replay a log into a state beside it, and look."""
    state = str(log.parent / f"state of {log.name}")
    done = replay([log], settings=SETTINGS, state=state, options=options)
    assert (done.rejected, done.duplicates, done.accepted) == (0, 0, done.events)
    with open_lookup(state) as lookup:
        found = lookup.itemsets()
        bounds = zip(found.sets.count.tolist(), found.sets.error.tolist(), strict=True)
        sets = dict(zip(found.named(), bounds, strict=True))
        return End(lookup.customers_frame(), sets, lookup.verify(), lookup.segments())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("shops")


@pytest.fixture(scope="module")
def native(folder: Path) -> End:
    found = end(jsonl(folder / "native.jsonl", *EVENTS))
    assert found.verified["ok"]
    assert len(found.customers) == 45
    assert found.customers["returns"].sum() > 50
    assert len(found.itemsets) > 20
    assert max(len(name) for name in found.itemsets) == 3
    assert found.segments["model_version"] >= 1
    return found


@pytest.mark.parametrize("preset", ["segment-spec", "cloudevents", "cloudevents packed"])
@pytest.mark.parametrize("said", [True, False], ids=["with --preset", "found out"])
def test_in_other_envelopes_the_whole_state_is_the_same(folder: Path, native: End, preset: str, said: bool) -> None:
    if preset == "segment-spec":
        lines = [envelopes.call(event) for event in EVENTS]
    else:
        lines = [envelopes.cloudevent(event, packed="packed" in preset) for event in EVENTS]
    log = jsonl(folder / f"{preset} {said}.jsonl", *lines)
    found = end(log, LogOptions(preset=preset.split()[0] if said else None))
    pd.testing.assert_frame_equal(found.customers, native.customers, check_exact=True)
    assert found.itemsets == native.itemsets
    assert found.segments == native.segments
    assert found.verified == native.verified  # the digest of everything: records, model, counters, queues


def test_as_a_table_of_order_lines_totals_features_and_counts_are_the_same(folder: Path, native: End) -> None:
    # A row is one line, so an order of three lines is three events, and steps end elsewhere: what depends on
    # either (the number of events, when a customer was scored, the model) is not compared. A row of its own
    # also needs an id of its own: ids of whole orders would make all but the first line duplicates.
    table = pd.DataFrame([row for event in EVENTS for row in envelopes.rows(event)], columns=list(COLUMNS))
    table.rename(columns=MAPPING).to_csv(folder / "lines.csv", index=False)
    found = end(folder / "lines.csv", LogOptions(mapping=MAPPING))
    assert len(table) > len(EVENTS) * 1.5
    assert found.verified["ok"]
    features = [name.removeprefix("vector.") for name in map(str, native.customers) if name.startswith("vector.")]
    assert len(features) > 5
    chosen = [*SAME, *features]
    # Lines of an order are added up one after the other, not at once: that may change the last bit.
    pd.testing.assert_frame_equal(found.customers[chosen], native.customers[chosen], check_exact=False, rtol=1e-9)
    assert found.itemsets == native.itemsets
    assert all(error == 0 for _, error in found.itemsets.values())
