"""What comes in shows by itself: marks move, counts change, changes are told, hostile ids are text."""

from __future__ import annotations

import re

from playwright.sync_api import Browser, expect

from tests.dashboard.browsing import Seen, browsing, drawn, orders, point_of, send
from tests.servers.serving import Served

IDS = [
    "<script>document.title='run'</script>",
    "<img src=x onerror=\"document.title='run'\">",
    "a/b/../c?d#e%2F&f",
    "..",
    """quotes ' " ` and \\ back""",
    "<b>bold</b><a href='https://elsewhere.example'>x</a>",
    "ключ 🙂 *?[a]",
]

MOVED = "Number(document.querySelector('.plot.scatter').dataset.moved ?? 0)"
"""How often the picture has moved."""


def test_an_event_moves_the_picture(seen: Seen, shop: Served) -> None:
    page = seen.open()
    place, moved = point_of(page, "C0"), page.evaluate(MOVED)
    accepted = page.locator(".head .figures div").filter(has_text="Events accepted").locator("dd")
    expect(accepted).to_have_text(re.compile(r"^[\d,]+$"))
    before = accepted.inner_text()
    send(shop.url, *orders(shop.url, "C0", 7, ["bread", "butter", "tea"]))
    expect(accepted).not_to_have_text(before)
    page.wait_for_function(
        "([id, x]) => document.querySelector('.plot.scatter').pointOf(id).x !== x",
        arg=["C0", place["x"]],
    )
    assert page.evaluate(MOVED) > moved
    changes = page.locator(".ticker li").filter(
        has=page.get_by_role("link", name="C0", exact=True), has_text="after a purchase"
    )
    expect(changes).not_to_have_count(0)
    seen.keep("moved")


def test_sizes_and_flows_follow(seen: Seen, shop: Served) -> None:
    page = seen.open()
    for customer in ("C4", "C8", "C12", "C16"):
        send(shop.url, *orders(shop.url, customer, 7, ["bread", "butter", "tea"]))
    drawn(page, "sizes")
    drawn(page, "flows")
    expect(page.locator(".matrix tbody td").filter(has_text=re.compile(r"\d"))).not_to_have_count(0)
    page.get_by_text("Sizes as a table").click()
    expect(page.locator("details.data tbody tr")).not_to_have_count(0)
    seen.keep("sizes-and-flows")


def test_nothing_moves_for_who_wants_it_calm(browser: Browser, shop: Served) -> None:
    with browsing(browser, shop.url, reduced_motion="reduce") as seen:
        page = seen.open()
        place = point_of(page, "C20")
        send(shop.url, *orders(shop.url, "C20", 7, ["bread", "butter", "tea"]))
        page.wait_for_function(
            "([id, x]) => document.querySelector('.plot.scatter').pointOf(id).x !== x",
            arg=["C20", place["x"]],
        )
        assert page.evaluate(MOVED) == 0
        seen.clean()


def test_hostile_ids_are_text(seen: Seen, shop: Served) -> None:
    page = seen.open()
    expect(page.locator("#pulse")).to_have_attribute("data-state", "live")
    for customer in IDS:
        send(shop.url, *orders(shop.url, customer, 1, [IDS[0], "tea"]))
    heading = page.locator("h1.id")
    for customer in IDS:
        seen.open()
        link = page.locator(".ticker").get_by_role("link", name=customer, exact=True)
        link.first.click()
        expect(heading).to_have_text(f"Customer{customer}")
        expect(page.locator(".whose")).to_contain_text("1 event")
        assert page.title() == f"{customer} · crm-online"
        assert page.locator("main script, main img, main b b").count() == 0
        if customer == IDS[0]:
            seen.keep("hostile-id")
    page.get_by_label("Customer id").fill(IDS[2])
    page.get_by_label("Customer id").press("Enter")
    expect(heading).to_have_text(f"Customer{IDS[2]}")
    seen.open("rules")
    page.get_by_placeholder("Search items").fill("<script>")
    expect(page.get_by_text("No rule fits")).to_be_visible()


def test_an_id_that_cannot_be_is_only_unknown(seen: Seen) -> None:
    page = seen.open("customers/two%0Alines%00")
    expect(page.get_by_text("No such customer")).to_be_visible()
    seen.page.goto(f"{seen.base}/#/customers/%E0%A4%A")
    expect(page.get_by_text("No such customer")).to_be_visible()
