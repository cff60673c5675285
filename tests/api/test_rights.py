"""A service whose Redis user may only read: everything but events works."""

from __future__ import annotations

import re
from pathlib import Path

from tests.api.asking import ask, feed, printed_well, ready
from tests.command import ROOT
from tests.servers.redis_server import RedisServer
from tests.servers.serving import serving
from tests.store.test_secured import as_user, make_user


def rights() -> list[str]:
    """Return the rights that docs/serving.md names."""
    page = (ROOT / "docs" / "serving.md").read_text(encoding="utf-8")
    found = re.search(r"ACL SETUSER crm-read reset on >PASSWORD ~\{crm\* (.+)", page)
    assert found is not None
    return found[1].split()


def statuses(url: str) -> dict[str, int]:
    """Return how each look-up is answered."""
    paths = (
        *(
            "/v1/customers/C17",
            "/v1/explain/C17",
            "/v1/segments",
            "/v1/segments/s1/customers",
            "/v1/rules",
            "/v1/status",
        ),
        *("/v1/picture", "/v1/segment-sizes", "/v1/flows", "/v1/drifts", "/v1/predictions", "/v1/rejects", "/readyz"),
    )
    found = {path: ask(url, path).status for path in paths}
    found["/v1/recommendations"] = ask(url, "/v1/recommendations", {"customer_id": "C17", "basket": ["bread"]}).status
    with feed(url, {"Last-Event-ID": "0-0-400"}, "?kind=rule") as changes:
        found["/v1/changes"] = changes.status if any(line.startswith(b"data: ") for line in changes) else 0
    return found


def test_a_user_that_may_only_read_is_enough_for_all_but_events(redis_server: RedisServer, tmp_path: Path) -> None:
    make_user(redis_server.admin, " ".join(rights()))
    with serving(tmp_path, "--state", as_user(redis_server.url)) as served:
        ready(served.url)
        assert {*statuses(served.url).values()} == {200}
        event = {"type": "view", "customer_id": "C17", "time": "2026-04-02T08:00:00Z"}
        answer = ask(served.url, "/v1/events", event)
        assert answer.problem(503)["type"] == "/problems/store"
        assert "s3cret" not in "".join(served.output)
        printed_well(served)
