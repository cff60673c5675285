"""Who may ask: without keys this machine only, with keys whoever shows one that is in force."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from contextlib import ExitStack
from http.cookies import Morsel, SimpleCookie
from pathlib import Path
from shutil import copytree
from urllib.parse import urlsplit

import pytest

from crm_online.api.gate import COOKIE, TLS_COOKIE
from crm_online.api.keyfile import SCOPES, new_key, revoke_key
from crm_online.api.sessions import Sessions
from tests.api.asking import Answer, ask, feed, printed_well, ready, until
from tests.command import crm_online
from tests.servers.serving import Served, serving

OPEN = {"/healthz", "/readyz"}
GUARDED = "/v1/status"
FEEDS_PER_KEY = 3
EVENT = {"type": "view", "customer_id": "C17", "time": "2026-03-01T08:00:00Z", "event_id": "k"}


@pytest.fixture(scope="module")
def folder(made_shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a state and of its keys."""
    return copytree(made_shop, tmp_path_factory.mktemp("keys") / "shop")


@pytest.fixture(scope="module")
def file(folder: Path) -> Path:
    """Return where the keys are."""
    return folder / "keys.toml"


@pytest.fixture(scope="module")
def keys(file: Path) -> dict[str, str]:
    """Return a key of each scope."""
    return {scope: new_key(file, scope, [scope]) for scope in SCOPES}


@pytest.fixture(scope="module")
def served(folder: Path, file: Path, keys: dict[str, str]) -> Iterator[Served]:
    """Return a service with keys, which logs all that it can, behind a proxy; no key is in its log in the end."""
    settings = (
        *(f"serve.keys_file={file}", f"serve.feeds_per_key={FEEDS_PER_KEY}"),
        *("serve.log_level=debug", "serve.proxies=127.0.0.1"),
    )
    with serving(folder, "--state", "shop", *(part for one in settings for part in ("--set", one))) as it:
        ready(it.url)
        yield it
    printed_well(it)
    output = "".join(it.output)
    assert len(it.output) > 1
    for secret in (key.split("_", 2)[2] for key in keys.values()):
        assert secret not in output
        assert secret[:20] not in output


def showing(key: str) -> dict[str, str]:
    """Return the header that shows a key."""
    return {"Authorization": f"Bearer {key}"}


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_without_keys_it_does_not_listen_to_others_and_the_error_names_what_to_do(host: str, tmp_path: Path) -> None:
    done = crm_online(tmp_path, "serve", "--host", host, "--port", "0")
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "crm-online: serve.listen: without keys only this machine may ask: listen on 127.0.0.1, "
        f"not on {host}, or make keys (crm-online keys new) and set serve.keys_file"
    ]


def test_with_keys_it_listens_to_others(folder: Path, file: Path, keys: dict[str, str]) -> None:
    with serving(folder, "--state", "elsewhere", "--host", "0.0.0.0", "--set", f"serve.keys_file={file}") as served:
        port = urlsplit(served.url).port
        ask(f"http://127.0.0.1:{port}", GUARDED, headers={"Host": "shop.example"}).problem(401, "key")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:8080", "LOCALHOST", "localhost.", "[::1]:8080", "127.8.9.1"])
def test_without_keys_it_answers_to_its_own_names(local: Served, host: str) -> None:
    assert ask(local.url, GUARDED, headers={"Host": host}).status == 200


@pytest.mark.parametrize(
    "host", ["shop.example", "127.0.0.1.shop.example", "localhost.shop.example", "10.0.0.1", "[::2]", "", "localhost@x"]
)
def test_without_keys_it_does_not_answer_to_names_of_others(local: Served, host: str) -> None:
    # Such a name may lead here: DNS rebinding.
    for path in (GUARDED, "/", "/metrics", "/openapi.json", "/v1/changes"):
        ask(local.url, path, headers={"Host": host}).problem(403, "host")
    ask(local.url, "/v1/events", EVENT, headers={"Host": host}).problem(403, "host")
    for path in OPEN:
        assert ask(local.url, path, headers={"Host": host}).status == 200


def test_without_keys_pages_of_others_may_not_ask(local: Served) -> None:
    own = urlsplit(local.url).netloc
    for sent in (
        {"Origin": "https://shop.example"},
        {"Origin": "null"},
        {"Origin": f"http://{own}0"},
        {"Origin": "http://localhost"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site", "Origin": f"http://{own}"},
    ):
        ask(local.url, GUARDED, headers=sent).problem(403, "origin")
        ask(local.url, "/v1/events", EVENT, headers=sent).problem(403, "origin")
        # What a form of another page can send without being asked.
        ask(local.url, "/v1/events", "x=1", headers=sent | {"Content-Type": "text/plain"}).problem(403, "origin")
    for sent in ({"Origin": f"http://{own}"}, {"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}):
        assert ask(local.url, GUARDED, headers=sent).status == 200


def test_every_operation_needs_a_key_but_for_health_and_readiness(served: Served, root: Path) -> None:
    document = json.loads((root / "docs" / "openapi.json").read_text(encoding="utf-8"))
    for path, methods in document["paths"].items():
        for method in methods:
            answer = ask(served.url, path.replace("{", "").replace("}", ""), method=method.upper())
            if path in OPEN:
                assert answer.status == 200
            else:
                answer.problem(401, "key")
                assert answer.headers["www-authenticate"] == 'Bearer realm="crm-online"'
    ask(served.url, "/v1/nothing").problem(401, "key")


def test_a_key_that_is_not_right_is_refused(served: Served, keys: dict[str, str]) -> None:
    key = keys["admin"]
    name, secret = key[:13], key[13:]
    wrong = (
        *("", "x", "crm_", name, name[:-1], key[: len(key) // 2], key[:-1], key + "x", key + key, "x" * 10_000),
        *(key.upper(), key.replace("crm_", "xyz_"), secret, f"{name}{keys['read'][13:]}", f"{name}\xff{secret}"),
        *(f"crm_00000000_{secret}", f"{key},{key}", f'"{key}"', "crm_*", f"crm_{'?' * 8}_{secret}"),
    )
    for one in wrong:
        answer = ask(served.url, GUARDED, headers=showing(one))
        answer.problem(401, "key")
        assert 'error="invalid_token"' in answer.headers["www-authenticate"], one[:100]
    for scheme in ("Basic", "Token", "", "Bearerx"):
        ask(served.url, GUARDED, headers={"Authorization": f"{scheme} {key}"}).problem(401, "key")
    ask(served.url, f"{GUARDED}?key={key}&access_token={key}").problem(401, "key")
    for right in (f"Bearer {key}", f"bearer {key}", f"BEARER  {key} "):
        assert ask(served.url, GUARDED, headers={"Authorization": right}).status == 200


def test_a_key_is_for_its_scopes_only(served: Served, keys: dict[str, str]) -> None:
    asked = {
        "look": (GUARDED, None),
        "count": ("/metrics", None),
        "send": ("/v1/events", EVENT),
        "erase": ("/v1/events", EVENT | {"type": "erase", "customer_id": "nobody"}),
        "erase several": ("/v1/erasures", {"customer_ids": ["nobody", "nobody else"]}),
        "rejects": ("/v1/rejects", None),
        "a copy": ("/v1/customers/C17/export", None),
        "rejects as they come": ("/v1/changes?kind=rule&kind=reject", None),
        "who am I": ("/v1/session", None),
        "aggregates": ("/v1/aggregates", None),
        "webhooks": ("/v1/webhooks", None),
    }
    may = {
        scope: {
            what
            for what, (path, body) in asked.items()
            if (answer := ask(served.url, path, body, headers=showing(key))).status < 300 or not answer.problem(403)
        }
        for scope, key in keys.items()
    }
    assert may == {
        "read": {"look", "count", "who am I", "aggregates"},
        "aggregates": {"aggregates", "who am I"},
        "write": {"send", "who am I"},
        "admin": {*asked},
    }
    refusal = ask(served.url, "/v1/rejects", headers=showing(keys["read"]))
    assert refusal.problem(403, "scope")["detail"] == "this needs a key with the scope admin; yours has read"
    assert refusal.headers["www-authenticate"] == 'Bearer error="insufficient_scope", scope="admin"'


def test_who_may_see_aggregates_only_gets_nothing_else_from_any_operation(
    served: Served, keys: dict[str, str], root: Path
) -> None:
    document = json.loads((root / "docs" / "openapi.json").read_text(encoding="utf-8"))
    own = {*OPEN, "/v1/aggregates", "/v1/session"}
    for path, methods in document["paths"].items():
        for method in methods.keys() if path not in own else ():
            asked = path.replace("{", "").replace("}", "")
            answer = ask(served.url, asked, method=method.upper(), headers=showing(keys["aggregates"]))
            assert answer.problem(403, "scope")["detail"].endswith("yours has aggregates"), (method, path)
    one = ask(served.url, "/v1/aggregates", headers=showing(keys["aggregates"]))
    assert one.json == ask(served.url, "/v1/aggregates", headers=showing(keys["admin"])).json


def test_a_key_is_added_and_removed_while_the_service_runs(served: Served, file: Path) -> None:
    key = new_key(file, "guest", ["read"])

    def asked() -> Answer:
        return ask(served.url, GUARDED, headers=showing(key))

    until(asked, 200)
    revoke_key(file, "guest")
    until(asked, 401)
    asked().problem(401, "key")


def test_a_file_that_cannot_be_used_leaves_the_keys_in_force_and_is_reported(
    served: Served, file: Path, keys: dict[str, str]
) -> None:
    good = file.read_bytes()
    for bad in (b"[[keys]]\nname='x'", None):
        if bad is None:
            file.unlink()
        else:
            file.write_bytes(bad)
        until(lambda: ask(served.url, "/readyz"), 503)
        assert ask(served.url, "/readyz").json["reasons"] == [
            "keys: their file cannot be used, those read last stay in force; the log says why"
        ]
        assert ask(served.url, GUARDED, headers=showing(keys["read"])).status == 200
        ask(served.url, GUARDED).problem(401)
        file.write_bytes(good)
        until(lambda: ask(served.url, "/readyz"), 200)


def test_keys_are_hashed_at_rest_and_for_their_owner_only(tmp_path: Path) -> None:
    file = tmp_path / "new" / "keys.toml"
    keys = [new_key(file, f"key {number}", ["read", "admin"]) for number in range(3)]
    revoke_key(file, "key 1")
    text = file.read_text(encoding="utf-8")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len({*keys}) == 3
    for key in keys:
        secret = key.split("_", 2)[2]
        assert len(secret) >= 43
        assert not [part for part in range(len(secret) - 8) if secret[part : part + 8] in text]
    assert [*file.parent.iterdir()] == [file]


def cookie_of(answer: Answer) -> Morsel[str]:
    """Return the cookie that an answer sets."""
    return SimpleCookie(answer.headers["set-cookie"])[COOKIE]


def begun(served: Served, key: str, **headers: str) -> Morsel[str]:
    """Begin a session, and return its cookie."""
    return cookie_of(ask(served.url, "/v1/session", method="POST", headers=showing(key) | headers))


def test_a_browser_keeps_a_session_where_no_script_and_no_other_page_gets_it(
    served: Served, keys: dict[str, str]
) -> None:
    answer = ask(served.url, "/v1/session", method="POST", headers=showing(keys["read"]))
    assert answer.json == {"name": "read", "scopes": ["read"], "keys": True}
    cookie = cookie_of(answer)
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "strict", "/")
    assert not cookie["max-age"]
    assert not cookie["secure"]
    ended = cookie_of(ask(served.url, "/v1/session", method="DELETE", headers=showing(keys["read"])))
    assert (ended.value, ended["max-age"]) == ("", "0")


def test_over_tls_a_session_is_for_this_host_alone(served: Served, keys: dict[str, str]) -> None:
    tls = {"X-Forwarded-Proto": "https"}
    answer = ask(served.url, "/v1/session", method="POST", headers=showing(keys["read"]) | tls)
    cookie = SimpleCookie(answer.headers["set-cookie"])[TLS_COOKIE]
    assert (cookie["secure"], cookie["path"], cookie["domain"]) == (True, "/", "")
    assert ask(served.url, GUARDED, headers=tls | {"Cookie": f"{TLS_COOKIE}={cookie.value}"}).status == 200
    # Without the prefix another host of the domain might have set it.
    ask(served.url, GUARDED, headers=tls | {"Cookie": f"{COOKIE}={cookie.value}"}).problem(401, "key")


def test_a_cookie_holds_no_key_and_a_key_is_no_session(served: Served, keys: dict[str, str]) -> None:
    first, second = begun(served, keys["admin"]).value, begun(served, keys["admin"]).value
    assert first != second
    for session in (first, second):
        assert keys["admin"].split("_", 2)[2][:12] not in session
        ask(served.url, GUARDED, headers=showing(session)).problem(401, "key")
    ask(served.url, GUARDED, headers={"Cookie": f"{COOKIE}={keys['admin']}"}).problem(401, "key")


def test_a_session_that_was_ended_counts_no_more_and_others_of_its_key_do(served: Served, keys: dict[str, str]) -> None:
    ended, other = ({"Cookie": f"{COOKIE}={begun(served, keys['read']).value}"} for _ in range(2))
    own = {"Sec-Fetch-Site": "same-origin"}
    assert ask(served.url, "/v1/session", method="DELETE", headers=ended | own).status == 204
    ask(served.url, GUARDED, headers=ended).problem(401, "key")
    assert ask(served.url, GUARDED, headers=other).status == 200


def test_a_session_ends_with_its_time_and_the_oldest_when_there_are_too_many() -> None:
    now = 0.0
    sessions = Sessions(60.0, remembered=2, clock=lambda: now)
    first = sessions.begin("a")
    now = 59.9
    assert sessions.key_id(first) == "a"
    now = 60.0
    assert sessions.key_id(first) is None
    oldest, older, newest = (sessions.begin(key) for key in "abc")
    assert [sessions.key_id(one) for one in (oldest, older, newest)] == [None, "b", "c"]


def test_revoking_a_key_ends_its_sessions_and_its_open_feeds(served: Served, file: Path) -> None:
    key = new_key(file, "short", ["read"])
    until(lambda: ask(served.url, GUARDED, headers=showing(key)), 200)
    cookie = {"Cookie": f"{COOKIE}={begun(served, key).value}"}
    with feed(served.url, showing(key)) as by_key, feed(served.url, cookie) as by_session:
        assert (by_key.status, by_session.status) == (200, 200)
        revoke_key(file, "short")
        for opened in (by_key, by_session):
            opened.read()  # ends, since the service ends it
    ask(served.url, GUARDED, headers=showing(key)).problem(401, "key")
    ask(served.url, GUARDED, headers=cookie).problem(401, "key")


def test_one_key_does_not_take_the_feeds_of_all(served: Served, keys: dict[str, str]) -> None:
    with ExitStack() as stack:
        for _ in range(FEEDS_PER_KEY):
            assert stack.enter_context(feed(served.url, showing(keys["read"]))).status == 200
        ask(served.url, "/v1/changes", headers=showing(keys["read"])).problem(503, "feeds")
        with feed(served.url, showing(keys["admin"])) as other:
            assert other.status == 200


def test_a_cookie_counts_for_the_services_own_pages_only(served: Served, keys: dict[str, str]) -> None:
    own = urlsplit(served.url).netloc
    session = begun(served, keys["admin"]).value
    cookie = {"Cookie": f"a=b; {COOKIE}={session}; c=d"}
    mine = ({"Origin": f"http://{own}"}, {"Sec-Fetch-Site": "same-origin"})
    theirs = (
        {"Origin": "https://shop.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": f"http://{own}"},
    )
    for sent in mine:
        assert ask(served.url, GUARDED, headers=cookie | sent).status == 200
        assert ask(served.url, "/v1/events", EVENT, headers=cookie | sent).status == 202
    for sent in theirs:
        ask(served.url, GUARDED, headers=cookie | sent).problem(401, "key")
        ask(served.url, "/v1/events", EVENT, headers=cookie | sent).problem(401, "key")
    # Over plain HTTP a browser does not say who asks for its own page's look-ups; what changes something must.
    assert ask(served.url, GUARDED, headers=cookie).status == 200
    ask(served.url, "/v1/events", EVENT, headers=cookie).problem(401, "key")
    # A cookie does not make itself last.
    ask(served.url, "/v1/session", method="POST", headers=cookie | mine[0]).problem(401, "key")
    for wrong in ("", "x", session[:-1], session + "x", "\xff", '"' * 50, "x" * 10_000):
        ask(served.url, GUARDED, headers={"Cookie": f"{COOKIE}={wrong}"}).problem(401, "key")
