"""A state that was put back in time goes on until what consumers were told last is what it holds."""

from __future__ import annotations

import json

import pytest

from crm_online.engine.divergence import Divergence
from crm_online.engine.owner import SEGMENTS
from crm_online.errors import FenceError
from crm_online.events import models
from crm_online.itemsets import names as item_names
from crm_online.settings import Settings
from crm_online.step import Entry, Topic
from crm_online.store import PartitionStore, Store
from tests.engine import shop
from tests.engine.pipelines import LOG, Shop, settings
from tests.servers.embedded import admin, keys

SIZE = 100
PUBLISHED_BEYOND = frozenset({"s1", "s2", "s3", "s4", "s98"})
"""Segments that were published beyond the state: all that the first model has, and one that it never had."""


@pytest.fixture(scope="module")
def log() -> list[models.Event]:
    """Return a log in which a refit lets some segments die."""
    return shop.made(80, 90, seed=1)


@pytest.fixture(scope="module")
def deaths(redis: Store, log: list[models.Event]) -> list[int]:
    """Return the numbers of the steps in which some segment is told gone."""
    run, told, found = Shop(redis, chosen()), 0, list[int]()
    for number in run.run(log, SIZE):
        before, told = told, sum(entry.topic is Topic.SEGMENTS and entry.tombstone for entry in run.entries)
        if told > before:
            found.append(number)
    assert found, "the log is to have a refit that lets segments die"
    return found


@pytest.mark.parametrize("anew", [False, True], ids=["goes on", "starts again behind the rewind"])
def test_segments_published_before_a_rewind_are_published_again_or_gone_by_whatever_model_comes_next(
    redis: Store, log: list[models.Event], deaths: list[int], anew: bool
) -> None:
    for death in deaths:
        run = Shop(redis, chosen())
        for number in run.run(log, SIZE):
            if number == death - 1:
                run.pipelines[0].republish(LOG, Divergence(0, segments=PUBLISHED_BEYOND))
                if anew:
                    run.claim()
        run.end()
        last = dict.fromkeys(PUBLISHED_BEYOND, b"beyond") | last_told(run.entries)
        told = {key: json.loads(value) for key, value in last.items() if value is not None}
        held = {key.decode(): json.loads(value) for key, value in run.pipelines[0].store.hash_all(SEGMENTS)}
        assert {key: (value["size"], value["model_version"]) for key, value in told.items()} == {
            key: (value["size"], value["version"]) for key, value in held.items()
        }


def chosen() -> Settings:
    return settings(min_customers=30, sample=64)


def last_told(entries: list[Entry]) -> dict[str, bytes | None]:
    return {entry.key: None if entry.tombstone else entry.value for entry in entries if entry.topic is Topic.SEGMENTS}


def test_a_state_that_is_put_back_while_it_is_read_is_a_lost_claim_and_no_bug(
    redis: Store, log: list[models.Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Shop(redis, chosen())
    steps, read = run.run(log, SIZE), PartitionStore.list_range
    with admin(redis) as server:
        next(steps)
        copy = {name: server.dump(name) or b"" for name in keys(server)}
        next(steps)

        def put_back(store: PartitionStore, name: str, first: int, last: int) -> list[bytes]:
            if name == item_names.NAME:  # the baskets that were read already may have items that the copy knows not
                server.flushall()
                for key, held in copy.items():
                    server.restore(key, 0, held)
            return read(store, name, first, last)

        monkeypatch.setattr(PartitionStore, "list_range", put_back)
        with pytest.raises(FenceError):
            run.claim()
