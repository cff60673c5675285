"""A real browser on the dashboard, which notes what must not happen."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Request, expect, sync_playwright

from tests.api.asking import PATIENCE
from tests.command import ROOT

ARTEFACTS = ROOT / "artefacts"
"""Where screenshots are kept."""
VIEWS = {
    "overview": "",
    "segments": "segments",
    "segment": "segments/s1",
    "rules": "rules",
    "moves": "moves?days=1000",
    "rule": "rules/%5B%5B%22bread%22%5D%2C%5B%22butter%22%5D%5D",
    "api": "api",
    "rule-changes": "rule-changes?days=1000",
    "customer": "customers/C17",
    "predictions": "predictions",
    "service": "service",
}
"""Each view, and its address."""
_ARGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_WRONG = ("error", "warning", "trace", "assert")


@dataclass
class Seen:
    """A page, and what went on that must not.

    Attributes
    ----------
    page
        The page.
    base
        The service's URL.
    complaints
        Messages of the console, and errors of scripts.
    abroad
        Requests to other hosts.
    """

    page: Page
    base: str
    complaints: list[str] = field(default_factory=list)
    abroad: list[str] = field(default_factory=list)

    def open(self, view: str = "") -> Page:
        """Open a view, such as ``rules``, and wait until it has its heading."""
        self.page.goto(f"{self.base}/#/{view}")
        expect(self.page.get_by_role("heading", level=1)).to_be_visible()
        return self.page

    def keep(self, name: str) -> None:
        """Keep a picture of the whole page."""
        ARTEFACTS.mkdir(exist_ok=True)
        self.page.evaluate("scrollTo(0, 0)")
        self.page.screenshot(path=ARTEFACTS / f"{name}.png", full_page=True)

    def clean(self) -> None:
        """Nothing went on that must not."""
        complaints, abroad = self.complaints.copy(), self.abroad.copy()
        self.complaints.clear()
        self.abroad.clear()
        assert not complaints, complaints
        assert not abroad, abroad


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run Debian's Chromium."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=_ARGS)
        yield browser
        browser.close()


@contextmanager
def browsing(browser: Browser, base: str, **context: Any) -> Iterator[Seen]:
    """Open a window of its own, with nothing that others kept."""
    window = browser.new_context(**{"viewport": {"width": 1360, "height": 900}} | context)
    window.set_default_timeout(60_000)
    expect.set_options(timeout=60_000)
    seen = Seen(window.new_page(), base)

    def on_console(message: ConsoleMessage) -> None:
        if message.type in _WRONG:
            seen.complaints.append(f"{message.type}: {message.text}")

    def asked(request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme != "data" and parts.netloc != urlsplit(base).netloc:
            seen.abroad.append(request.url)

    seen.page.on("console", on_console)
    seen.page.on("pageerror", lambda error: seen.complaints.append(str(error)))
    window.on("request", asked)
    yield seen
    window.close()


def drawn(page: Page, kind: str) -> Locator:
    """Wait until a chart is drawn, and return it."""
    plot = page.locator(f".plot.{kind}")
    expect(plot.locator("svg.drawn")).to_be_visible()
    return plot


def ready(page: Page, view: str) -> None:
    """Wait until a view has what it shows."""
    expect(page.locator("main .loading")).to_have_count(0)
    if view in ("overview", "segments"):
        drawn(page, "scatter" if view == "overview" else "tree")


def point_of(page: Page, customer: str) -> dict[str, float]:
    """Return where a customer's point is in the picture, in pixels of it."""
    plot = drawn(page, "scatter")
    found: dict[str, float] = plot.evaluate(
        "(plot, id) => { const { x, y } = plot.pointOf(id); return { x, y }; }", customer
    )
    return found


def send(base: str, *events: dict[str, Any]) -> None:
    """Send events to the service."""
    httpx.post(f"{base}/v1/events", json=list(events), timeout=PATIENCE).raise_for_status()


def orders(base: str, customer: str, count: int, items: list[str], price: float = 2.5) -> list[dict[str, Any]]:
    """Return orders of a customer, each a minute later, the first a minute behind all that is known."""
    status = httpx.get(f"{base}/v1/status", timeout=PATIENCE).raise_for_status().json()
    start = datetime.fromisoformat(status["watermark"]).astimezone(UTC)
    return [
        {
            "type": "purchase",
            "event_id": f"{quote(customer, safe='')[:80]}-{status['accepted']}-{number}",
            "customer_id": customer,
            "time": (start + timedelta(minutes=number + 1)).isoformat(),
            "items": [{"item": item, "quantity": 1, "price": price} for item in items],
        }
        for number in range(count)
    ]
