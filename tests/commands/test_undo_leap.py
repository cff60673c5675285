"""A log that leapt in time by forged events is read again without them: nothing of the leap is left."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from crm_online.commands.erase import object_to_profiling
from crm_online.commands.undo_leap import undo_leap
from crm_online.errors import InputError, OwnerLost
from crm_online.events.batch import Batch
from crm_online.events.building import from_events
from crm_online.events.models import EVENT
from crm_online.events.times import to_iso
from crm_online.lookup import Lookup
from crm_online.pipeline import PartitionPipeline
from crm_online.replay import replay
from crm_online.settings import Settings
from crm_online.store import Store, open_store
from tests.command import crm_online
from tests.replay import shop
from tests.servers.embedded import contents

CHOSEN = {
    "segments.min_customers": 20,
    "segments.starts": 2,
    "replay.partitions": 2,
    "rules.every": 50,
    "itemsets.min_support": 0.05,
    "privacy.retention": "300d",
}
USUAL = Settings.from_keys(CHOSEN)
BOUNDED = Settings.from_keys({**CHOSEN, "events.latest": "2024-06-01"})
FAR = 4_270_000_000
"""A time in 2105."""
OBJECTS = "c5"
COUNTED = {"watermark", "first_event", "customers", "rejected", "duplicates", "baskets", "withdrawn_baskets"}


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a log at whose end are orders of many who never were, years ahead."""
    forged: list[dict[str, object]] = [
        event | {"customer_id": f"forged {number}", "time": FAR + number}
        for number, event in enumerate(shop.events(1, 60, seed=2)[:60])
    ]
    return shop.write(tmp_path_factory.mktemp("leap") / "shop.jsonl", shop.events(40, 60, seed=1) + forged)


@pytest.fixture
def leapt(log: Path, tmp_path: Path) -> Path:
    """Return a state whose time is that of the forged events."""
    replay(log, settings=USUAL, state=str(tmp_path / "state"), out=tmp_path / "out")
    object_to_profiling(str(tmp_path / "state"), OBJECTS)
    return tmp_path / "state"


def watermarks(store: Store) -> list[int | None]:
    return [state.watermark for state in Lookup(store).states]


def figures(store: Store) -> dict[str, Any]:
    """Return what look-ups tell, but for the numbers of changes."""
    lookup = Lookup(store)
    assert lookup.verify()["ok"]
    return {
        "customers": lookup.customers_frame(),
        "segments": lookup.segments(),
        "rules": [{**rule, "change_id": None} for rule in lookup.rules()],
        "counts": [comparable(state.model_dump()) for state in lookup.states],
    }


def comparable(state: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in state.items() if name in COUNTED}


def last_values(out: Path) -> Iterator[tuple[str, str | None]]:
    """Yield where each customer is by the files, which go on in one numbering."""
    seen: dict[str, tuple[int, int]] = {}
    for line in (out / "segment-changes.jsonl").read_text().splitlines():
        value = json.loads(line)
        partition, epoch, number = value["change_id"].split("-")
        assert (int(epoch), int(number)) > seen.get(partition, (0, 0))
        seen[partition] = int(epoch), int(number)
        yield value["customer_id"], value["to"]


def crash_before_partition_1(patch: pytest.MonkeyPatch) -> None:
    reset = PartitionPipeline.reset

    def crashing(pipeline: PartitionPipeline, step: Any) -> None:
        if pipeline.partition:
            raise KeyboardInterrupt
        reset(pipeline, step)

    patch.setattr(PartitionPipeline, "reset", crashing)


def test_after_an_undone_leap_and_a_crash_in_it_the_log_read_again_is_as_if_it_had_never_leapt(
    log: Path, leapt: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_store(str(leapt), create=False) as store:
        assert all(mark is not None and mark >= FAR * 1000 for mark in watermarks(store))
    with monkeypatch.context() as patch:
        crash_before_partition_1(patch)
        with pytest.raises(KeyboardInterrupt):
            undo_leap(str(leapt), BOUNDED)
    assert undo_leap(str(leapt), BOUNDED) == [1]
    with pytest.raises(InputError):
        undo_leap(str(leapt), BOUNDED)
    with open_store(str(leapt), create=False) as store:
        assert watermarks(store) == [None, None]
        kept = {key.decode().partition("}:")[2] for key in contents(store)}
        assert {name for name in kept if not name.startswith("changes:")} == {"state", "meta", "engine"} | (
            {"suppressed", "outbox"}
        )
    again = replay(log, settings=BOUNDED, state=str(leapt), out=tmp_path / "out")
    assert again.rejects.reasons["time after events.latest"] == log.read_text().count("forged")
    assert dict(last_values(tmp_path / "out")).get("forged 3") is None

    clean = tmp_path / "clean"
    objection: dict[str, object] = {"type": "objection", "customer_id": OBJECTS, "time": shop.START}
    replay(shop.write(tmp_path / "first.jsonl", [objection]), settings=BOUNDED, state=str(clean))
    replay(log, settings=BOUNDED, state=str(clean))
    with open_store(str(leapt), create=False) as store, open_store(str(clean), create=False) as other:
        found, wanted = figures(store), figures(other)
        customers = found.pop("customers")
        pd.testing.assert_frame_equal(customers, wanted.pop("customers"))
        assert found == wanted
        assert OBJECTS not in set(customers["customer_id"])
        segments = dict(zip(customers["customer_id"], customers["segment"], strict=True))
        of_files = {name: to for name, to in last_values(tmp_path / "out") if to is not None and name in segments}
        assert of_files == {name: segment for name, segment in segments.items() if isinstance(segment, str)}


def test_without_a_bound_or_beyond_it_nothing_is_undone(leapt: Path) -> None:
    for settings in (USUAL, Settings.from_keys({**CHOSEN, "events.latest": "2200-01-01"})):
        with pytest.raises(InputError):
            undo_leap(str(leapt), settings)
    told = crm_online(leapt.parent, "undo-leap", "--state", str(leapt))
    assert (told.returncode, "say --yes" in told.stderr) == (2, True)
    with open_store(str(leapt), create=False) as store:
        assert all(mark is not None and mark >= FAR * 1000 for mark in watermarks(store))


def test_where_partition_0_was_taken_over_meanwhile_it_says_so_and_may_be_called_again(
    leapt: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_store(str(leapt), create=False, writes=True) as store:
        reset = PartitionPipeline.reset

        def overtaken(pipeline: PartitionPipeline, step: Any) -> None:
            reset(pipeline, step)
            store.partition(0).claim("a worker")

        assert store.url is not None
        with monkeypatch.context() as patch:
            patch.setattr(PartitionPipeline, "reset", overtaken)
            with pytest.raises(OwnerLost, match="a worker"):
                undo_leap(store.url, BOUNDED)
        assert undo_leap(store.url, BOUNDED) == []
        assert watermarks(store) == [None, None]


def test_of_a_topic_the_partitions_that_did_not_leap_go_back_too_though_a_crash_comes_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic = "events"  # as the source of events over HTTP is called, of which there are none here
    with open_store(str(tmp_path / "state")) as store:
        store.initialise(2, json.dumps(BOUNDED.shaping()), f"kafka:{topic}")
        for number, time in enumerate([FAR, shop.START]):
            event = {"type": "contact", "customer_id": f"c{number}", "time": to_iso(time * 1000), "channel": "mail"}
            events = from_events([EVENT.validate_python(event)], [0], topic)
            batch = Batch(topic, 0, 1, events, watermark=time * 1000)
            PartitionPipeline(store, BOUNDED, number, 2).run_step(batch)
        assert store.url is not None
        with monkeypatch.context() as patch:
            crash_before_partition_1(patch)
            with pytest.raises(KeyboardInterrupt):
                undo_leap(store.url, BOUNDED)
        assert watermarks(store) == [None, shop.START * 1000]
        assert undo_leap(store.url, BOUNDED) == [1]
        assert watermarks(store) == [None, None]
        with pytest.raises(InputError):
            undo_leap(store.url, BOUNDED)
