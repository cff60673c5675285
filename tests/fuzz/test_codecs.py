"""Whatever bytes Redis gives, a partition is claimed, or it is said in a line that they cannot be read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_online.engine.engine import CUSTOMERS, Engine
from crm_online.engine.loaded import Loaded
from crm_online.errors import StateCorrupt, StateTooNew
from crm_online.pipeline import load
from crm_online.settings import Settings
from crm_online.step import ChangeId
from crm_online.store import open_store
from crm_online.store.entries import decode
from tests.engine import shop
from tests.engine.pipelines import Shop, settings
from tests.fuzz.fuzzing import CORPUS, EDITS, done_or_refused, edited, searching

READABLE = (StateCorrupt, StateTooNew)


@pytest.fixture(scope="module")
def claimed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Loaded, list[bytes], list[bytes], Settings]]:
    """Return what the store holds of a partition, some records of its customers, its changes, and the settings."""
    with open_store(tmp_path_factory.mktemp("redis") / "state") as store:
        run = Shop(store, settings(min_customers=40))
        run.step([shop.profile("customer 004", shop.START), shop.erase("somebody", shop.START)])
        list(run.run(shop.made(48, 60, seed=5)))
        run.step([shop.order("ann", run.watermark or 0, ("tea", 1.0, 2.0), basket="b")])
        loaded = load(store.partition(0))
        records = [raw for _, raw in store.partition(0).hash_all(CUSTOMERS)][:20]
        entries = store.partition(0).list_range("changes:segment-changes", 0, 20)
        yield loaded, records, entries, run.settings


def test_a_partition_of_any_bytes_is_claimed_or_refused_in_a_line(
    claimed: tuple[Loaded, list[bytes], list[bytes], Settings],
) -> None:
    loaded, _, _, using = claimed
    names = [
        one.name for one in fields(loaded) if getattr(loaded, one.name) and one.name not in ("salt", "sampling_key")
    ]

    @given(st.sampled_from(names), st.integers(0, 10**6), st.booleans(), EDITS)
    @searching(30)
    def test(name: str, which: int, of_field: bool, edits: list[tuple[int, int, bytes]]) -> None:
        before: Any = getattr(loaded, name)
        if isinstance(before, bytes):
            after: Any = edited(before, edits)
        else:
            after, at = list(before), which % len(before)
            one = after[at]
            if isinstance(one, bytes):
                after[at] = edited(one, edits)
            else:
                after[at] = (edited(one[0], edits), one[1]) if of_field else (one[0], edited(one[1], edits))
        done_or_refused(lambda: Engine(using, 0, 1, replace(loaded, **{name: after})), READABLE)

    test()


@pytest.mark.parametrize("kept", sorted(path.name for path in (CORPUS / "codecs").iterdir()))
def test_what_once_failed_in_a_partition_does_not(
    claimed: tuple[Loaded, list[bytes], list[bytes], Settings], kept: str
) -> None:
    loaded, _, _, using = claimed
    name, part = kept.split(".")
    pairs: Any = list(getattr(loaded, name))
    damaged = (CORPUS / "codecs" / kept).read_bytes()
    assert pairs
    pairs[0] = (damaged, pairs[0][1]) if part == "field" else (pairs[0][0], damaged)
    with pytest.raises(READABLE):
        Engine(using, 0, 1, replace(loaded, **{name: pairs}))


def test_records_and_changes_of_any_bytes_are_read_or_refused(
    claimed: tuple[Loaded, list[bytes], list[bytes], Settings],
) -> None:
    loaded, records, entries, using = claimed
    codec = Engine(using, 0, 1, loaded)._codec

    @given(st.sampled_from(records), st.sampled_from(entries), EDITS)
    @searching(100)
    def test(record: bytes, entry: bytes, edits: list[tuple[int, int, bytes]]) -> None:
        done_or_refused(lambda: codec.decode([edited(record, edits)]), READABLE)
        done_or_refused(lambda: decode(edited(entry, edits), 0), READABLE)

    test()
    assert decode(entries[0], 0).id > ChangeId(0, 0, 0)
