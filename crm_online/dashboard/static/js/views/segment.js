// One segment: what sets it apart, its centre, and its customers page by page.

import { get, ofCustomer, part, patch } from "../api.js";
import { board } from "../board.js";
import { h, put, announce, text } from "../dom.js";
import { count, percent, plural, quantity, styles, time, words } from "../format.js";
import { mark, unit } from "../segments.js";
import { facts, traits } from "./segments.js";
import { card, empty, heading, loading, wrong } from "./parts.js";

const PAGE = 25;
const MOST = 500;
const EVERY = 8000;

/** The segment's customers; each further page below those that are there. */
function members(id, signal) {
  const rows = h("tbody");
  const more = h("button", { type: "button" }, "More");
  const note = h("p", { class: "note" });
  const place = h("div", {}, loading());
  const list = h(
    "div",
    {},
    h("table", { class: "members" }, h("caption", {}, "Customers, in no order"), h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "customer"), h("th", { scope: "col", class: "num" }, "here since"))), rows),
    h("div", { class: "pages" }, more, note),
  );
  let next = null;
  const load = async (fresh = false) => {
    more.disabled = true;
    try {
      const limit = fresh ? Math.max(PAGE, Math.min(MOST, rows.children.length)) : PAGE;
      const found = await get(`segments/${part(id)}/customers`, { limit, after: fresh ? null : next }, signal);
      if (fresh) put(rows);
      rows.append(
        ...found.customers.map((one) =>
          h("tr", {}, h("th", { scope: "row" }, h("a", { href: ofCustomer(one.customer_id) }, one.customer_id)), h("td", { class: "num" }, time(one.since))),
        ),
      );
      next = found.next;
      more.hidden = next === null;
      text(note, `${plural(rows.children.length, "customer")} shown${next === null ? "; these are all" : ""}`);
      if (!fresh) announce(note.textContent);
      if (list.parentNode !== place) put(place, rows.children.length ? list : empty("No customers", "Nobody is reported in this segment now."));
    } catch (problem) {
      if (problem.name !== "AbortError") put(place, wrong(problem));
    }
    more.disabled = false;
  };
  more.addEventListener("click", () => load());
  load();
  board.fresh(() => rows.contains(document.activeElement) || load(true), signal, EVERY);
  return card("w7", "Customers", h("a", { href: `/v1/segments/${part(id)}/customers.csv`, download: `${id}.csv` }, "All as CSV"), place);
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
    name.placeholder = now.named_by_hand ? "" : now.name;
    note.value = now.note ?? "";
    own.checked = Boolean(now.colour);
    if (now.colour) tint.value = now.colour;
  };
  element.addEventListener("toggle", () => element.open && (fill(), name.focus()));
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
      board.publish("segments", { ...found, segments: found.segments.map((each) => (each.id === id ? { ...each, ...changed } : each)) });
    } catch (problem) {
      text(wrongs, problem.status === 403 ? "Your key may not change it: that needs the scope write." : problem.message);
    }
  });
  return { element, set: (one) => ((now = one), element.contains(document.activeElement) || (element.open && fill())) };
}

/** The view, and what fills it with a segment as it stands; what has the focus stays. */
function frame(id, signal) {
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
      h("div", { class: "w5 stack" }, card("", "What sets them apart", null, apart, rules), card("", "Centre", "the average of each feature", centre)),
      members(id, signal),
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
    put(centre, found.features.filter((name) => name !== "feedback" || one.description.traits?.feedback).map((name) => [h("dt", {}, words(name)), h("dd", {}, quantity(one.centroid[name], unit(name)))]));
  };
  return { elements, title, set };
}

const gone = () => [
  h("div", { class: "head" }, heading("No such segment")),
  h("section", { class: "card" }, empty("It is not there now", "Segments may go when a better model is fitted. ", h("a", { href: "#/segments" }, "All segments"))),
];

export function segment(root, { id }, signal) {
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
    framed = frame(id, signal);
    framed.set(one, found);
    put(root, framed.elements);
    if (document.activeElement === root) framed.title.focus();
  }, signal);
}
