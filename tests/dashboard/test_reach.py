"""Everybody reaches everything: by keyboard alone, and by what axe-core asks for."""

from __future__ import annotations

from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, expect

from tests.dashboard.browsing import VIEWS, Seen, browsing, drawn, ready
from tests.servers.serving import Served

# Dark colours change nothing but the contrast, which is the same at any width.
WIDTHS = {"light": (320, 2560), "dark": (1280,)}
# What is drawn is an image with a text, for whoever does not see it.
WHAT = {"exclude": [[".plot svg"]]}
HOW = {
    "light": {"resultTypes": ["violations"]},
    "dark": {"resultTypes": ["violations"], "runOnly": ["color-contrast"]},
}


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_axe_finds_nothing(browser: Browser, shop: Served, colours: Literal["light", "dark"]) -> None:
    found: dict[str, list[str]] = {}
    # Axe puts a script into the page, which the page's policy refuses, rightly.
    with browsing(browser, shop.url, color_scheme=colours, bypass_csp=True, reduced_motion="reduce") as seen:
        for name, view in [*VIEWS.items(), ("nobody", "customers/nobody")]:
            page = seen.open(view)
            ready(page, name)
            if name == "rules":
                page.locator(".rules summary").first.click()
            for width in WIDTHS[colours]:
                page.set_viewport_size({"width": width, "height": 900})
                for fault in Axe().run(page, WHAT, HOW[colours]).response["violations"]:
                    nodes = [node["html"][:200] for node in fault["nodes"][:3]]
                    found.setdefault(f"{name} {width}", []).append(f"{fault['impact']} {fault['id']}: {nodes}")
    assert found == {}


def test_the_keyboard_is_enough(seen: Seen) -> None:
    page = seen.open()
    expect(page.locator(".legend tbody tr").first).to_be_visible()
    press = page.keyboard.press
    press("Tab")
    skip = page.get_by_role("link", name="Skip to the content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    press("Enter")
    expect(page.locator("main")).to_be_focused()
    expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
    row = page.locator(".legend a").first
    tab_to(page, row)
    assert row.evaluate("element => getComputedStyle(element).outlineStyle") == "solid"
    name = row.locator(".who").inner_text()
    press("Enter")
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_contain_text(name)
    expect(heading).to_be_focused()
    press("Tab")
    expect(page.get_by_text("Name it")).to_be_focused()
    tab_to(page, page.get_by_role("link", name="Rules for these customers"))
    press("Enter")
    expect(heading).to_have_text("Rules")
    expect(page.locator(".search .note")).to_contain_text("rule")
    for label in ("rules-text", "rules-segment"):
        press("Tab")
        expect(page.locator(f"#{label}")).to_be_focused()


def tab_to(page: Page, place: Locator) -> None:
    """Press Tab until a place has the focus."""
    for _ in range(200):
        page.keyboard.press("Tab")
        if place.evaluate("element => element === document.activeElement"):
            return
    raise AssertionError("it cannot be reached")


def test_a_customer_is_found_and_a_segment_renamed_by_keyboard_alone(seen: Seen) -> None:
    page = seen.open()
    press = page.keyboard.press
    tab_to(page, page.get_by_label("Customer id"))
    page.keyboard.type("c17")
    press("Enter")
    expect(page.locator("h1.id")).to_have_text("CustomerC17")  # in capitals or not
    expect(page.locator(".why")).to_contain_text("C17 ")
    tab_to(page, page.locator(".whose a"))
    press("Enter")
    tab_to(page, page.get_by_text("Name it"))
    press("Enter")
    expect(page.get_by_label("Name (empty")).to_be_focused()
    page.keyboard.type("Ours \u2764")
    press("Enter")
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_contain_text("Ours \u2764")
    export = page.get_by_role("link", name="All as CSV")
    tab_to(page, export)
    with page.expect_download() as download:
        press("Enter")
    assert download.value.suggested_filename.endswith(".csv")
    page.get_by_text("Name it").click()
    page.get_by_label("Name (empty").fill("")
    page.get_by_role("button", name="Keep").click()
    expect(heading).not_to_contain_text("Ours")


def test_what_is_typed_while_the_form_opens_is_kept_and_taken_back(seen: Seen) -> None:
    page = seen.open("segments/s1")
    heading = page.get_by_role("heading", level=1)
    expect(heading).not_to_have_text("")
    made = heading.inner_text()
    for name in ("Ours", ""):
        # It is typed before the page is sent the event of the opening, and kept after it.
        page.get_by_text("Name it").evaluate(
            """async (summary, name) => {
                const details = summary.parentElement;
                const opened = new Promise((then) => details.addEventListener("toggle", then, { once: true }));
                summary.click();
                document.querySelector("#segment-name").value = name;
                await opened;
                document.querySelector("form.edit").requestSubmit();
            }""",
            name,
        )
        expect(heading).to_have_text(name or made, use_inner_text=True)


def test_every_chart_says_what_it_shows(seen: Seen) -> None:
    page = seen.open()
    drawn(page, "scatter")
    for plot in page.get_by_role("img").filter(has=page.locator("svg.drawn")).all():
        assert (plot.get_attribute("aria-label") or "").strip()
    page = seen.open("segments")
    drawn(page, "tree")
    assert "standard deviations" in (page.locator(".plot.tree").get_attribute("aria-label") or "")


def test_a_chart_that_shows_nothing_is_no_image(seen: Seen) -> None:
    nobody = '{"moves": 0, "since": null, "flows": []}'
    seen.page.route("**/v1/flows*", lambda route: route.fulfill(body=nobody, content_type="application/json"))
    page = seen.open()
    page.reload()
    expect(page.get_by_text("Nobody has moved yet")).to_be_visible()
    drawn(page, "scatter")
    expect(page.locator('.plot[aria-label=""]')).to_have_count(0)
    expect(page.locator(".plot.flows[role=img]")).to_have_count(0)
    page.unroute("**/v1/flows*")
