// One segment: what sets it apart, its centre, and its customers page by page.

import { get, ofCustomer, part } from "../api.js";
import { board } from "../board.js";
import { h, put, announce, text } from "../dom.js";
import { count, percent, plural, quantity, styles, time, words } from "../format.js";
import { mark, unit } from "../segments.js";
import { facts, traits } from "./segments.js";
import { card, empty, heading, loading, wrong } from "./parts.js";

const PAGE = 25;

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
  const load = async () => {
    more.disabled = true;
    try {
      const found = await get(`segments/${part(id)}/customers`, { limit: PAGE, after: next }, signal);
      rows.append(
        ...found.customers.map((one) =>
          h("tr", {}, h("th", { scope: "row" }, h("a", { href: ofCustomer(one.customer_id) }, one.customer_id)), h("td", { class: "num" }, time(one.since))),
        ),
      );
      next = found.next;
      more.hidden = next === null;
      text(note, `${plural(rows.children.length, "customer")} shown${next === null ? "; these are all" : ""}`);
      announce(note.textContent);
      if (list.parentNode !== place) put(place, rows.children.length ? list : empty("No customers", "Nobody is reported in this segment now."));
    } catch (problem) {
      if (problem.name !== "AbortError") put(place, wrong(problem));
    }
    more.disabled = false;
  };
  more.addEventListener("click", load);
  load();
  return card("w7", "Customers", null, place);
}

/** The view, and what fills it with a segment as it stands; what has the focus stays. */
function frame(id, signal) {
  const title = h("h1", { tabindex: "-1" });
  const lead = h("p", { class: "lead" });
  const apart = h("div");
  const centre = h("dl", { class: "facts two" });
  const rules = h("p", { class: "more" }, h("a", { href: `#/rules?segment=${part(id)}` }, "Rules for these customers"));
  const elements = [
    h("div", { class: "head" }, h("div", {}, title, lead)),
    h(
      "div",
      { class: "grid" },
      h("div", { class: "w5 stack" }, card("", "What sets them apart", null, apart, rules), card("", "Centre", "the average of each feature", centre)),
      members(id, signal),
    ),
  ];
  const set = (one, found) => {
    document.title = `${one.name} · crm-online`;
    put(title, mark(one.id), " ", one.name);
    text(lead, `${plural(one.size, "customer")}, ${percent(one.size / (found.customers || 1))} of ${count(found.customers)} · ${one.id}`);
    put(apart, h("p", { class: "why" }, one.description.text), facts(one), traits(one));
    put(centre, found.features.map((name) => [h("dt", {}, words(name)), h("dd", {}, quantity(one.centroid[name], unit(name)))]));
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
