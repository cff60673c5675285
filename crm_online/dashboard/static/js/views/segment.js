// One segment: what sets it apart, how it grew, who came and went, what is bought together, and its customers.

import { address, get, part, patch } from "../api.js";
import { board } from "../board.js";
import { series, sizes } from "../charts/sizes.js";
import { h, put, announce, text } from "../dom.js";
import { at, count, money, number, percent, plural, quantity, styles, time, words } from "../format.js";
import { chip, mark, moneyless, PRICED, unit } from "../segments.js";
import { apiCall } from "./call.js";
import { members } from "./members.js";
import { rule } from "./rule.js";
import { facts, traits } from "./segments.js";
import { asTable, card, empty, heading, loading, table, wrong } from "./parts.js";

const EVERY = 8000;
const RULES = 5;
const ROWS = 40;
// Moves for what customers did.
const DID = "did";

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
      const rows = [...sums].sort(([, a], [, b]) => b.moves - a.moves).map(([segment, { moves, monthly }]) => h("li", {}, h("span", {}, chip(segment), monthly ? h("span", { class: "note block" }, `spending ${money(monthly)} a month`) : null), h("a", { class: "val", href: `#/moves?${new URLSearchParams([["since", found.since], ["until", found.until], [mine, id], [other, segment], ["reason", DID]])}` }, plural(moves, "move"))));
      return [h("h3", {}, title), rows.length ? h("ul", { class: "sides" }, rows) : h("p", { class: "note" }, "nobody")];
    };
    put(place, side("Came from", "to", "from"), side("Went to", "from", "to"), h("p", { class: "note" }, "by what customers did, from ", time(found.since, styles.day), " on"));
  };
  board.whenReady(load, signal);
  board.fresh(load, signal, EVERY);
  return card("", "Came and went", "in 30 days", place);
}

/** How many customers it had, along event time. */
function trend(id, signal) {
  const chart = sizes(signal, id);
  const few = h("p", { class: "note" }, "Its size shows here as soon as it changes.");
  const rows = () => {
    const { points } = board.values.sizes;
    const step = Math.max(1, Math.ceil(points.length / ROWS));
    const shown = points.filter((one, place) => (points.length - 1 - place) % step === 0).reverse();
    return table("Customers, the latest first", ["event time", "customers"], shown.map((one) => [at(one.as_of), count(one.sizes[id] ?? 0)]));
  };
  const figures = asTable("Sizes as a table", rows);
  const place = h("div", {}, chart.element, figures.element);
  board.on("sizes", (value) => {
    const known = (value?.points.length ?? 0) > 1 && series(value, id).length > 0;
    [place.hidden, few.hidden] = [!known, known];
    if (!known) return;
    chart.set(value);
    figures.again();
  }, signal);
  return card("", "Size over time", null, place, few);
}

/** Its own rules: what its customers buy together more often than the others do. */
function together(id, signal) {
  const place = h("div", {}, loading());
  const asked = { segment: id, limit: RULES };
  const says = (one) => `${percent(one.support)} of their orders, ${percent(one.everybody)} of everybody's; ${percent(one.confidence, 0)} of those with the first; ${number(one.lift)} × chance`;
  const load = async () => {
    const found = await get("rules", asked, signal).catch((problem) => problem);
    if (found.name === "AbortError") return;
    if (!found.rules) put(place, wrong(found));
    else if (!found.rules.length) put(place, h("p", { class: "note" }, "Nothing that stands out: so far no two items are in their orders together more often than in those of others, beyond chance."));
    else put(place, h("ul", { class: "groups one" }, found.rules.map((one) => h("li", {}, rule(one), h("span", { class: "note block" }, says(one))))));
  };
  board.whenReady(load, signal);
  board.fresh(load, signal, EVERY);
  const more = h("p", { class: "more" }, h("a", { href: `#/rules?segment=${part(id)}` }, "Rules for these customers"));
  return card("", "Bought together here", "more often than by others", place, more, apiCall(() => ({ path: address("rules", asked) })));
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
  const elements = [
    h("div", { class: "head" }, h("div", {}, title, lead, note)),
    h(
      "div",
      { class: "grid" },
      h("div", { class: "w5 stack" }, card("", "What sets them apart", null, apart, apiCall(() => ({ path: address(`segments/${part(id)}`) }))), trend(id, signal), neighbours(id, signal), card("", "Centre", "the average of each feature", centre), alerting(id)),
      h("div", { class: "w7 stack" }, members(id, query, signal), together(id, signal)),
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
    text(lead, `${plural(one.size, "customer")}, ${percent(one.size / (found.customers || 1))} of ${count(found.customers)}${moneyless() || one.spend_share === null ? "" : ` · ${percent(one.spend_share)} of what was spent lately`} · ${one.id}`);
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
