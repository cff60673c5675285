"""What each view shows of a shop, in a real browser that may load nothing from elsewhere."""

from __future__ import annotations

import re
import time
import tomllib
from datetime import UTC, datetime, timedelta

import httpx
from playwright.sync_api import Browser, expect

from crm_online.settings import Settings
from tests.api.asking import PATIENCE
from tests.dashboard.browsing import VIEWS, Seen, browsing, drawn, point_of, ready
from tests.dashboard.conftest import NO_TIME
from tests.predictions.judged import predictions
from tests.servers.serving import Served


def test_the_overview_shows_figures_segments_and_charts(seen: Seen, shop: Served) -> None:
    page = seen.open()
    status = httpx.get(f"{shop.url}/v1/status", timeout=PATIENCE).json()
    segments = httpx.get(f"{shop.url}/v1/segments", timeout=PATIENCE).json()["segments"]
    expect(page.locator(".head .figures")).to_contain_text(f"{status['baskets']:,}")
    expect(page.locator(".legend tbody tr")).to_have_count(len(segments))
    for segment in segments:
        row = page.locator(f".legend tr[data-segment={segment['id']}]")
        expect(row).to_contain_text(segment["name"])
        expect(row.locator(".size")).to_have_text(f"{segment['size']:,}")
    plot = drawn(page, "scatter")
    picture = httpx.get(f"{shop.url}/v1/picture", timeout=PATIENCE).json()
    known = "(plot, ids) => ids.filter((id) => plot.pointOf(id)).length"
    assert plot.evaluate(known, [one["id"] for one in picture["customers"]]) == len(picture["customers"])
    for axis in picture["axes"]:
        expect(plot.locator("svg")).to_contain_text(axis["name"].split(":")[0])
    expect(plot).to_have_attribute("aria-label", re.compile(r"Scatter of .* customers in .* segments"))
    expect(page.locator("#pulse")).to_have_attribute("data-state", "live")
    seen.keep("overview")


def test_many_segments_are_folded_by_the_branches_of_their_tree(seen: Seen, shop: Served) -> None:
    found = httpx.get(f"{shop.url}/v1/segments").json()
    ids = [f"s{number + 1}" for number in range(40)]
    segments = [{**found["segments"][0], "id": name, "name": f"Number {name}", "size": 10} for name in ids]
    # Each joins all before it: 28 joins leave twelve branches, the first of 29 segments.
    linkage = [[0 if step == 0 else 39 + step, step + 1, 0.1 * (step + 1), 10 * (step + 2)] for step in range(39)]
    hierarchy = {"leaves": ids, "linkage": linkage, "distances": [[0.0] * 40] * 40}
    many = {**found, "k": 40, "customers": 400, "segments": segments, "hierarchy": hierarchy}
    seen.page.route("**/v1/segments", lambda route: route.fulfill(json=many))
    page = seen.page
    page.goto("about:blank")
    seen.open()
    lines = page.locator(".legend tbody tr")
    expect(lines).to_have_count(12)
    branch = page.get_by_role("button", name="Number s1 and 28 more")
    expect(lines.first).to_contain_text("290")
    branch.click()
    expect(lines).to_have_count(41)
    expect(branch).to_have_attribute("aria-expanded", "true")
    page.get_by_role("button", name="Fold them").click()
    expect(lines).to_have_count(12)
    seen.keep("many-segments")
    page.unroute("**/v1/segments")
    page.goto("about:blank")


def test_each_number_of_what_changed_opens_its_list(browser: Browser, shop: Served) -> None:
    with browsing(browser, shop.url) as seen:
        seen.page.add_init_script("localStorage.setItem('crm-online.seen', '2000-01-01T00:00:00Z')")
        _follow_the_first_number(seen, shop)
        seen.clean()


def _follow_the_first_number(seen: Seen, shop: Served) -> None:
    page = seen.open("?days=30")
    found = httpx.get(f"{shop.url}/v1/digest", params={"days": 30}, timeout=PATIENCE).json()
    links = page.locator(".headline a")
    expect(links).to_have_count(sum(part["list"] is not None for part in found["parts"]))
    expect(page.locator(".visit")).to_contain_text("New since your last visit")
    names = {one["name"] for one in found["figures"]}
    expect(page.locator(".compared > div")).to_have_count(len(names) - (len(names) == 5))
    number = links.first.inner_text().split()[0]
    links.first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Who moved")
    expect(page.locator("table tbody tr")).to_have_count(int(number))
    page.get_by_label("From").select_option(index=1)
    expect(page).to_have_url(re.compile("from="))
    page.get_by_label("In which time").select_option("new since your last visit")
    expect(page).to_have_url(re.compile("since=2000-01-01"))
    assert "until" not in page.url
    page.get_by_label("What changed").select_option("rules that changed")
    expect(page.get_by_role("heading", level=1)).to_have_text("Rules that changed")
    expect(page.get_by_label("In which time").locator("option:checked")).to_have_text("new since your last visit")


def test_what_changed_since_monday(seen: Seen, shop: Served) -> None:
    page = seen.open()
    status = httpx.get(f"{shop.url}/v1/status", timeout=PATIENCE).json()
    now = datetime.fromisoformat(status["watermark"]).astimezone(UTC)
    monday = (now - timedelta(days=now.weekday() or 7)).replace(hour=0, minute=0, second=0, microsecond=0)
    page.get_by_label("What changed in which time").select_option("since Monday")
    told = httpx.get(f"{shop.url}/v1/digest", params={"since": monday.isoformat()}, timeout=PATIENCE).json()
    # Money is written otherwise than in the service's own text.
    expect(page.locator(".headline")).to_contain_text(told["headline"].split(",")[0])
    assert told["headline"].startswith(f"{monday.day} {monday:%b %Y} to ")


def test_moves_are_listed_by_what_customers_spent(seen: Seen, shop: Served) -> None:
    asked = {"since": "1970-01-01T00:00:00Z", "limit": "1000"}
    found = httpx.get(f"{shop.url}/v1/moves", params=asked, timeout=PATIENCE).json()["moves"]
    page = seen.open("moves?since=1970-01-01T00:00:00Z&order=monthly")
    most = max(found, key=lambda one: one["monthly"] or 0)
    expect(page.locator(".people tbody tr").first).to_contain_text(most["customer_id"])
    page.get_by_label("Order").select_option("the last first")
    expect(page.locator(".people tbody tr").first).to_contain_text(found[0]["customer_id"])
    assert "order" not in page.url


def test_search_finds_customers_items_and_segments(seen: Seen, shop: Served) -> None:
    name = httpx.get(f"{shop.url}/v1/segments", timeout=PATIENCE).json()["segments"][0]["name"]
    page = seen.open("service")
    heading = page.get_by_role("heading", level=1)
    for typed, kind, title in (("c1", "customer", None), ("butt", "item", "Rules"), (name[:9], "segment", None)):
        page.keyboard.press("Control+k")
        expect(page.locator("#customer")).to_be_focused()
        page.keyboard.type(typed)
        option = page.get_by_role("option").filter(has=page.locator(".note", has_text=kind)).first
        expect(option).to_be_visible()
        for _ in range(20):
            page.keyboard.press("ArrowDown")
            if option.get_attribute("aria-selected") == "true":
                break
        found = option.locator("bdi").inner_text()
        page.keyboard.press("Enter")
        expect(heading).to_contain_text(title or found)


def test_the_api_is_shown_from_the_services_own_document(seen: Seen, shop: Served) -> None:
    seen.page.goto(f"{shop.url}/docs")
    page = seen.page
    expect(page.get_by_role("heading", level=1)).to_have_text("API")
    paths = httpx.get(f"{shop.url}/openapi.json", timeout=PATIENCE).json()["paths"]
    expect(page.locator(".operation")).to_have_count(sum(map(len, paths.values())))
    page.locator(".operation summary").filter(has_text="/v1/digest").click()
    expect(page.locator(".operation[open] table")).to_contain_text("days")


def test_segments_have_a_tree_and_what_sets_each_apart(seen: Seen, shop: Served) -> None:
    page = seen.open("segments")
    found = httpx.get(f"{shop.url}/v1/segments", timeout=PATIENCE).json()
    expect(page.locator("article")).to_have_count(found["k"])
    for segment in found["segments"]:
        expect(page.locator(f"article[data-segment={segment['id']}]")).to_contain_text(segment["description"]["text"])
    tree = drawn(page, "tree")
    expect(tree.locator(".branch")).to_have_count(len(found["hierarchy"]["linkage"]))
    expect(page.locator(".joins li")).to_have_count(len(found["hierarchy"]["linkage"]))
    for branch in tree.locator(".branch").all():  # a style of another thing of that name had hidden them
        expect(branch).to_have_css("d", re.compile("path"))
    page.get_by_text("Distances between centres as a table").click()
    expect(page.locator("details.data tbody tr")).to_have_count(len(found["hierarchy"]["leaves"]))
    seen.keep("segments")


def test_the_customers_of_a_segment_come_page_by_page(seen: Seen, shop: Served) -> None:
    largest = max(
        httpx.get(f"{shop.url}/v1/segments", timeout=PATIENCE).json()["segments"], key=lambda one: int(one["size"])
    )
    page = seen.open("segments")
    page.locator(f"article[data-segment={largest['id']}] h2 a").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(largest["name"])
    page.get_by_text("Alert me").click()
    lines = tomllib.loads(page.get_by_role("region", name="Settings of a webhook").inner_text())
    assert Settings.model_validate(lines).webhooks[largest["id"]].segments == (largest["id"],)
    members = page.locator(".members tbody tr")
    expect(members.first).to_be_visible()
    before = members.count()
    page.get_by_role("button", name="More").click()
    expect(members.nth(before)).to_be_visible()
    seen.keep("segment")
    page.get_by_label("Order", exact=True).select_option("spend")
    expect(page).to_have_url(re.compile("sort=spend"))
    richest = httpx.get(
        f"{shop.url}/v1/segments/{largest['id']}/customers", params={"sort": "spend"}, timeout=PATIENCE
    ).json()
    expect(page.locator(".members tbody a").first).to_have_text(richest["customers"][0]["customer_id"])
    first = page.locator(".members tbody a").first
    name = first.inner_text()
    first.click()
    expect(page.locator("h1.id")).to_contain_text(name)


def test_a_rule_is_found_sorted_and_explained_and_has_a_page(seen: Seen) -> None:
    page = seen.open("rules")
    cards = page.locator(".rules > li")
    expect(cards.first).to_be_visible()
    before = cards.count()
    page.get_by_placeholder("Search items").fill("butt")
    expect(page.locator(".search .note")).to_contain_text(re.compile(r"^\d+ rules?"))
    expect(cards.filter(has_not_text="butter")).to_have_count(0)
    expect(cards.filter(has_text=re.compile("bread.*then.*butter")).first).to_be_visible()
    assert 0 < cards.count() < before
    page.get_by_label("Order").select_option("lift")
    expect(page).to_have_url(re.compile("sort=lift"))
    # Each itemset is a card of its own, with all its rules.
    sets = cards.locator("h2").evaluate_all(
        "all => all.map((one) => [...one.querySelectorAll('.item')].map((item) => item.textContent).sort().join())"
    )
    assert len(sets) == len(set(sets))
    first = cards.first
    expect(first.locator(".three")).to_contain_text("times chance")
    first.get_by_text("All measures").click()
    expect(first.locator(".measures")).to_contain_text("Mutual information")
    seen.keep("rules")
    sentence = first.locator(".says").inner_text()
    first.locator("h2 a").click()
    expect(page.locator(".why")).to_have_text(sentence)
    expect(page.locator(".measures")).to_contain_text("Conviction")
    seen.open('rules/["nothing","like it"]')
    expect(page.get_by_text("No such rule now")).to_be_visible()
    seen.complaints.clear()  # Chromium's own, of the 404


def test_rules_are_filtered_and_the_address_says_how(seen: Seen, shop: Served) -> None:
    page = seen.open("rules?min_lift=1.5&sort=confidence")
    total = httpx.get(f"{shop.url}/v1/rules", params={"min_lift": 1.5}, timeout=PATIENCE).json()["total"]
    expect(page.locator(".search .note")).to_contain_text(f"{total} rule")
    page.get_by_placeholder("Search items").fill("no such item")
    expect(page.get_by_text("No rule fits")).to_be_visible()
    assert "text=no+such+item" in page.url
    page.get_by_role("button", name="Show all rules").click()
    expect(page.locator(".rules")).to_be_visible()


def test_a_customer_is_opened_by_id(seen: Seen, shop: Served) -> None:
    page = seen.open()
    page.get_by_label("Customer id").fill("C17")
    page.get_by_label("Customer id").press("Enter")
    expect(page.locator("h1.id")).to_contain_text("C17")
    found = httpx.get(f"{shop.url}/v1/customers/C17", timeout=PATIENCE).json()
    told = httpx.get(f"{shop.url}/v1/explain/C17", timeout=PATIENCE).json()
    expect(page.locator(".why")).to_have_text(told["text"])
    expect(page.locator(".near")).to_have_count(1)
    expect(page.locator(".bars:not(.pulls) li")).to_have_count(len(found["distances"]))
    expect(page.locator(".moves li.move")).to_have_count(len(found["history"]))
    expect(page.locator(".facts")).to_contain_text("orders")
    assert "C17" in page.title()
    new = {"customer_id": "C17", "limit": 8, "new_only": True}
    items = httpx.post(f"{shop.url}/v1/recommendations", json=new).json()["items"]
    page.get_by_label("new to this customer only").check()
    expect(page.locator(".recs .item")).to_have_text([one["item"] for one in items])
    page.get_by_label("new to this customer only").uncheck()
    page.get_by_placeholder("Add an item").fill("bread")
    page.get_by_role("button", name="Add").click()
    expect(page.locator(".recs li").first).to_be_visible()
    expect(page.locator(".recs b").filter(has_text="bread")).to_have_count(0)
    expect(page.locator(".recs li").filter(has_text="of the baskets with bread")).not_to_have_count(0)
    seen.keep("customer")
    page.get_by_role("button", name="Take bread out of the basket").click()
    expect(page.locator(".basket + .tags li")).to_have_count(0)


def test_a_mark_says_whose_it_is_and_opens_the_customer(seen: Seen) -> None:
    page = seen.open()
    point, plot = point_of(page, "C17"), drawn(page, "scatter")
    tip, deadline = page.get_by_role("tooltip"), time.monotonic() + 60
    while not tip.is_visible():  # what is drawn above the plot may move it away from the mouse
        assert time.monotonic() < deadline, "no mark under the mouse says whose it is"
        plot.scroll_into_view_if_needed()
        box = plot.bounding_box()
        assert box is not None
        page.mouse.move(box["x"] + point["x"], box["y"] + point["y"])
    # Another customer's mark may lie on it.
    name = tip.locator("b").inner_text()
    page.mouse.down()
    page.mouse.up()
    expect(page.locator("h1.id")).to_have_text(f"Customer{name}")
    expect(tip).to_be_hidden()


def test_the_mouse_draws_over_customers_to_list_them(seen: Seen) -> None:
    page = seen.open()
    plot = drawn(page, "scatter")
    plot.scroll_into_view_if_needed()
    size = plot.bounding_box()
    assert size is not None
    plot.hover(position={"x": 60, "y": 20})
    page.mouse.down()
    plot.hover(position={"x": size["width"] / 2, "y": size["height"] / 2})
    page.mouse.up()
    found = page.locator(".brushed")
    expect(found).to_contain_text(re.compile(r"^\d+ customers? here"))
    sizes = found.locator(".key > span").all_inner_texts()
    assert sum(int(text.split()[-1]) for text in sizes) == int(found.inner_text().split()[0]) > 0
    expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
    seen.keep("brushed")
    found.get_by_role("button", name="Clear").click()
    expect(found).to_be_hidden()


def test_the_service_shows_how_far_it_is(seen: Seen) -> None:
    page = seen.open("service")
    expect(page.locator(".ready")).to_have_text("Ready")
    expect(page.get_by_role("table", name="How far each partition is")).to_contain_text("0")
    rejects = page.locator(".rejects tbody tr")
    expect(rejects).to_have_count(1)
    expect(rejects).to_contain_text("time is missing")
    expect(rejects.locator(".raw")).to_have_text(NO_TIME)
    seen.keep("service")
    raw = "x" * 4000
    long = {"change_id": "0-0-1", "reason": "no JSON", "field": None, "position": "x:1", "raw": raw}
    answer = {"rejected": 1, "reasons": {}, "rejects": [long]}
    page.route("**/v1/rejects", lambda route: route.fulfill(json=answer))
    page.reload()
    expect(rejects.locator(".raw").first).to_have_text(f"{raw[:200]}…")
    rejects.get_by_text("all 4,000 characters").click()
    expect(rejects.locator(".raw").last).to_have_text(raw)
    page.unroute("**/v1/rejects")


def test_a_page_that_is_not_there_leads_back(seen: Seen) -> None:
    page = seen.open("nowhere")
    page.get_by_role("link", name="Go to the overview").click()
    expect(page.locator(".legend tbody tr").first).to_be_visible()


def test_nothing_is_wider_than_a_phone(browser: Browser, shop: Served) -> None:
    with browsing(browser, shop.url, viewport={"width": 320, "height": 844}, has_touch=True) as seen:
        for name, view in VIEWS.items():
            page = seen.open(view)
            ready(page, name)
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
            seen.keep(f"phone-{name}")
        seen.clean()


def test_one_long_word_is_not_wider_than_a_phone(browser: Browser, shop: Served) -> None:
    word = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft"
    found = httpx.get(f"{shop.url}/v1/segments", timeout=PATIENCE).json()
    for segment in found["segments"]:
        segment["name"] = word
        segment["description"]["traits"] = {
            "customers": 9,
            "attributes": [],
            "contact_reasons": [],
            "feedback": None,
            "items": [{"value": word, "ratio": 2.0}],
        }
    rule = httpx.get(f"{shop.url}/v1/rules", params={"limit": 1}, timeout=PATIENCE).json()["rules"][0]
    rule |= {"antecedent": [word], "consequent": [word]}
    item = {"rank": 1, "item": word, "because": {"text": word}}
    with browsing(browser, shop.url, viewport={"width": 320, "height": 844}) as seen:
        page = seen.page
        page.route("**/v1/segments", lambda route: route.fulfill(json=found))
        page.route("**/v1/rules/*", lambda route: route.fulfill(json=rule))
        page.route("**/v1/recommendations", lambda route: route.fulfill(json={"items": [item], "unknown": []}))
        for name in ("overview", "segments", "segment", "rule", "customer"):
            seen.open(VIEWS[name])
            ready(page, name)
            expect(page.locator("main").get_by_text(word).first).to_be_visible()
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
        seen.clean()


def test_the_colours_are_the_systems_until_others_are_chosen(browser: Browser, shop: Served) -> None:
    with browsing(browser, shop.url, color_scheme="dark") as seen:
        page = seen.open()
        drawn(page, "scatter")
        root = page.locator("html")
        expect(root).to_have_attribute("data-theme", "dark")
        ink = page.locator(".plot.scatter text.ink").first
        expect(ink).to_have_css("fill", "rgb(232, 230, 225)")
        seen.keep("dark-overview")
        page.get_by_role("button", name="Light colours").click()
        expect(root).to_have_attribute("data-theme", "light")
        expect(ink).to_have_css("fill", "rgb(29, 33, 40)")
        page.reload()
        expect(root).to_have_attribute("data-theme", "light")
        seen.clean()


def test_predictions_say_who_is_at_risk_before_any_outcome_is_known(seen: Seen, shop: Served) -> None:
    page = seen.open("predictions")
    found = httpx.get(f"{shop.url}/v1/predictions", timeout=PATIENCE).json()
    rows = page.locator(".risks tbody tr")
    expect(rows).to_have_count(len(found["at_risk"]))
    first = found["at_risk"][0]
    expect(rows.first).to_contain_text(first["customer_id"])
    expect(rows.first).to_contain_text(f"{100 * first['purchase']:.1f} %")
    expect(page.locator(".bars li")).to_have_count(len(found["bands"]) + 1)
    expect(page.get_by_text("No outcome is known yet", exact=True)).to_be_visible()
    rows.first.get_by_role("link").first.click()
    expect(page.locator("h1.id")).to_contain_text(first["customer_id"])


def test_predictions_that_were_judged_are_drawn_by_target(seen: Seen) -> None:
    judged = predictions("purchase", "responded")
    seen.page.route("**/v1/predictions", lambda route: route.fulfill(json=judged))
    page = seen.open("predictions")
    plots = page.locator(".plot.judged")
    for number in range(3):
        expect(plots.nth(number).locator(".curve")).to_have_count(6)
        assert "table below has the figures" in (plots.nth(number).get_attribute("aria-label") or "")
    models = page.get_by_role("region", name="Models, as a table")
    for target in ("purchase", "responded"):
        page.get_by_label("What is predicted").select_option(target)
        best = next(one for one in judged["models"] if (one["target"], one["name"]) == (target, "ensemble"))
        expect(models.locator("tbody tr").last).to_contain_text(f"{best['roc_auc']:.3g}")
    page.get_by_text("Calibration as a table").click()
    bins = sum(len(one["calibration"]) for one in judged["curves"] if one["target"] == "responded")
    expect(page.locator("details.data[open] tbody tr")).to_have_count(bins)
    seen.keep("predictions")
    seen.page.unroute("**/v1/predictions")
