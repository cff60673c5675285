"""Changes of erased customers are blank to whoever reads them later."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from shutil import copytree

import pytest

from crm_online.live.feeds.events import ChangeFilter
from crm_online.store import Store
from crm_online.store.entries import is_blank
from tests.api.asking import ask, ready
from tests.command import printed
from tests.engine import pipelines, shop
from tests.live.feeding import PATIENCE, Log, hub, move
from tests.servers.serving import serving


@pytest.mark.parametrize("most_bytes", [64_000_000, 0], ids=["from the ring", "from Redis"])
def test_changes_of_the_erased_are_blank_to_who_reads_late(redis: Store, most_bytes: int) -> None:
    log = Log(redis)

    async def read() -> None:
        async with hub(redis, most_bytes=most_bytes) as changes:
            live = await changes.begun()
            log.commit(move("her"), move("him"), move("her"))
            await live.until(0, (0, 3))
            log.commit(move("her", None, reason="erase"), erased="her")
            last = log.commit(move("her"), move("him"))[-1]
            await live.until(0, last)
            late = changes.reader("0-0-0")
            await late.until(0, last)
            assert live.ids == [f"0-0-{number}" for number in range(1, 7)]
            assert late.ids == [f"0-0-{number}" for number in (2, 4, 5, 6)]
            assert [data["customer_id"] for _, data in late.events] == ["him", "her", "her", "him"]

    asyncio.run(read())


def test_a_real_erasure_is_blank_to_who_reads_late(redis: Store) -> None:
    run = pipelines.Shop(redis, pipelines.settings())
    list(run.run(shop.made(80, 60, seed=4)))
    (part,) = (pipeline.store for pipeline in run.pipelines)
    name_ = next(entry.key for entry in part.changes() if entry.topic == "segment-changes")

    async def read() -> None:
        async with hub(redis) as changes:
            await changes.begun()
            await asyncio.to_thread(run.step, [shop.erase(name_, run.watermark or 0)])
            kept = part.changes()
            assert any(map(is_blank, kept))
            await changes.knows(0, (0, kept[-1].sequence))
            for cursor in ("0-0-0", f"0-0-{kept[0].sequence}"):
                late = changes.reader(cursor, ChangeFilter(ChangeFilter().kinds | {"reject"}))
                await late.until(0, (0, kept[-1].sequence))
                hers = [data for _, data in late.events if data.get("customer_id") == name_]
                assert [data.get("reason") or data["cause"]["type"] for data in hers] in (["erase"], ["erase", "erase"])
                readable = [json.loads(entry.value)["change_id"] for entry in kept if not is_blank(entry)]
                assert late.ids == readable[-len(late.ids) :]

    asyncio.run(read())


def test_a_reject_that_names_the_erased_is_shown_no_more_and_all_others_are(made_shop: Path, tmp_path: Path) -> None:
    folder = copytree(made_shop, tmp_path / "shop")
    rows = [{"type": "complaint", "customer_id": name, "about": f"{name} at home"} for name in ("C17", "C18")]
    event = {"type": "view", "customer_id": "C17", "item": "tea", "time": "2026-04-02T08:00:00Z"}
    (folder / "more.jsonl").write_text("".join(json.dumps(row) + "\n" for row in [*rows, event]))
    printed(folder, "replay", "more.jsonl", "--state", "shop", "--another-log")
    with serving(folder, "--state", "shop") as served:
        ready(served.url)

        def shown() -> list[str]:
            return [one["raw"] for one in ask(served.url, "/v1/rejects").json["rejects"]]

        assert any("C17" in raw for raw in shown())
        assert ask(served.url, "/v1/events", event | {"type": "erase"}).status < 300
        patience = time.monotonic() + PATIENCE
        while any("C17" in raw for raw in shown()):
            assert time.monotonic() < patience
        assert any("C18" in raw for raw in shown())
