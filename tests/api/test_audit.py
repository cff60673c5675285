"""Who looked whom up, copied or erased is noted, without ids, before it is answered."""

from __future__ import annotations

import json
import resource
import stat
from pathlib import Path
from shutil import copytree

import pytest

from crm_online.api.keyfile import new_key
from crm_online.errors import AuditFailed
from crm_online.privacy.audit import AuditLog
from crm_online.privacy.pseudonyms import Pseudonyms
from tests.api.asking import ask, ready
from tests.command import crm_online, printed
from tests.servers.serving import serving

AT = ("--state", "shop", "--set", "privacy.audit_file=audit.jsonl")


def test_each_look_up_copy_and_erasure_is_a_line_with_who_and_hashes_of_whom(made_shop: Path, tmp_path: Path) -> None:
    folder = copytree(made_shop, tmp_path / "shop")
    keys = {scope: new_key(folder / "keys.toml", f"the {scope} key", [scope]) for scope in ("read", "admin")}
    (folder / "audit.jsonl").write_text('{"action": "before"}\n')
    (folder / "audit.jsonl").chmod(0o600)
    with serving(folder, *AT, "--set", "serve.keys_file=keys.toml") as served:
        ready(served.url)
        read, admin = ({"Authorization": f"Bearer {keys[scope]}"} for scope in ("read", "admin"))
        for path in ("customers/C17", "explain/C17", "customers/nobody-at-all"):
            ask(served.url, f"/v1/{path}", headers=read)
        ask(served.url, "/v1/customers:batch", {"customer_ids": ["C17", "C18"]}, headers=read)
        ask(served.url, "/v1/recommendations", {"customer_id": "C17"}, headers=read)
        ask(served.url, "/v1/recommendations", {"basket": ["bread"]}, headers=read)
        ask(served.url, "/v1/customers/C17/export", headers=read).problem(403)
        ask(served.url, "/v1/customers/C17/export", headers=admin)
        segment = ask(served.url, "/v1/segments", headers=read).json["segments"][0]["id"]
        ask(served.url, f"/v1/segments/{segment}/customers?limit=3", headers=read)
        ask(served.url, "/v1/customers?prefix=c17&limit=1", headers=read)
        ask(served.url, "/v1/moves?days=3650&limit=2", headers=read)
        gone = [{"type": kind, "customer_id": "C19", "time": "2026-04-02"} for kind in ("erase", "objection", "view")]
        ask(served.url, "/v1/events", gone, headers=admin)
    printed(folder, "customer", "C17", *AT)
    printed(folder, "export", "out", *AT)
    printed(folder, "erase", "C20", "--yes", *AT)
    text = (folder / "audit.jsonl").read_text()
    before, *lines = map(json.loads, text.splitlines())
    assert before == {"action": "before"}
    assert [line["action"] for line in lines] == [
        *("look-up", "explain", "look-up", "look-up", "recommend", "copy", "members"),
        *("look-up", "look-up", "erase", "objection"),
        *("look-up", "export", "erase"),
    ]
    assert [line["who"].partition("(")[2].partition(")")[0] for line in lines[:11]] == [
        *["the read key"] * 5,
        "the admin key",
        *["the read key"] * 3,
        *["the admin key"] * 2,
    ]
    assert all(line["who"].startswith("user ") for line in lines[11:])
    whom = lines[0]["customers"]
    assert [line["customers"] for line in (lines[1], lines[4], lines[5], lines[7], lines[11])] == [whom] * 5
    assert lines[8]["count"] == 2
    assert lines[3]["customers"][0] == whom[0] != lines[3]["customers"][1]
    assert lines[6]["count"] == len(lines[6]["customers"]) > 0
    assert not any(name in text for name in ("C17", "C18", "C19", "C20", "nobody", keys["read"].split("_", 2)[2]))
    assert stat.S_IMODE((folder / "audit.jsonl").stat().st_mode) == 0o600


def test_before_and_after_a_new_key_a_customer_has_a_hash_in_common() -> None:
    old, new = Pseudonyms((("k1", b"old"),)), Pseudonyms((("k2", b"new"), ("k1", b"old")))
    before, after = (set(AuditLog(Path("log"), "state", keys).hashes_of("C17")) for keys in (old, new))
    assert before < after
    assert set(AuditLog(Path("log"), "state", new).hashes_of(old.of("C17"))) == before


def test_what_cannot_be_noted_is_not_answered(made_shop: Path, tmp_path: Path) -> None:
    folder = copytree(made_shop, tmp_path / "shop")
    with serving(folder, *AT) as served:
        ready(served.url)
        assert ask(served.url, "/v1/customers/C17").status == 200
        assert stat.S_IMODE((folder / "audit.jsonl").stat().st_mode) == 0o600
        (folder / "audit.jsonl").unlink()
        (folder / "audit.jsonl").mkdir()
        ask(served.url, "/v1/customers/C17").problem(503, "audit")
        segment = ask(served.url, "/v1/segments").json["segments"][0]["id"]
        ask(served.url, f"/v1/segments/{segment}/customers.csv").problem(503, "audit")
    assert crm_online(folder, "customer", "C17", *AT).returncode != 0
    size = (tmp_path / "short").write_bytes(b"a line\n")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 10, limits[1]))
    try:
        (tmp_path / "short").chmod(0o600)
        with pytest.raises(AuditFailed):
            AuditLog(tmp_path / "short", "state").note("user me", "look-up", ["C17"])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert (tmp_path / "short").read_bytes() == b"a line\n"
    (tmp_path / "link").symlink_to(tmp_path / "other")
    with pytest.raises(AuditFailed):
        AuditLog(tmp_path / "link", "state").note("user me", "look-up", ["C17"])
    assert not (tmp_path / "other").exists()
