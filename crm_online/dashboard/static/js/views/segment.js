// One segment: what sets it apart, its centre, and its customers page by page.

import { get, ofCustomer, part, patch } from "../api.js";
import { board } from "../board.js";
import { h, put, announce, text } from "../dom.js";
import { count, money, percent, plural, quantity, styles, time, words } from "../format.js";
import { chip, mark, moneyless, PRICED, unit } from "../segments.js";
import { facts, traits } from "./segments.js";
import { card, empty, heading, loading, wrong } from "./parts.js";

const PAGE = 25;
const MOST = 500;
const EVERY = 8000;

const SORTS = [["", "in no order"], ["last_purchase", "by last order"], ["since", "by how long they are here"], ["spend", "by money spent"]];
const DAY = 86_400_000;
const IDLE = [["", "whenever they bought"], ["30", "no order for 30 days"], ["90", "no order for 90 days"], ["-30", "ordered in the last 30 days"]];

/** The segment's customers: page by page in no order, or the first by a sort. */
function members(id, query, signal) {
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
      const found = await get(`segments/${part(id)}/customers`, { limit, after: fresh ? null : next, ...wanted }, signal);
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
  return card("w7", "Customers", h("a", { href: `/v1/segments/${part(id)}/customers.csv`, download: `${id}.csv` }, "All as CSV"), controls, place);
}

/** Who came from where, and went where, by what they did. */
function neighbours(id, signal) {
  const place = h("div", {}, loading());
  const load = async () => {
    const found = await get("digest", { days: 30 }, signal).catch(() => null);
    if (!found) return;
    const side = (title, mine, other) => {
      const sums = new Map();
      for (const flow of found.flows.filter((one) => one[mine] === id)) {
        const before = sums.get(flow[other]) ?? { moves: 0, monthly: 0 };
        sums.set(flow[other], { moves: before.moves + flow.moves, monthly: before.monthly + (flow.monthly ?? 0) });
      }
      const rows = [...sums].sort(([, a], [, b]) => b.moves - a.moves).map(([segment, { moves, monthly }]) => h("li", {}, h("span", {}, chip(segment), monthly ? h("span", { class: "note block" }, `spending ${money(monthly)} a month`) : null), h("a", { class: "val", href: `#/moves?${new URLSearchParams([["since", found.since], ["until", found.until], [mine, id], [other, segment]])}` }, plural(moves, "move"))));
      return [h("h3", {}, title), rows.length ? h("ul", { class: "sides" }, rows) : h("p", { class: "note" }, "nobody")];
    };
    put(place, side("Came from", "to", "from"), side("Went to", "from", "to"), h("p", { class: "note" }, "by what customers did, from ", time(found.since, styles.day), " on"));
  };
  board.whenReady(load, signal);
  board.fresh(load, signal, EVERY);
  return card("", "Came and went", "in 30 days", place);
}

/** Name, note and colour, to be given by hand: they stay with the id. */
function editing(id) {
  const name = h("input", { id: "segment-name", maxlength: "80", autocomplete: "off" });
  const note = h("textarea", { id: "segment-note", maxlength: "2000", rows: "3" });
  const tint = h("input", { id: "segment-colour", type: "color" });
  const own = h("input", { id: "segment-own", type: "checkbox" });
  const wrongs = h("p", { class: "wrong", role: "alert" });
  const form = h(
    "form",
    { class: "edit" },
    h("label", { for: "segment-name" }, "Name", h("span", { class: "note" }, " (empty: the one that is made)")),
    name,
    h("label", { for: "segment-note" }, "Note"),
    note,
    h("div", { class: "tint" }, h("label", { for: "segment-own" }, own, " a colour of its own"), h("label", { class: "unseen", for: "segment-colour" }, "Colour"), tint),
    h("button", { type: "submit", class: "main" }, "Keep"),
    wrongs,
  );
  const element = h("details", { class: "editing" }, h("summary", {}, "Name it"), form);
  let now = null;
  const fill = () => {
    name.value = now.named_by_hand ? now.name : "";
    name.placeholder = now.made_name;
    note.value = now.note ?? "";
    own.checked = Boolean(now.colour);
    if (now.colour) tint.value = now.colour;
  };
  // It is filled while it is closed: "toggle" comes some time after the opening, when somebody may have begun to type.
  element.addEventListener("toggle", () => (element.open ? name.focus() : fill()));
  tint.addEventListener("input", () => (own.checked = true));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const change = { name: name.value.trim() || null, note: note.value.trim() || null, colour: own.checked ? tint.value : null };
    try {
      const changed = await patch(`segments/${part(id)}`, change);
      text(wrongs, "");
      element.open = false;
      element.firstChild.focus();
      announce(`The segment is called ${changed.name}`);
      // What is shown follows at once; the service's own answer within a second or two.
      const found = board.values.segments;
      board.replace("segments", { ...found, segments: found.segments.map((each) => (each.id === id ? { ...each, ...changed } : each)) });
    } catch (problem) {
      text(wrongs, problem.status === 403 ? "Your key may not change it: that needs the scope write." : problem.message);
    }
  });
  const set = (one) => {
    now = one;
    if (!element.open) fill();
  };
  return { element, set };
}

/** The settings that post what happens in the segment to an address of one's own. */
function alerting(id) {
  const lines = [`[webhooks.${id}]`, 'url = "https://…"', 'kinds = ["segment-change", "segment"]', `segments = ["${id}"]`, 'secret_file = "…"'];
  const how = "Into crm-online.toml, and the service started again: it posts each customer who comes or goes to that address, signed (docs/webhooks.md).";
  return h("details", { class: "editing" }, h("summary", {}, "Alert me"), h("p", { class: "note" }, how), h("pre", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Settings of a webhook" }, h("code", {}, lines.join("\n"))));
}

/** The view, and what fills it with a segment as it stands; what has the focus stays. */
function frame(id, query, signal) {
  const title = h("h1", { tabindex: "-1" });
  const lead = h("p", { class: "lead" });
  const note = h("p", { class: "by-hand", hidden: true });
  const apart = h("div");
  const centre = h("dl", { class: "facts two" });
  const rules = h("p", { class: "more" }, h("a", { href: `#/rules?segment=${part(id)}` }, "Rules for these customers"));
  const elements = [
    h("div", { class: "head" }, h("div", {}, title, lead, note)),
    h(
      "div",
      { class: "grid" },
      h("div", { class: "w5 stack" }, card("", "What sets them apart", null, apart, rules), neighbours(id, signal), card("", "Centre", "the average of each feature", centre), alerting(id)),
      members(id, query, signal),
    ),
  ];
  const edit = editing(id);
  elements[0].append(edit.element);
  const set = (one, found) => {
    edit.set(one);
    put(note, one.note ?? "");
    note.hidden = !one.note;
    document.title = `${one.name} · crm-online`;
    put(title, mark(one.id), " ", one.name);
    text(lead, `${plural(one.size, "customer")}, ${percent(one.size / (found.customers || 1))} of ${count(found.customers)} · ${one.id}`);
    put(apart, h("p", { class: "why" }, one.description.text), facts(one), traits(one));
    put(centre, found.features.filter((name) => (name !== "feedback" || one.description.traits?.feedback) && !(moneyless() && PRICED.includes(name))).map((name) => [h("dt", {}, words(name)), h("dd", {}, quantity(one.centroid[name], unit(name)))]));
  };
  return { elements, title, set };
}

const gone = () => [
  h("div", { class: "head" }, heading("No such segment")),
  h("section", { class: "card" }, empty("It is not there now", "Segments may go when a better model is fitted. ", h("a", { href: "#/segments" }, "All segments"))),
];

export function segment(root, { id, query }, signal) {
  put(root, loading());
  let framed = null;
  board.on("segments", (found, problem) => {
    if (!found) {
      framed = null;
      if (problem) put(root, heading("Segment"), wrong(problem));
      return;
    }
    const one = found.segments.find((each) => each.id === id);
    if (!one) {
      framed = null;
      put(root, gone());
      return;
    }
    if (framed) {
      framed.set(one, found);
      return;
    }
    framed = frame(id, query, signal);
    framed.set(one, found);
    put(root, framed.elements);
    if (document.activeElement === root) framed.title.focus();
  }, signal);
}
