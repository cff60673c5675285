// Lists that numbers lead to: who moved in a period, and which rules came, changed and went.

import { get, ofCustomer } from "../api.js";
import { board } from "../board.js";
import { h, put, text } from "../dom.js";
import { count, money, plural, styles, time } from "../format.js";
import { named, ranked } from "../segments.js";
import { difference } from "./news.js";
import { empty, heading, loading, scrolled, wrong } from "./parts.js";

const MOST = 500;
const REASONS = { event: "after an event", lapse: "after a longer pause", refit: "with another version of the model" };
const KEPT = ["since", "until", "days", "latest"];

function why(one) {
  if (one.event_type) return `after a ${one.event_type}`;
  if (one.idle_days !== null) return `after ${plural(Math.round(one.idle_days), "day")} without an event`;
  return REASONS[one.reason] ?? one.reason;
}

const period = (found, query) => (query.get("since") || found.since ? [" from ", time(found.since), " to ", time(found.until)] : "");

function choice(label, name, options, query) {
  const select = h("select", { "aria-label": label, name }, options.map(([value, title]) => h("option", { value, selected: query.get(name) === value }, title)));
  return select;
}

/** Who moved: from where to where, why, and what they used to spend. */
export function moves(root, { query }, signal) {
  const segments = () => ranked().map((one) => [one.id, one.name]);
  const whose = (label, name, none) => choice(label, name, [["", none], ...(name === "from" ? [["none", "newcomers"]] : []), ...segments(), ...(query.get(name) && !ranked().some((one) => one.id === query.get(name)) && query.get(name) !== "none" ? [[query.get(name), named(query.get(name))]] : [])], query);
  const filters = h("form", { class: "search", onsubmit: (event) => event.preventDefault() });
  const note = h("p", { class: "note", role: "status" });
  const place = h("div", {}, loading());
  put(root, h("div", { class: "head" }, heading("Who moved", "Customers who went from one segment to another, the last first")), h("section", { class: "card" }, filters, note, place));
  const asked = () => ({ ...Object.fromEntries(KEPT.map((name) => [name, query.get(name)])), from: query.get("from"), to: query.get("to"), reason: query.getAll("reason"), limit: MOST });
  const load = async () => {
    try {
      const found = await get("moves", asked(), signal);
      put(note, `${plural(found.total, "move")} of ${plural(found.customers, "customer")}`, period(found, query), found.monthly === null ? "" : `; together they spent ${money(found.monthly)} a month`, found.total > found.moves.length ? `; the last ${count(found.moves.length)} are shown` : "");
      put(place, found.moves.length ? table(found.moves) : empty("Nobody moved so", "Choose others, or a longer time."));
    } catch (problem) {
      if (problem.name !== "AbortError") put(place, wrong(problem));
    }
  };
  const build = () => {
    const selects = [whose("From", "from", "from any segment"), whose("To", "to", "to any segment"), choice("Why", "reason", [["", "for any reason"], ...Object.entries(REASONS)], query)];
    for (const select of selects) {
      select.addEventListener("change", () => {
        if (select.value) query.set(select.name, select.value);
        else query.delete(select.name);
        history.replaceState(null, "", `#/moves?${query}`);
        load();
      });
    }
    put(filters, selects);
  };
  board.on("segments", () => filters.contains(document.activeElement) || build(), signal);
  load();
}

function table(found) {
  const priced = found.some((one) => one.monthly !== null);
  const head = (title, kind) => h("th", { scope: "col", class: kind }, title);
  return scrolled(
    "Moves",
    h(
      "table",
      {},
      h("caption", { class: "unseen" }, "Who moved, the last first"),
      h("thead", {}, h("tr", {}, head("customer"), head("from"), head("to"), head("why"), priced ? head("spending a month", "num") : null, head("when", "num"))),
      h(
        "tbody",
        {},
        found.map((one) =>
          h(
            "tr",
            {},
            h("th", { scope: "row" }, h("a", { href: ofCustomer(one.customer_id) }, h("bdi", {}, one.customer_id))),
            h("td", {}, one.from_name ?? "–"),
            h("td", {}, one.to_name ?? "–"),
            h("td", {}, why(one)),
            priced ? h("td", { class: "num" }, one.monthly === null ? "–" : money(one.monthly)) : null,
            h("td", { class: "num" }, time(one.time, styles.long)),
          ),
        ),
      ),
    ),
  );
}

/** Which rules came, changed and went. */
export function ruleChanges(root, { query }, signal) {
  const note = h("p", { class: "note", role: "status" });
  const place = h("div", {}, loading());
  const change = choice("What happened to them", "change", [["", "all that changed"], ["entered", "new rules"], ["changed", "other figures"], ["left", "gone"]], query);
  const load = async () => {
    try {
      const found = await get("rule-changes", { ...Object.fromEntries(KEPT.slice(0, 3).map((name) => [name, query.get(name)])), change: change.value, limit: MOST }, signal);
      text(note, `${plural(found.total, "rule")}, the clearest first`);
      put(place, found.rules.length ? h("ul", { class: "groups one" }, found.rules.map(difference)) : empty("No rule changed so", "Choose another kind, or a longer time."));
    } catch (problem) {
      if (problem.name !== "AbortError") put(place, wrong(problem));
    }
  };
  change.addEventListener("change", () => {
    query.set("change", change.value);
    history.replaceState(null, "", `#/rule-changes?${query}`);
    load();
  });
  put(root, h("div", { class: "head" }, heading("Rules that changed", "What is bought together otherwise than before")), h("section", { class: "card" }, h("form", { class: "search", onsubmit: (event) => event.preventDefault() }, change), note, place));
  load();
}
