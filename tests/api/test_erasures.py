"""Customers are erased over HTTP, some at once or one, and the receipt says how many have left the state."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from shutil import copytree

import pytest

from crm_online.commands.erase import erase
from crm_online.lookup.erasures import KEPT, NAME, note_erasure, read_erasure
from crm_online.privacy.pseudonyms import NO_PSEUDONYMS
from crm_online.store import Store, open_store
from tests.api.asking import ask, ready
from tests.command import printed
from tests.servers.serving import Served, serving

LATER = 1_900_000_000_000


@pytest.fixture
def folder(made_shop: Path, tmp_path: Path) -> Path:
    return copytree(made_shop, tmp_path / "shop")


@pytest.fixture
def served(folder: Path) -> Iterator[Served]:
    with serving(folder, "--state", "shop") as it:
        ready(it.url)
        yield it


def test_customers_are_erased_by_a_list_or_one_by_one_and_the_receipt_says_how_many(served: Served) -> None:
    several = ask(served.url, "/v1/erasures", {"customer_ids": ["C17", "C18", "nobody", "C17"]})
    one = ask(served.url, "/v1/customers/C19", method="DELETE")
    for answer, customers in ((several, 3), (one, 1)):
        assert answer.status == 202
        assert {name: answer.json[name] for name in ("customers", "erased", "done")} == {
            "customers": customers,
            "erased": customers,
            "done": True,
        }
        assert {where["where"].split()[0] for where in answer.json["remains"]} == {"event", "topics", "backups"}
        assert answer.headers["location"] == f"/v1/erasures/{answer.json['id']}"
        assert ask(served.url, answer.headers["location"]).json == answer.json
    for name in ("C17", "C18", "C19"):
        ask(served.url, f"/v1/customers/{name}").problem(404)
        assert "suppressed_before" in json.dumps(ask(served.url, f"/v1/customers/{name}/export").json)
    assert ask(served.url, "/v1/customers/C20").status == 200


def test_a_log_of_the_past_does_not_leap_to_now_by_an_erasure(served: Served) -> None:
    before = ask(served.url, "/v1/status").json
    ask(served.url, "/v1/customers/C17", method="DELETE")
    after = ask(served.url, "/v1/status").json
    assert after["watermark"][:19] == before["watermark"][:19]
    assert after["segment_changes"] <= before["segment_changes"] + 1


def test_who_comes_back_can_be_erased_again(served: Served) -> None:
    ask(served.url, "/v1/customers/C17", method="DELETE")
    ask(served.url, "/v1/events", {"type": "view", "customer_id": "C17", "time": "2026-04-09T09:00:00Z"})
    assert ask(served.url, "/v1/customers/C17").json["events"] == 1
    again = ask(served.url, "/v1/customers/C17", method="DELETE")
    assert again.json["done"]
    ask(served.url, "/v1/customers/C17").problem(404)


def test_what_cannot_be_erased_is_refused(served: Served) -> None:
    ask(served.url, "/v1/erasures/0123456789abcdef").problem(404, "unknown-erasure")
    for ids in ([], ["C17"] * 5001, [""], ["C\n17"], [17], "C17", ["x" * 257]):
        ask(served.url, "/v1/erasures", {"customer_ids": ids}).problem(422, "invalid")
    ask(served.url, "/v1/customers/C17/export", method="DELETE").problem(405)
    assert ask(served.url, "/v1/customers/C17").status == 200


def test_until_it_is_done_it_says_so_and_then_nothing_of_whom_is_kept(folder: Path) -> None:
    state = str(folder / "shop")
    erase(state, "C17")
    (folder / "more.jsonl").write_text('{"type":"view","customer_id":"C17","time":"2026-04-03"}\n')
    printed(folder, "replay", "more.jsonl", "--state", "shop")
    # C17 was erased before and is there again: that erasure is not this one.
    assert _asked(state, ["C17", "C18"]) == 0
    erase(state, "C17")
    assert _found(state) == (1, 1)
    erase(state, "C18")
    assert _found(state) == (2, 0)


def test_the_last_hundred_are_kept(folder: Path) -> None:
    with open_store(str(folder / "shop"), create=False, writes=True) as store:
        made = [note_erasure(store, ["C17"], LATER + number, NO_PSEUDONYMS).id for number in range(KEPT + 1)]
        assert read_erasure(store, made[0]) is None
        assert {name.decode() for name, _ in store.partition(0).hash_all(NAME)} == {*made[1:]}


def _asked(state: str, customers: list[str]) -> int:
    with open_store(state, create=False, writes=True) as store:
        return _read(store, note_erasure(store, customers, LATER, NO_PSEUDONYMS).id)[0]


def _found(state: str) -> tuple[int, int]:
    with open_store(state, create=False, writes=True) as store:
        ((name, _),) = store.partition(0).hash_all(NAME)
        return _read(store, name.decode())


def _read(store: Store, name: str) -> tuple[int, int]:
    """Return how many are erased, and of how many hashes are kept."""
    found = read_erasure(store, name)
    assert found is not None
    return found.erased, len(found.waiting)
