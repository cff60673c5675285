"""With a secret, no original id is stored anywhere, and whoever has one looks it up all the same."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from crm_online.commands.erase import erase, object_to_profiling
from crm_online.errors import InputError, SettingsConflict
from crm_online.events.building import from_events
from crm_online.events.intake import Intake
from crm_online.events.models import EVENT
from crm_online.privacy.pseudonyms import Pseudonyms
from crm_online.store import open_store
from tests.api.asking import ask, ready
from tests.command import crm_online, printed
from tests.replay import shop
from tests.servers.embedded import contents
from tests.servers.serving import serving

FIRST, SECOND = f"k1 {'1' * 64}\n", f"k2 {'2' * 64}\n"
SETTINGS = '[privacy]\nsecret_file = "secret"\n[segments]\nmin_customers = 20\n'
WHO = "person-3@shop"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a replayed shop whose ids of customers are in those of baskets, events and rejects too."""
    folder = tmp_path_factory.mktemp("pseudonyms")
    (folder / "secret").write_text(FIRST)
    (folder / "crm-online.toml").write_text(SETTINGS)
    text = "".join(json.dumps(event) + "\n" for event in _renamed(shop.events(40, 60, seed=1)))
    (folder / "shop.jsonl").write_text(text)
    printed(folder, "replay", "shop.jsonl", "--out", "changes")
    return folder


def _renamed(events: list[dict[str, object]]) -> list[dict[str, object]]:
    text = re.sub(r'"c(\d+)', r'"person-\1@shop', json.dumps(events))
    found: list[dict[str, object]] = json.loads(text)
    for event in found:
        if isinstance(event["time"], int):
            event["time"] = shop._iso(event["time"])
    time = found[-1]["time"]
    profile = {"town": "Ulm", "login id": WHO, "of": f"crm:{WHO}"}
    reject = {"type": "feedback", "customer_id": WHO, "time": time, "score": 7}
    return [*found, {"type": "profile", "customer_id": WHO, "time": time, "attributes": profile}, reject]


def _kept(folder: Path) -> dict[str, bytes]:
    """Return all that is kept: files but for the log itself, and every key of Redis."""
    files = [
        path for path in folder.rglob("*") if path.is_file() and ("changes" in str(path) or path.suffix != ".jsonl")
    ]
    kept = {str(path): path.read_bytes() for path in files}
    with open_store(str(folder / ".crm-online"), create=False) as store:
        kept |= {key.decode(): key + content for key, content in contents(store).items()}
    return kept


def test_no_original_id_is_in_a_key_a_file_or_a_log(folder: Path) -> None:
    new = {"type": "view", "customer_id": "person-new@shop", "item": "tea", "time": "2024-02-01T00:00:00Z"}
    with serving(folder) as served:
        ready(served.url)
        assert ask(served.url, "/v1/events", new | {"event_id": "person-new@shop/1"}).status < 300
        assert ask(served.url, "/v1/customers/person-new%40shop").json["events"] == 1
        found = ask(served.url, "/v1/customers:batch", {"customer_ids": ["nobody", WHO]}).json
        assert ([one["customer_id"] for one in found["customers"]], found["missing"]) == ([WHO], ["nobody"])
        assert ask(served.url, "/v1/recommendations", {"customer_id": WHO}).json["customer_id"] == WHO
        explained = ask(served.url, "/v1/explain/person-3%40shop").json
        assert explained["causes"][0]["change_id"]
        held = ask(served.url, "/v1/customers/person-3%40shop/export").json
        assert held["partitions"][0]["sampled"]["attributes"] == {"town": "Ulm"}
        assert ask(served.url, "/v1/customers?prefix=person").problem(422, "input")["detail"].startswith("ids are")
        ask(served.url, "/v1/events", new | {"type": "erase", "customer_id": "person-5@shop"})
        ask(served.url, "/v1/customers/person-5%40shop").problem(404)
    assert json.loads(printed(folder, "customer", WHO, "--json"))["customer_id"] == WHO
    printed(folder, "erase", "person-7@shop", "--yes")
    assert crm_online(folder, "customer", "person-7@shop").returncode == 2
    assert json.loads(printed(folder, "verify", "--json"))["ok"]
    for place, content in _kept(folder).items():
        assert b"person-" not in content, place
    moves = (folder / "changes" / "segment-changes.jsonl").read_text().splitlines()
    [pseudonym] = {json.loads(line)["customer_id"] for line in moves} & {
        json.loads(printed(folder, "customer", WHO, "--all", "--json"))["partitions"][0]["moves"][0]["customer_id"]
    }
    assert pseudonym == Pseudonyms.read(folder / "secret").of(WHO)
    assert json.loads(printed(folder, "customer", pseudonym, "--json"))["customer_id"] == pseudonym


def test_without_the_keys_nothing_is_added_and_a_look_up_says_what_is_missing(folder: Path) -> None:
    plain = ("--set", "privacy.secret_file=none")
    done = crm_online(folder, "replay", "shop.jsonl", *plain)
    assert (done.returncode, "privacy.secret_file" in done.stderr) == (2, True)
    assert "set privacy.secret_file" in crm_online(folder, "customer", WHO, *plain).stderr
    with serving(folder, *plain) as served:
        ready(served.url)
        event = {"type": "view", "customer_id": "a", "time": "2024-02-01T00:00:00Z"}
        ask(served.url, "/v1/events", event).problem(503, "takes-no-events")
    for command in ("objection", "erase"):
        done = crm_online(folder, command, WHO, "--yes", *plain)
        assert (done.returncode, "set privacy.secret_file" in done.stderr) == (2, True)
    with pytest.raises(SettingsConflict):
        object_to_profiling(str(folder / ".crm-online"), WHO)
    printed(folder, "replay", "shop.jsonl", "--state", "plain", *plain)
    assert crm_online(folder, "replay", "shop.jsonl", "--state", "plain").returncode == 2
    for command in ("objection", "erase"):
        assert crm_online(folder, command, WHO, "--yes", "--state", "plain").returncode == 2
    assert json.loads(printed(folder, "customer", WHO, "--state", "plain", "--json", *plain))["events"]
    with pytest.raises(SettingsConflict):
        erase(str(folder / "plain"), WHO, pseudonyms=Pseudonyms.read(folder / "secret"))


def test_after_a_new_key_customers_of_before_are_found_and_erased_by_their_id(folder: Path) -> None:
    who, time = "person-9@shop", "2024-02-02T00:00:00Z"
    before = json.loads(printed(folder, "customer", who, "--json"))["events"]
    (folder / "secret").write_text(SECOND + FIRST)
    assert json.loads(printed(folder, "customer", who, "--json"))["events"] == before > 0
    (folder / "more.jsonl").write_text(json.dumps({"type": "view", "customer_id": who, "time": time}) + "\n")
    printed(folder, "replay", "more.jsonl")
    assert json.loads(printed(folder, "customer", who, "--json"))["events"] == 1
    held = json.loads(printed(folder, "customer", who, "--all", "--json"))
    assert (len(held["partitions"]), [one["events"] for one in held["earlier"]]) == (2, [before])
    (folder / "gone.jsonl").write_text(json.dumps({"type": "erase", "customer_id": who, "time": time}) + "\n")
    printed(folder, "replay", "gone.jsonl")
    assert crm_online(folder, "customer", who).returncode == 2
    assert json.loads(printed(folder, "verify", "--json"))["ok"]


def test_events_sent_on_and_events_read_have_the_same_pseudonyms() -> None:
    intake = Intake(pseudonyms=Pseudonyms((("k2", b"new"), ("k1", b"old"))))
    raw: list[dict[str, object]] = [
        {"type": "view", "event_id": "C1/1", "customer_id": "C1", "time": "2026-01-01"},
        {"type": "return", "basket_id": "B", "customer_id": "C1", "time": "2026-01-01", "items": [{"item": "tea"}]},
        {"type": "purchase", "basket_id": "C1-7", "customer_id": "C1", "time": "2026-01-01", "items": [{"item": "C1"}]},
        {"type": "erase", "event_id": "e", "customer_id": "C1", "time": "2026-01-01"},
    ]
    events = [EVENT.validate_python(one) for one in raw]
    sent = intake.models(events)
    new, old = intake.pseudonyms.every("C1")
    assert [event.customer_id for event in sent] == [new, new, new, new, old]
    read = intake.events(from_events(events, range(4), "log"))
    again = intake.events(from_events(sent, [0, 1, 2, 3, 3], "log"))
    for name in ("customers", "baskets", "items"):
        assert getattr(read, name) == getattr(again, name)
    assert (read.customer.tolist(), read.basket.tolist()) == (again.customer.tolist(), again.basket.tolist())
    assert read.event_ids == [intake.pseudonyms.of("C1/1"), "log-1", "log-2", "e", "e"]
    assert read.baskets == ["B", intake.pseudonyms.of("C1-7")]


@pytest.mark.parametrize("text", ["", "k1", "k1 short", f"K1 {'x' * 40}", FIRST + FIRST, "\xff"])
def test_a_file_of_keys_that_cannot_be_used_is_one_line(text: str, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(text.encode("latin-1"))
    with pytest.raises(InputError):
        Pseudonyms.read(tmp_path / "secret")
    with pytest.raises(InputError):
        Pseudonyms.read(tmp_path / "none")
