"""`crm-online keys`: what a person sees, and what is refused."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from crm_online.api.keys import Keys
from tests.cli.conftest import Crm


@pytest.fixture(autouse=True)
def somewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CRM_ONLINE_SERVE__KEYS_FILE", raising=False)


def test_a_key_is_printed_once_and_listed_without_itself(crm: Crm) -> None:
    made = crm("keys", "new", "till-7", "--scope", "write", "--scope", "read", "--file", "keys.toml")
    key = made.out.strip()
    assert (made.code, made.out) == (0, f"{key}\n")
    assert re.fullmatch(r"crm_[0-9a-f]{8}_[A-Za-z0-9_-]{43}", key)
    assert made.err == (
        "written to keys.toml as a hash; a service with serve.keys_file=keys.toml takes it from now on\n"
    )
    caller = Keys(Path("keys.toml")).caller(key)
    assert caller is not None
    assert (caller.name, sorted(caller.scopes)) == ("till-7", ["read", "write"])
    assert caller.producer == caller.id
    crm("keys", "new", "reader", "--file", "keys.toml", "--producer", caller.id)
    listed = crm("keys", "list", "--file", "keys.toml")
    assert listed.code == 0
    for word in ("till-7", "reader", "read, write"):
        assert word in listed.out
    (first, second) = json.loads(crm("keys", "list", "--file", "keys.toml", "--json").out)
    assert first.keys() == second.keys() == {"name", "id", "scopes", "created", "producer"}
    assert (first["name"], first["scopes"], second["scopes"]) == ("till-7", ["read", "write"], ["read"])
    assert (first["producer"], second["producer"]) == (None, caller.id)
    assert key.split("_", 2)[2] not in listed.out + json.dumps(first)


def test_a_revoked_key_is_out_of_the_file_and_its_name_free(crm: Crm) -> None:
    key = crm("keys", "new", "guest", "--file", "keys.toml").out.strip()
    revoked = crm("keys", "revoke", "guest", "--file", "keys.toml")
    assert (revoked.code, revoked.out, revoked.err) == (0, "", "guest is out of keys.toml\n")
    assert Keys(Path("keys.toml")).caller(key) is None
    assert crm("keys", "list", "--file", "keys.toml", "--json").out == "[]\n"
    assert crm("keys", "new", "guest", "--file", "keys.toml").out.strip() != key


def test_the_file_is_that_of_the_settings_where_none_is_given(crm: Crm) -> None:
    Path("crm-online.toml").write_text('[serve]\nkeys_file = "of-settings.toml"\n')
    assert crm("keys", "new", "a").code == 0
    assert Path("of-settings.toml").exists()
    assert crm("keys", "new", "b", "--set", "serve.keys_file=other.toml").code == 0
    assert [one["name"] for one in json.loads(crm("keys", "list", "--json").out)] == ["a"]


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("new", "a"), "where are the keys? give --file FILE, or set serve.keys_file"),
        (("list",), "where are the keys?"),
        (("revoke", "a"), "where are the keys?"),
        (("new", "a", "--scope", "root", "--file", "k.toml"), "no scope 'root'; there are read, write, admin"),
        (("new", "known", "--file", "keys.toml"), "keys.toml has a key 'known': give another name, or revoke it first"),
        (("new", "", "--file", "k.toml"), "'' cannot be a key's name"),
        (("new", 'a"\nb', "--file", "k.toml"), "cannot be a key's name"),
        (("new", "x" * 65, "--file", "k.toml"), "cannot be a key's name"),
        (("revoke", "nobody", "--file", "keys.toml"), "keys.toml has no key 'nobody'; crm-online keys list shows"),
        (("revoke", "a", "--file", "none.toml"), "cannot read the keys in none.toml: No such file or directory"),
        (("list", "--file", "none.toml"), "cannot read the keys in none.toml"),
        (("list", "--file", "."), "cannot read the keys in .: Is a directory"),
        (("new", "a", "--file", "wrong.toml"), "wrong.toml is not a file of keys"),
        (("list", "--file", "binary"), "binary is not TOML"),
        (("list", "--file", "deep.toml"), "deep.toml is not TOML"),
        (("new", "a", "--file", "keys.toml/x"), "keys.toml/x"),
    ],
)
def test_wrong_use_is_refused_in_a_line_and_changes_nothing(crm: Crm, arguments: tuple[str, ...], why: str) -> None:
    crm("keys", "new", "known", "--file", "keys.toml")
    Path("wrong.toml").write_text('[[keys]]\nname = "a"\nsha256 = "5ecre7"\n')
    Path("binary").write_bytes(b"\xff\xfe")
    Path("deep.toml").write_text(f"keys = {'[' * 5000}{']' * 5000}")
    before = {file: file.read_bytes() for file in Path().iterdir()}
    ended = crm("keys", *arguments)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("crm-online: ")
    assert ended.err.count("\n") == 1
    assert why in ended.err
    assert "5ecre7" not in ended.err
    assert {file: file.read_bytes() for file in Path().iterdir()} == before


def test_without_a_command_it_shows_which_there_are(crm: Crm) -> None:
    shown = crm("keys")
    for command in ("new", "list", "revoke"):
        assert command in shown.out + shown.err
