"""What a segment's view tells, the lists that flows lead to, and each as an API call and a table."""

from __future__ import annotations

import csv
import io
import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.api.asking import PATIENCE
from tests.api.asking import ready as asked_until_ready
from tests.command import printed
from tests.dashboard.browsing import Seen, browsing, drawn
from tests.docs import made
from tests.servers.serving import Served, serving

_LINE = """async ([path, body]) => {
    const { apiCall } = await import("/static/js/views/call.js");
    const made = apiCall(() => ({ path: `/v1/${path.replaceAll("%27", "'")}`, body: body ?? undefined }));
    const opened = new Promise((then) => made.addEventListener("toggle", () => setTimeout(then)));
    made.open = true;
    await opened;
    return made.querySelector("code").textContent;
}"""
"""Makes the line of an address, in which a quote is as `encodeURIComponent` leaves it, and a body."""


def asked(page: Page, of: str | None = None) -> Any:
    """Copy the first API call of a view, or that of a card, and ask what it says."""
    card = page.locator("section").filter(has=page.get_by_role("heading", name=of, exact=True)) if of else page
    call = card.locator("details.call").first
    call.locator("summary").click()
    call.get_by_role("button", name="Copy the API call").click()
    expect(call.get_by_role("button", name="Copied")).to_be_visible()
    line = page.evaluate("navigator.clipboard.readText()")
    assert call.locator("code").inner_text() == line
    command, *options, address = shlex.split(line)
    assert (command, options) == ("curl", ["-s"])
    return httpx.get(address, timeout=PATIENCE).raise_for_status().json()


def test_what_is_shown_can_be_asked_by_the_line_that_is_copied(browser: Browser, shop: Served) -> None:
    with browsing(browser, shop.url, permissions=["clipboard-read", "clipboard-write"]) as seen:
        page = seen.open("moves?since=1970-01-01T00:00:00Z&reason=did")
        expect(page.locator(".people tbody tr").first).to_be_visible()
        expect(page.get_by_label("Why").locator("option:checked")).to_have_text("for what they did")
        found = asked(page)
        assert {one["reason"] for one in found["moves"]} <= {"event", "lapse"}
        expect(page.locator(".search + .note")).to_contain_text(f"{found['total']:,} move")
        page = seen.open("rule-changes?since=1970-01-01T00:00:00Z&change=entered")
        expect(page.locator(".groups li").first).to_be_visible()
        found = asked(page)
        expect(page.locator(".groups li")).to_have_count(min(100, found["total"]))
        expect(page.locator(".groups time")).to_have_count(min(100, found["total"]))
        page = seen.open("rules?text=butt&min_lift=1.2")
        expect(page.locator(".search .note")).to_contain_text(re.compile(r"^\d+ rules?"))
        expect(page.locator(".search .note")).to_contain_text(f"{asked(page)['total']} rule")
        page = seen.open("customers/C17")
        expect(page.locator(".why")).to_be_visible()
        assert asked(page)["customer_id"] == "C17"
        page = seen.open("segments/s1?sort=spend&turned=1")
        expect(page.locator(".members tbody tr").first).to_be_visible()
        assert asked(page)["id"] == "s1"
        members = asked(page, "Customers")["customers"]
        expect(page.locator(".members tbody a").first).to_have_text(members[0]["customer_id"])
        seen.clean()


def test_a_line_for_a_shell_is_one_word_whatever_is_in_an_id(seen: Seen) -> None:
    page = seen.open("service")
    for name in ("it's; rm -rf $HOME", "'\"`$(x)`", "a/../b", "C\n17", "مرحبا"):
        command, *options, address = shlex.split(page.evaluate(_LINE, [f"customers/{quote(name, safe='')}", None]))
        assert (command, options) == ("curl", ["-s"])
        assert unquote(httpx.URL(address).raw_path.decode()) == f"/v1/customers/{name}"
        words = shlex.split(page.evaluate(_LINE, ["customers:batch", {"customer_ids": [name]}]))
        assert words[-2] == "--json"
        assert json.loads(words[-1]) == {"customer_ids": [name]}


def test_a_flow_opens_its_customers(seen: Seen, shop: Served) -> None:
    page = seen.open()
    page.get_by_label("In which time", exact=True).select_option("all that is kept")
    flow = httpx.get(f"{shop.url}/v1/flows?reason=event&reason=lapse", timeout=PATIENCE).json()["flows"][0]
    drawn(page, "flows")
    number = page.locator(".matrix td a").filter(has_text=re.compile(rf"^{flow['moves']:,}$")).first
    expect(number).to_be_visible()
    address = number.get_attribute("href") or ""
    ribbon = page.locator(".plot.flows path.flow.opens").first
    ribbon.dispatch_event("click")
    expect(page.get_by_role("heading", level=1)).to_have_text("Who moved")
    query = parse_qs(urlsplit(page.url.split("#")[1]).query)
    assert query["reason"] == ["did"]
    assert query["from"] != query["to"]
    seen.open(address.removeprefix("#/"))
    expect(page.locator(".search + .note")).to_contain_text(f"{flow['moves']:,} move")
    with page.expect_download() as table:
        page.get_by_role("link", name="All as CSV").click()
    rows = list(csv.DictReader(io.StringIO(table.value.path().read_text(encoding="utf-8"))))
    assert len(rows) == flow["moves"]
    assert {(row["from"], row["to"]) for row in rows} == {(flow["from"], flow["to"])}


def test_a_segment_has_its_trend_its_rules_and_its_share(seen: Seen, shop: Served) -> None:
    largest = max(
        httpx.get(f"{shop.url}/v1/segments", timeout=PATIENCE).json()["segments"], key=lambda one: int(one["size"])
    )
    page = seen.open(f"segments/{largest['id']}")
    drawn(page, "trend")
    expect(page.locator(".plot.trend .area")).to_have_count(1)
    page.get_by_text("Sizes as a table").click()
    expect(page.locator("details.data[open] tbody tr").first).to_contain_text(f"{largest['size']:,}")
    expect(page.locator(".lead")).to_contain_text(f"{100 * largest['spend_share']:.1f} % of what was spent lately")
    rules = httpx.get(f"{shop.url}/v1/rules", params={"segment": largest["id"], "limit": 5}, timeout=PATIENCE).json()
    own = page.locator("section").filter(has=page.get_by_role("heading", name="Bought together here"))
    if rules["rules"]:
        expect(own.locator("li")).to_have_count(len(rules["rules"]))
    else:
        expect(own).to_contain_text("Nothing that stands out")
    expect(own.locator("details.call")).to_have_count(1)
    seen.keep("segment-whole")


@pytest.fixture
def baskets(tmp_path: Path) -> Iterator[Served]:
    """Return a service on a shop whose orders are of nobody."""
    log = tmp_path / "events.jsonl"
    made.write_jsonl(log)
    events = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    bought = [event | {"customer_id": None} for event in events if event["type"] == "purchase"]
    log.write_text("".join(f"{json.dumps(event)}\n" for event in bought), encoding="utf-8")
    printed(tmp_path, "replay", log.name, "--state", "shop")
    with serving(tmp_path, "--state", "shop") as it:
        asked_until_ready(it.url)
        yield it


def test_where_nobody_has_a_name_it_tells_when_rules_changed(browser: Browser, baskets: Served) -> None:
    whole = {"since": "1970-01-01T00:00:00Z"}
    found = httpx.get(f"{baskets.url}/v1/rule-changes", params=whole, timeout=PATIENCE).json()
    assert found["total"] > 0
    days = httpx.get(f"{baskets.url}/v1/digest", params={"days": 90}, timeout=PATIENCE).json()
    with browsing(browser, baskets.url) as seen:
        page = seen.open("?days=90")
        expect(page.locator(".headline")).to_contain_text("none of a known customer")
        expect(page.locator(".headline a").first).to_have_text(f"{days['rules_entered']:,} new rules")
        lines = page.locator(".ticker li")
        expect(lines).to_have_count(min(40, found["total"]))
        expect(lines.locator("time")).to_have_count(min(40, found["total"]))
        page.locator(".ticker").get_by_role("link", name="All").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Rules that changed")
        seen.open("moves?days=1000")
        expect(page.get_by_text("Nobody moved so")).to_be_visible()
        expect(page.get_by_role("link", name="All as CSV")).to_be_hidden()
        seen.clean()
