"""A name given by hand stays with the segment's id."""

from __future__ import annotations

from crm_online.lookup.segment_labels import SegmentLabel, write_label
from crm_online.store import Store
from tests.engine import shop
from tests.engine.pipelines import Shop, settings


def test_a_name_given_by_hand_stays_with_the_id(redis: Store) -> None:
    run, log = Shop(redis, settings()), shop.made(80, 30, seed=6)
    half = len(log) // 2
    for begin in range(0, half, 200):
        run.step(log[begin : begin + 200])
    assert run.lookup.segments()["segments"], "the log was to bring segments by its middle"
    digest = run.verified()["digest"]
    write_label(redis.partition(0), "s2", {"name": "Regulars", "note": "in spring"})
    assert write_label(redis.partition(0), "s2", {"note": None}) == SegmentLabel("Regulars")
    assert run.verified()["digest"] == digest
    run.claim()
    for begin in range(half, len(log), 200):
        run.step(log[begin : begin + 200])
        run.pipelines[0].engine.request_refit()
    run.end()
    assert run.lookup.segment_names()["s2"] == "Regulars"
    assert list(run.lookup.segment_names().values()).count("Regulars") == 1
    names = run.lookup.segments_frame().set_index("id")["name"]
    assert names["s2"] == "Regulars"
