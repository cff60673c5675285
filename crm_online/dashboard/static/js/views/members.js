// The customers of a segment: page by page, or the first by money, last order or how long they are there.

import { address, get, ofCustomer, part } from "../api.js";
import { board } from "../board.js";
import { announce, h, put, text } from "../dom.js";
import { money, plural, styles, time } from "../format.js";
import { moneyless } from "../segments.js";
import { apiCall } from "./call.js";
import { card, empty, loading, wrong } from "./parts.js";

const PAGE = 25;
const MOST = 500;
const EVERY = 8000;

const SORTS = [["", "in no order"], ["last_purchase", "by last order"], ["since", "by how long they are here"], ["spend", "by money spent"]];
const DAY = 86_400_000;
const IDLE = [["", "whenever they bought"], ["30", "no order for 30 days"], ["90", "no order for 90 days"], ["-30", "ordered in the last 30 days"]];

/** The segment's customers: page by page in no order, or the first by a sort. */
export function members(id, query, signal) {
  const rows = h("tbody");
  const more = h("button", { type: "button" }, "More");
  const note = h("p", { class: "note" });
  const place = h("div", {}, loading());
  const choice = (label, name, options) => h("select", { "aria-label": label, name }, options.map(([value, title]) => h("option", { value, selected: (query.get(name) ?? "") === value }, title)));
  const bare = moneyless();
  const [sort, idle] = [choice("Order", "sort", bare ? SORTS.slice(0, -1) : SORTS), choice("Last order", "idle", IDLE)];
  const turn = h("button", { type: "button", "aria-pressed": String(query.get("turned") === "1") }, "Other way round");
  const least = h("input", { type: "number", min: "0", step: "any", name: "spent", inputmode: "decimal", placeholder: "spent at least", "aria-label": "Spent at least", value: query.get("spent") ?? "" });
  const heads = h("tr", {}, [["customer"], ["spent", "num money"], ["last order", "num"], ["here since", "num"]].map(([title, kind]) => h("th", { scope: "col", class: kind }, title)));
  const list = h("div", {}, h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Customers of the segment" }, h("table", { class: bare ? "members moneyless" : "members" }, h("caption", { class: "unseen" }, "Customers of the segment"), h("thead", {}, heads), rows)), h("div", { class: "pages" }, more, note));
  const path = `segments/${part(id)}/customers`;
  let next = null;

  /** What is asked for beside the page; empty where pages come in no order. */
  const asked = () => {
    const filtered = idle.value || least.value;
    if (!sort.value && !filtered) return {};
    const until = Date.parse(board.values.status?.watermark ?? Date());
    const time = idle.value ? new Date(until - Math.abs(Number(idle.value)) * DAY).toISOString() : null;
    return { sort: sort.value || (bare ? "last_purchase" : "spend"), descending: turn.getAttribute("aria-pressed") !== "true", min_spend: least.value, [Number(idle.value) < 0 ? "bought_since" : "bought_before"]: time };
  };
  const load = async (fresh = false) => {
    more.disabled = true;
    try {
      const wanted = asked();
      const limit = fresh ? Math.max(PAGE, Math.min(MOST, rows.children.length)) : wanted.sort ? rows.children.length + PAGE : PAGE;
      const found = await get(path, { limit, after: fresh ? null : next, ...wanted }, signal);
      if (fresh || wanted.sort) put(rows);
      rows.append(
        ...found.customers.map((one) =>
          h("tr", {}, h("th", { scope: "row" }, h("a", { href: ofCustomer(one.customer_id) }, h("bdi", {}, one.customer_id))), h("td", { class: "num money" }, money(one.spend)), h("td", { class: "num" }, one.last_purchase ? time(one.last_purchase, styles.day) : "none"), h("td", { class: "num" }, time(one.since, styles.day))),
        ),
      );
      next = found.next;
      const whole = wanted.sort ? found.customers.length < limit : next === null;
      more.hidden = whole;
      text(note, `${plural(rows.children.length, "customer")} shown${whole ? "; these are all" : ""}${found.complete ? "" : ", of some hundred thousand that were looked at"}`);
      if (!fresh) announce(note.textContent);
      put(place, rows.children.length ? list : empty("No customers", Object.keys(wanted).length ? "Nobody in this segment is so now." : "Nobody is reported in this segment now."));
    } catch (problem) {
      if (problem.name !== "AbortError") put(place, wrong(problem));
    }
    more.disabled = false;
  };
  const again = () => {
    const pairs = [["sort", sort.value], ["idle", idle.value], ["spent", least.value], ["turned", turn.getAttribute("aria-pressed") === "true" ? "1" : ""]].filter(([, value]) => value);
    history.replaceState(null, "", `#/segments/${part(id)}${pairs.length ? `?${new URLSearchParams(pairs)}` : ""}`);
    put(rows);
    next = null;
    load(true);
  };
  turn.addEventListener("click", () => {
    turn.setAttribute("aria-pressed", String(turn.getAttribute("aria-pressed") !== "true"));
    again();
  });
  for (const input of [sort, idle, least]) input.addEventListener("change", again);
  more.addEventListener("click", () => load());
  load();
  board.fresh(() => rows.contains(document.activeElement) || load(true), signal, EVERY);
  const controls = h("form", { class: "search", onsubmit: (event) => event.preventDefault() }, sort, turn, idle, bare ? null : least);
  return card("", "Customers", h("a", { href: `/v1/segments/${part(id)}/customers.csv`, download: `${id}.csv` }, "All as CSV"), controls, place, apiCall(() => ({ path: address(path, asked()) })));
}
