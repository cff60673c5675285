"""A tab that is open for long keeps what it shows: no views that were left, and nothing that events replaced."""

from __future__ import annotations

from playwright.sync_api import Browser, CDPSession, Page, expect

from tests.dashboard.browsing import VIEWS, browsing, drawn, orders, ready, send
from tests.servers.serving import Served

ROUNDS = 3
MORE = 1.1
"""What may be there more than before: what is shown differs a little each time."""


def kept(page: Page, session: CDPSession) -> dict[str, int]:
    """Return the elements and listeners that are left when what nobody refers to is gone."""
    page.wait_for_timeout(500)  # what is drawn with the next frames
    for _ in range(3):
        session.send("HeapProfiler.collectGarbage")
    found: dict[str, int] = session.send("Memory.getDOMCounters")
    return {name: found[name] for name in ("nodes", "jsEventListeners")}


def test_views_that_were_left_are_gone(browser: Browser, shop: Served) -> None:
    with browsing(browser, shop.url) as seen:
        session = seen.page.context.new_cdp_session(seen.page)
        counts = []
        for _ in range(ROUNDS):
            for name, view in [*VIEWS.items(), ("overview", "")]:
                ready(seen.open(view), name)
            drawn(seen.page, "sizes")
            counts.append(kept(seen.page, session))
        assert all(counts[-1][name] <= MORE * counts[0][name] for name in counts[0]), counts
        seen.clean()


def test_what_events_replaced_is_gone(browser: Browser, shop: Served) -> None:
    with browsing(browser, shop.url) as seen:
        session, counts = seen.page.context.new_cdp_session(seen.page), []
        page = seen.open()
        drawn(page, "flows")
        accepted = page.locator(".head .figures div").filter(has_text="Events accepted").locator("dd")
        for number in range(2 * ROUNDS):
            before = accepted.inner_text()
            send(shop.url, *orders(shop.url, f"C{number}", 40, ["bread", "butter", "tea"]))
            expect(accepted).not_to_have_text(before)
            if number >= ROUNDS - 1:  # the list of changes, of which the last are kept, is full by then
                counts.append(kept(page, session))
        assert all(counts[-1][name] <= MORE * counts[0][name] for name in counts[0]), counts
        seen.clean()
