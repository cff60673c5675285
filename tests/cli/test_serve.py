"""`crm-online serve`: what a person sees, and what is refused before it begins."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from crm_online.cli.commands import serve
from crm_online.errors import InvalidSetting
from tests.cli.conftest import Crm
from tests.servers.serving import serving


@pytest.fixture
def somewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("CRM_ONLINE_STATE", "CRM_ONLINE_SERVE__LISTEN"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def test_it_says_what_it_serves_where_and_how_to_end_it(tmp_path: Path) -> None:
    with serving(tmp_path, "--state", "shop") as served:
        pass
    message = f"serving the Redis of {tmp_path / 'shop'} at {served.url} (Ctrl-C ends it)\n"
    assert message in served.output
    # Then come log lines, one JSON object each.
    assert all(line == message or re.match(r"\{.*\}$", line) for line in served.output)


def test_host_and_port_go_before_the_setting(somewhere: Path) -> None:
    def listens(host: str | None, port: int | None, *overrides: str) -> str:
        return serve.serve_settings(None, overrides, host, port).serve.listen

    assert listens(None, None) == "127.0.0.1:8080"
    assert listens(None, 9000) == "127.0.0.1:9000"
    assert listens("::1", None) == "[::1]:8080"
    (somewhere / "crm-online.toml").write_text('[serve]\nlisten = "10.0.0.1:7000"\n')
    assert listens(None, None) == "10.0.0.1:7000"
    assert listens(None, 0) == "10.0.0.1:0"
    assert listens("localhost", None) == "localhost:7000"
    assert listens("localhost", 1, "serve.listen=a:2") == "localhost:1"
    with pytest.raises(InvalidSetting):
        listens("not a host", None)


@pytest.mark.usefixtures("somewhere")
@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("--host", "0.0.0.0"), "without keys only this machine may ask"),
        (("--host", "a b"), "serve.listen"),
        (("--set", "serve.listen=nowhere"), "serve.listen"),
        (("--set", "serve.rate=0"), "serve.rate"),
        (("--set", "serve.cors=*"), "serve.cors"),
        (("--set", "serve.cors=https://shop.example/"), "serve.cors"),
        (("--set", "serve.proxies=everybody"), "serve.proxies"),
        (("--set", "serve.nothing=1"), "serve.nothing"),
        (("--set", "serve.keys_file=none.toml"), "cannot read the keys in none.toml"),
        (("--state", "redis://localhost:1"), "localhost:1"),
        (("--state", "http://localhost"), "http"),
        (("--config", "none.toml"), "none.toml"),
    ],
)
def test_wrong_use_is_refused_in_a_line(crm: Crm, arguments: tuple[str, ...], why: str) -> None:
    ended = crm("serve", *arguments)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.count("\n") == 1
    assert why in ended.err


@pytest.mark.usefixtures("somewhere")
@pytest.mark.parametrize("port", ["65536", "-1", "x"])
def test_a_port_that_cannot_be_one_is_refused(crm: Crm, port: str) -> None:
    ended = crm("serve", "--port", port)
    assert ended.code == 2
    assert "Traceback" not in ended.err
