// Lists that numbers lead to: who moved in a period, and which rules came, changed and went.

import { address, get, ofCustomer } from "../api.js";
import { board } from "../board.js";
import { h, put } from "../dom.js";
import { at, count, money, plural, styles, time } from "../format.js";
import { moneyless, named, ranked } from "../segments.js";
import { apiCall } from "./call.js";
import { difference, visited } from "./news.js";
import { empty, heading, loading, scrolled, wrong } from "./parts.js";

// Lines that are shown at once, and as many more each time.
const PAGE = 100;
const MOST = 1000;
// For what customers did: two reasons.
const DID = "did";
const REASONS = { event: "after an event", lapse: "after a longer pause", refit: "with another version of the model" };
const CHANGES = [["", "all that changed"], ["entered", "new rules"], ["changed", "other figures"], ["left", "gone"]];
const KINDS = [["moves", "customers who moved"], ["rule-changes", "rules that changed"]];
const PERIOD = ["since", "until", "days", "latest"];
const EVER = "1970-01-01T00:00:00Z";
const SPANS = [["7", "last 7 days"], ["30", "last 30 days"], ["90", "last 90 days"], ["1", "last day"], [EVER, "all that is kept"], ...(visited ? [[visited, "new since your last visit"]] : [])];

function why(one) {
  if (one.event_type) return `after a ${one.event_type}`;
  if (one.idle_days !== null) return `after ${plural(Math.round(one.idle_days), "day")} without an event`;
  return REASONS[one.reason] ?? one.reason;
}

const choice = (label, name, options, value, change) =>
  h("select", { "aria-label": label, name, onchange: (event) => change(event.target.value) }, options.map(([key, title]) => h("option", { value: key, selected: key === value }, title)));

/** In which time: some days, since a moment, or a period of the address's own. */
function spans(query, change) {
  const [since, until] = [query.get("since"), query.get("until")];
  const now = since && until ? "" : (since ?? query.get("days") ?? "7");
  const known = SPANS.some(([key]) => key === now);
  const own = [[now, since ? `${at(since, styles.day)} to ${until ? at(until, styles.day) : "now"}` : `last ${now} days`]];
  return choice("In which time", "period", known ? SPANS : [...own, ...SPANS], now, (span) => {
    for (const name of PERIOD) query.delete(name);
    query.set(/^\d+$/.test(span) ? "days" : "since", span);
    change();
  });
}

/**
 * A list of changes with its filters, which the address keeps: `controls(set)` makes those of its kind, `asked()` says
 * what is asked for beside the period, `ask(path, parameters)` looks up, and `show(found)` gives a note and the list.
 */
function list(root, { kind, title, lead, query, controls, asked, ask, show, table = null }, signal) {
  const note = h("p", { class: "note", role: "status" });
  const place = h("div", {}, loading());
  const more = h("button", { type: "button", class: "more", hidden: true }, "More");
  const filters = h("form", { class: "search", onsubmit: (event) => event.preventDefault() });
  let limit = PAGE;
  const parameters = () => ({ ...Object.fromEntries(PERIOD.map((name) => [name, query.get(name)])), ...asked() });
  const load = async () => {
    if (table) table.href = address(`${kind}.csv`, parameters());
    try {
      const found = await ask({ ...parameters(), limit });
      const [summary, made, rows] = show(found);
      if (table) table.hidden = !rows;
      put(note, summary);
      put(place, made);
      more.hidden = rows < limit || limit >= MOST;
    } catch (problem) {
      if (problem.name !== "AbortError") put(place, wrong(problem));
    }
  };
  const again = () => {
    limit = PAGE;
    history.replaceState(null, "", `#/${kind}?${query}`);
    load();
  };
  const set = (name) => (value) => {
    if (value) query.set(name, value);
    else query.delete(name);
    again();
  };
  const other = (wanted) => {
    const period = PERIOD.filter((name) => query.has(name)).map((name) => [name, query.get(name)]);
    location.hash = `#/${wanted}?${new URLSearchParams(period)}`;
  };
  more.addEventListener("click", () => {
    limit += PAGE;
    load();
  });
  const build = () => put(filters, choice("What changed", "kind", KINDS, kind, other), spans(query, again), controls(set));
  put(root, h("div", { class: "head" }, heading(title, lead)), h("section", { class: "card" }, filters, note, table, place, more, apiCall(() => ({ path: address(kind, { ...parameters(), limit }) }))));
  board.on("segments", () => filters.contains(document.activeElement) || build(), signal);
  build();
  load();
}

const period = (found) => [" from ", time(found.since), " to ", time(found.until)];

/** Who moved: from where to where, why, and what they used to spend. */
export function moves(root, { query }, signal) {
  const ids = (name) => {
    const all = ranked().map((one) => [one.id, one.name]);
    const own = query.get(name);
    return !own || own === "none" || all.some(([id]) => id === own) ? all : [...all, [own, named(own)]];
  };
  const biggest = () => query.get("order") === "monthly";
  const shown = (found) => {
    if (found.total <= found.moves.length) return "";
    const among = biggest() && found.total > MOST ? ` of the last ${count(MOST)}` : "";
    return biggest() ? `; the ${count(found.moves.length)} who spent most${among} are shown` : `; the last ${count(found.moves.length)} are shown`;
  };
  // The service has the last first: the order by money is of as many as it gives.
  const byMoney = (found, limit) => ({ ...found, moves: found.moves.sort((a, b) => (b.monthly ?? 0) - (a.monthly ?? 0)).slice(0, limit) });
  list(root, {
    kind: "moves",
    title: "Who moved",
    lead: "Customers who went from one segment to another",
    query,
    controls: (set) => [
      choice("From", "from", [["", "from any segment"], ["none", "newcomers"], ...ids("from")], query.get("from"), set("from")),
      choice("To", "to", [["", "to any segment"], ...ids("to")], query.get("to"), set("to")),
      choice("Why", "reason", [["", "for any reason"], [DID, "for what they did"], ...Object.entries(REASONS)], query.get("reason"), set("reason")),
      moneyless() ? null : choice("Order", "order", [["", "the last first"], ["monthly", "who spent most first"]], query.get("order"), set("order")),
    ].filter(Boolean),
    table: h("a", { class: "table", download: "moves.csv" }, "All as CSV"),
    asked: () => ({ from: query.get("from"), to: query.get("to"), reason: query.getAll("reason").flatMap((one) => (one === DID ? ["event", "lapse"] : [one])) }),
    ask: async (asked) => {
      const found = await get("moves", { ...asked, limit: biggest() ? MOST : asked.limit }, signal);
      return biggest() ? byMoney(found, asked.limit) : found;
    },
    show: (found) => [
      [`${plural(found.total, "move")} of ${plural(found.customers, "customer")}`, period(found), found.monthly === null ? "" : `; together they spent ${money(found.monthly)} a month`, shown(found)],
      found.moves.length ? table(found.moves) : empty("Nobody moved so", "Choose others, or a longer time."),
      found.moves.length,
    ],
  }, signal);
}

function table(found) {
  const priced = found.some((one) => one.monthly !== null);
  const head = (title, kind) => h("th", { scope: "col", class: kind }, title);
  return scrolled(
    "Moves",
    h(
      "table",
      { class: "people" },
      h("caption", { class: "unseen" }, "Who moved"),
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
  list(root, {
    kind: "rule-changes",
    title: "Rules that changed",
    lead: "What is bought together otherwise than before",
    query,
    controls: (set) => choice("What happened to them", "change", CHANGES, query.get("change"), set("change")),
    asked: () => ({ latest: null, change: query.get("change") }),
    ask: (asked) => get("rule-changes", asked, signal),
    show: (found) => [
      [`${plural(found.total, "rule")}`, period(found), `, the clearest first${found.total > found.rules.length ? `; the first ${count(found.rules.length)} are shown` : ""}`],
      found.rules.length ? h("ul", { class: "groups one" }, found.rules.map((one) => difference(one, time(one.time, styles.day)))) : empty("No rule changed so", "Choose another kind, or a longer time."),
      found.rules.length,
    ],
  }, signal);
}
