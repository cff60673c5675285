"""Verify finds what was changed behind the engine's back, and its digest sees every byte."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from crm_online.customers.records import Records
from crm_online.engine.peers import PartitionFigures
from crm_online.segments.sums import SegmentSums
from crm_online.store.keys import key
from tests.engine.pipelines import Shop
from tests.servers.embedded import admin, command

NAME = b"customer 004"


@contextmanager
def written(run: Shop, name: str, verb: str, *rest: bytes | int) -> Iterator[dict[str, Any]]:
    """Write into Redis, give what verify says then, and put the key back as it was."""
    with admin(run.store) as client:
        stored = key(0, name).decode()
        raw = client.dump(stored)
        assert isinstance(raw, bytes)
        command(client, verb, stored, *rest)
        try:
            found: dict[str, Any] = run.lookup.verify()
            yield found
        finally:
            client.restore(stored, 0, raw, replace=True)


@contextmanager
def changed(run: Shop, change: Callable[[Records], None]) -> Iterator[dict[str, Any]]:
    """Change one customer's record in Redis."""
    codec = run.views[0].codec
    record = codec.decode([run.record(NAME.decode())])
    change(record)
    with written(run, "customers", "HSET", NAME, codec.encode(record)[0]) as found:
        yield found


def test_a_state_that_nobody_touched_is_well(at_rest: Shop) -> None:
    found = at_rest.verified()
    assert list(found) == ["ok", "customers", "events", "digest", "differences", "gaps"]
    assert (found["ok"], found["differences"], found["customers"]) == (True, [], 120)
    assert found["events"] == at_rest.position
    assert found == at_rest.lookup.verify()


def _label(record: Records) -> None:
    record.nearest[0] = (record.nearest[0] + 1) % 4


def _no_such_label(record: Records) -> None:
    record.reported[0] = 200


def _vector(record: Records) -> None:
    record.vectors[0, 0] += 1


def _sum(record: Records) -> None:
    record.sums[0, 0] *= 1.01


def _time(record: Records) -> None:
    record.last_purchase[0] -= 40 * 86_400_000


def _scored(record: Records) -> None:
    record.scored_at[0] += 10 * 86_400


def _version(record: Records) -> None:
    record.model_version[0] += 1


@pytest.mark.parametrize("change", [_label, _no_such_label, _vector, _sum, _time, _scored, _version])
def test_a_record_that_was_changed_is_found(at_rest: Shop, change: Callable[[Records], None]) -> None:
    whole = at_rest.verified()
    with changed(at_rest, change) as found:
        assert not found["ok"]
        assert found["differences"]
        assert found["digest"] != whole["digest"]
    assert at_rest.verified() == whole


def test_what_no_figure_follows_from_changes_the_digest_all_the_same(at_rest: Shop) -> None:
    def since(record: Records) -> None:
        record.since[0] += 1

    whole, digests = at_rest.verified()["digest"], set()
    with changed(at_rest, since) as found:
        digests.add(found["digest"])
    raw = at_rest.record(NAME.decode())
    assert raw is not None
    recent = range(len(raw) - 30, len(raw) - 20)  # ids of the last events: any bytes are good ones
    for place in recent:
        bent = bytes([*raw[:place], raw[place] ^ 1, *raw[place + 1 :]])
        with written(at_rest, "customers", "HSET", NAME, bent) as found:
            digests.add(found["digest"])
    assert len(digests) == 1 + len(recent)
    assert whole not in digests


def test_a_customer_who_was_deleted_or_made_up_is_found(at_rest: Shop) -> None:
    raw = at_rest.record(NAME.decode())
    assert raw is not None
    with written(at_rest, "customers", "HDEL", NAME) as found:
        assert any("119 customers, stored is 120" in one for one in found["differences"])
        assert any("roster" in one for one in found["differences"])
    with written(at_rest, "customers", "HSET", b"nobody", raw) as found:
        assert any("121 customers, stored is 120" in one for one in found["differences"])


def test_sums_that_are_not_those_of_the_records_are_found(at_rest: Shop) -> None:
    raw = at_rest.pipelines[0].store.value("sums")
    assert raw is not None
    stored = PartitionFigures.decode(raw)
    assert stored.sums is not None
    one, few = np.array([1, 0, 0, 0]), np.zeros_like(stored.sums.S)
    few[2, 3] = 1
    for name, sums in {
        "W": SegmentSums(stored.sums.W + one, stored.sums.S, stored.sums.Q),
        "S": SegmentSums(stored.sums.W, stored.sums.S + few, stored.sums.Q),
        "Q": SegmentSums(stored.sums.W, stored.sums.S, stored.sums.Q + few),
    }.items():
        with written(at_rest, "sums", "SET", replace(stored, sums=sums).encode()) as found:
            (difference,) = found["differences"]
            assert f"{name} differ" in difference
    with written(at_rest, "sums", "SET", replace(stored, sums=None).encode()) as found:
        assert not found["ok"]
    with written(at_rest, "sums", "DEL") as found:
        assert not found["ok"]


def test_a_roster_or_a_sample_that_does_not_list_the_customers_is_found(at_rest: Shop) -> None:
    with written(at_rest, "roster", "LPOP") as found:
        assert any("roster" in one for one in found["differences"])
    with written(at_rest, "roster", "RPUSH", NAME) as found:
        assert any("roster" in one for one in found["differences"])
    with written(at_rest, "sample", "HDEL", NAME) as found:
        assert any("sample" in one for one in found["differences"])
    with written(at_rest, "sample", "HSET", b"nobody", bytes(8)) as found:
        assert any("sample" in one for one in found["differences"])


def test_every_part_of_the_state_is_in_the_digest(at_rest: Shop) -> None:
    whole = at_rest.verified()["digest"]
    store = at_rest.pipelines[0].store
    rule, value = next(store.hash_all("rules"))
    segment, _ = next(store.hash_all("segments"))
    due = f"due:{min(at_rest.pipelines[0].engine.state.due_counts)}"
    writes: list[tuple[str, str, tuple[bytes | int, ...]]] = [
        ("rules", "HDEL", (rule,)),
        ("rules", "HSET", (rule, value + b" ")),
        ("segments", "HSET", (segment, b"{}")),
        ("items", "LSET", (0, b"another name")),
        (due, "RPUSH", (b"nobody",)),
        ("engine", "SET", ((store.value("engine") or b"").replace(b'"duplicates":0', b'"duplicates":1'),)),
    ]
    for name, verb, rest in writes:
        with written(at_rest, name, verb, *rest) as found:
            assert found["digest"] != whole, name
    assert at_rest.verified()["digest"] == whole


def test_more_wrong_customers_than_anybody_reads_are_cut_short(at_rest: Shop) -> None:
    view = at_rest.views[0]
    names, raws, records = next(iter(view.batches()))
    records.vectors[:, 0] += 1
    pairs = [part for name, raw in zip(names, view.codec.encode(records), strict=True) for part in (name.encode(), raw)]
    assert raws
    with written(at_rest, "customers", "HSET", *pairs) as found:
        assert not found["ok"]
        assert len(found["differences"]) == 100
    at_rest.verified()
