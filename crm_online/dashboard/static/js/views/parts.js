// What several views are made of.

import { board } from "../board.js";
import { h, put } from "../dom.js";
import { count, plural } from "../format.js";

/** A card: a heading, a note next to it, and what is in it. */
export function card(width, title, note, ...children) {
  return h("section", { class: `card ${width}` }, h("header", {}, h("h2", {}, title), note && h("p", { class: "note" }, note)), children);
}

/** A view's heading, which has the focus when the view was gone to. */
export const heading = (title, ...lead) =>
  h("div", {}, h("h1", { tabindex: "-1" }, title), lead.length ? h("p", { class: "lead" }, lead) : null);

export const loading = () => h("div", { class: "loading", role: "status" }, h("span", { class: "unseen" }, "loading"));

export const empty = (title, ...more) => h("div", { class: "empty" }, h("strong", {}, title), more);

/** Figures by name: `figures({...}).set(name, ...children)`. */
export function figures(names) {
  const places = new Map(names.map((name) => [name, h("dd", {}, "–")]));
  const element = h("dl", { class: "figures" }, names.map((name) => h("div", {}, h("dt", {}, name), places.get(name))));
  return { element, set: (name, ...children) => put(places.get(name), children) };
}

/** A table that may be wider than its place: it scrolls by itself, also with the keyboard. */
export const scrolled = (label, ...children) => h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": label }, children);

export const table = (caption, columns, rows) =>
  h(
    "table",
    {},
    h("caption", {}, caption),
    h("thead", {}, h("tr", {}, columns.map((name, at) => h("th", { scope: "col", class: at ? "num" : null }, name)))),
    h("tbody", {}, rows.map(([first, ...rest]) => h("tr", {}, h("th", { scope: "row" }, first), rest.map((one) => h("td", { class: "num" }, one))))),
  );

/** What a chart shows, as a table that is opened. `make()` makes it when it is. */
export function asTable(label, make) {
  const inside = h("div", { tabindex: "0", role: "region", "aria-label": label });
  const details = h("details", { class: "data" }, h("summary", {}, label), inside);
  const again = () => details.open && put(inside, make());
  details.addEventListener("toggle", again);
  return { element: details, again };
}

/** What to do where there is no state. */
export const noState = () =>
  empty(
    "No events yet",
    h("p", {}, "Send events to this service:"),
    h("code", {}, `curl ${location.origin}/v1/events -H 'Content-Type: application/json' -d '{"type": "purchase", "customer_id": "C17", "time": "…", "items": […]}'`),
    h("p", {}, "or end it, replay a log into its state, and start it again; while it serves a folder it is the one that writes there:"),
    h("code", {}, "crm-online replay LOG --state …"),
    h("p", { class: "note" }, "This page goes on by itself as soon as there are some."),
  );

/** What to say where events came, and none has a customer. */
export const noCustomers = () =>
  empty("No customers, so no segments and no predictions", h("p", {}, `${plural(board.values.status.baskets, "basket")} came so far, none with a customer. `, h("a", { href: "#/rules" }, "What is bought together")));

/** What to say where there are no segments. */
export function noSegments({ customers }) {
  if (customers) return noModel();
  return board.values.status?.accepted ? noCustomers() : noState();
}

/** What to say where there are no segments yet. */
function noModel() {
  const status = board.values.status;
  return empty(
    "No segments yet",
    h(
      "p",
      {},
      status ? `${plural(status.customers, "customer")} so far; the first segments come with ${count(status.min_customers)}. ` : "",
      "Replay or send more events; for a new state another number can be set: ",
    ),
    h(
      "p",
      {},
      h("code", {}, "--set segments.min_customers=100"),
    ),
  );
}

/** What went wrong with a look-up, shown where its answer would be. */
export function wrong(problem) {
  if (problem.kind === "no-state") return noState();
  if (problem.status === 401) return empty("A key is needed", "Give one in the box that this page opened.");
  if (problem.status === 403) return empty("This key may not see it", problem.message);
  return empty(problem.status === 0 ? "The service does not answer" : "That did not work", problem.message);
}
