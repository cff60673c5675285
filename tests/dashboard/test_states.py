"""When there is nothing yet, a key is needed, or the service does not answer: what to do next."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from shutil import copytree

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from crm_online.api.keyfile import new_key
from tests.dashboard.browsing import browsing, orders, send
from tests.servers.serving import Served, serving

EVENT = {"type": "view", "event_id": "1", "customer_id": "ann", "time": "2026-01-01T10:00:00Z", "item": "tea"}


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Served]:
    with serving(tmp_path, "--state", "none", "--set", "serve.refresh=1s") as it:
        yield it


def test_without_a_state_it_says_how_to_begin_and_goes_on_by_itself(browser: Browser, empty: Served) -> None:
    with browsing(browser, empty.url) as seen:
        page = seen.open()
        expect(page.get_by_text("No events yet")).to_be_visible()
        expect(page.locator("main")).to_contain_text("crm-online replay LOG --state")
        expect(page.locator("main")).to_contain_text("/v1/events")
        expect(page.locator("#banner")).to_be_hidden()
        seen.keep("no-state")
        for view in ("segments", "rules", "customers/ann", "service"):
            seen.open(view)
            expect(page.get_by_text("No events yet").first).to_be_visible()
        seen.open()
        send(empty.url, EVENT)
        expect(page.get_by_text("No segments yet", exact=True)).to_be_visible()
        expect(page.locator("main")).to_contain_text("1 customer so far; the first segments come with 300.")
        expect(page.locator("main")).to_contain_text("segments.min_customers")
        seen.keep("no-segments")
        assert seen.abroad == []


@dataclass(frozen=True)
class Guarded:
    """A service that asks for keys, the folder of its state, and a key that may read."""

    served: Served
    state: Path
    key: str


@pytest.fixture(scope="module")
def guarded(replayed: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    folder = copytree(replayed, tmp_path_factory.mktemp("guarded") / "folder")
    key = new_key(folder / "keys.toml", "marketing", ["read"])
    with serving(folder, "--state", "shop", "--set", "serve.keys_file=keys.toml") as served:
        yield Guarded(served, folder / "shop", key)


def test_a_key_is_asked_for_once(browser: Browser, guarded: Guarded) -> None:
    with browsing(browser, guarded.served.url) as seen:
        page = seen.open()
        dialog = page.get_by_role("dialog")
        expect(dialog).to_be_visible()
        seen.keep("key")
        show_key(page, "crm_wrong")
        expect(dialog.get_by_role("alert")).to_contain_text("not known")
        show_key(page, guarded.key)
        expect(page.locator(".legend tbody tr").first).to_be_visible()
        expect(page.locator("#pulse")).to_have_attribute("data-state", "live")
        seen.open("service")
        expect(page.get_by_text("Rejects need a key with the scope admin")).to_be_visible()
        assert page.evaluate("document.cookie") == ""


def test_a_store_or_a_service_that_does_not_answer_is_shown_until_it_does(browser: Browser, guarded: Guarded) -> None:
    served = guarded.served
    with browsing(browser, served.url) as seen:
        page = seen.open()
        show_key(page, guarded.key)
        expect(page.locator(".legend tbody tr").first).to_be_visible()
        os.kill(int((guarded.state / "redis" / "redis.pid").read_text()), signal.SIGKILL)
        banner = page.locator("#banner")
        expect(banner).to_contain_text("The service is not up to date")
        seen.keep("store-away")
        served.stop()
        expect(banner).to_contain_text("The service does not answer")
        expect(page.locator("#pulse-text")).to_have_text("not connected")
        expect(page.locator(".legend tbody tr").first).to_be_visible()
        seen.keep("unavailable")
        served.start()
        expect(banner).to_be_hidden()
        # A session does not outlive the service.
        expect(page.locator("#pulse-text")).to_have_text("a key is needed")
        show_key(page, guarded.key)
        expect(page.locator("#pulse")).to_have_attribute("data-state", "live")


def test_the_dot_is_not_green_while_the_store_hangs(browser: Browser, shop: Served) -> None:
    redis = int((shop.log.parent / "shop" / "redis" / "redis.pid").read_text())
    with browsing(browser, shop.url) as seen:
        page = seen.open()
        pulse = page.locator("#pulse")
        expect(pulse).to_have_attribute("data-state", "live")
        os.kill(redis, signal.SIGSTOP)
        try:
            expect(pulse).to_have_attribute("data-state", "behind")
            expect(page.locator("#banner")).to_contain_text("the store does not answer")
        finally:
            os.kill(redis, signal.SIGCONT)
        expect(pulse).to_have_attribute("data-state", "live")


def test_an_answer_that_hangs_does_not_keep_the_dot_green(browser: Browser, shop: Served) -> None:
    with browsing(browser, shop.url) as seen:
        seen.page.route("**/v1/picture", lambda route: None)
        page = seen.open()
        pulse = page.locator("#pulse")
        expect(pulse).to_have_attribute("data-state", "live")
        page.route("**/readyz", lambda route: route.fulfill(status=503, json={"ready": False, "reasons": ["it hangs"]}))
        expect(pulse).to_have_attribute("data-state", "behind")


def test_a_view_that_failed_recovers_by_itself(browser: Browser, shop: Served) -> None:
    with browsing(browser, shop.url) as seen:
        for view, there in (
            ("rules", ".rules > li"),
            ("customers/C17", ".why"),
            ("segments/s1", ".members tbody tr"),
        ):
            seen.page.route("**/v1/**", lambda route: route.abort())
            page = seen.open(view)
            expect(page.locator("#banner")).to_be_visible()
            page.unroute("**/v1/**")
            expect(page.locator(there).first).to_be_visible()
            page.goto("about:blank")


def test_rules_and_members_follow_what_comes_in(browser: Browser, shop: Served) -> None:
    answers: list[str] = []

    def lag(route: Route) -> None:
        # Rules are made anew later than the rest: the first answer after the events lacks what they brought.
        answers.append(route.fetch().text() if len(answers) != 1 else answers[0])
        route.fulfill(body=answers[-1], content_type="application/json")

    items = ["Arabic \u0642\u0647\u0648\u0629", "Hebrew \u05e7\u05e4\u05d4", 'tea & "cake"']
    with browsing(browser, shop.url) as seen:
        seen.page.route("**/v1/rules?*", lag)
        page = seen.open("rules?sort=lift")
        rows = page.locator(".rules > li")
        expect(rows.first).to_be_visible()
        expect(rows.filter(has_text="Arabic")).to_have_count(0)
        for customer in range(12):
            send(shop.url, *orders(shop.url, f"rtl-{customer}", 2, items))
        found = rows.filter(has_text=items[0]).first
        expect(found).to_be_visible(timeout=60_000)
        # Each item is a run of its own: the arrow between two stays where it is, and points to the right.
        boxes = [one.bounding_box() for one in found.locator("h2 bdi").all()]
        places = [box["x"] + 1e4 * box["y"] for box in boxes if box]
        assert places == sorted(places)
        seen.clean()


def show_key(page: Page, key: str) -> None:
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Key", exact=True).fill(key)
    dialog.get_by_role("button").click()
