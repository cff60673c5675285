// What changed in a period, and since the last visit: sentences whose numbers lead to lists, figures, and groups.

import { get } from "../api.js";
import { board } from "../board.js";
import { h, put, s } from "../dom.js";
import { apart, at, count, money, percent, plural, styles, time } from "../format.js";
import { chip } from "../segments.js";
import { ofRule, rule } from "./rule.js";
import { loading } from "./parts.js";

const SEEN = "crm-online.seen";
const GROUPS = 6;
const RULES = 4;
const PERIODS = [[7, "last 7 days against the 7 before"], [30, "last 30 days against the 30 before"], [90, "last 90 days against the 90 before"], [1, "last day against the one before"], ["monday", "since Monday"]];
/** Title, how it is written, whether more is better, and what it is, of each figure. */
const FIGURES = {
  active: ["Active customers", count, true, "with an event"],
  revenue: ["Revenue", money, true, "all purchases"],
  orders: ["Orders", count, true, "all purchases"],
  at_risk: ["Customers at risk", count, false, "likelier not to buy again, on the last day"],
  moves: ["Moves", count, null, "by what customers did"],
};
const [WIDE, HIGH] = [150, 34];

/** When the page was last looked at, in event time; kept by the browser. */
export const visited = (() => {
  try {
    return localStorage.getItem(SEEN);
  } catch {
    return null; // a browser that keeps nothing
  }
})();
function remember() {
  try {
    if (board.values.status?.watermark) localStorage.setItem(SEEN, board.values.status.watermark);
  } catch {
    // The same.
  }
}
addEventListener("pagehide", remember);
document.addEventListener("visibilitychange", () => document.hidden && remember());

/** The last Monday that is at least a day ago, of event time. */
function monday() {
  const at = new Date(board.values.status.watermark);
  at.setUTCHours(0, 0, 0, 0);
  at.setUTCDate(at.getUTCDate() - ((at.getUTCDay() + 6) % 7 || 7));
  return at.toISOString();
}

/** The address of a list, as a view: `/v1/moves?…` is shown by `#/moves?…`. */
const address = (list) => list.replace(/^\/v1\//, "#/");

/** Sentences, with their numbers as links and their money in the shop's currency. */
const sentences = (parts) =>
  parts.map((part) => {
    const text = part.money === null ? part.text : money(part.money);
    return part.list ? h("a", { href: address(part.list) }, text) : text;
  });

/** A small curve of both periods; the one before is paler. */
export function sparkline(values, days = values.length) {
  const [low, high] = [Math.min(...values, 0), Math.max(...values, 1e-9)];
  const x = (place) => ((WIDE * place) / Math.max(1, values.length - 1)).toFixed(1);
  const y = (value) => (HIGH - 2 - ((HIGH - 4) * (value - low)) / (high - low)).toFixed(1);
  const line = (from, to) => values.slice(from, to).map((value, n) => `${x(from + n)} ${y(value)}`).join("L");
  const cut = Math.max(0, values.length - days);
  return s(
    "svg",
    { class: "sparkline", viewBox: `0 0 ${WIDE} ${HIGH}`, preserveAspectRatio: "none", "aria-hidden": "true" },
    cut > 0 ? s("path", { class: "earlier", d: `M${line(0, cut + 1)}` }) : null,
    values.length > 1 ? s("path", { d: `M${line(cut, values.length)}` }) : null,
  );
}

function change({ value, before: was, name }) {
  if (was === null) return h("small", {}, "nothing to compare with yet");
  if (value === was) return h("small", {}, "as before");
  const more = value > was;
  const [, write, good] = FIGURES[name];
  const kind = good === null ? null : more === good ? "up" : "down";
  const size = was ? percent(Math.abs(value - was) / was, 0) : write(Math.abs(value - was));
  return h("small", { class: kind }, more ? "▲ " : "▼ ", h("span", { class: "unseen" }, more ? "more by " : "less by "), size);
}

function figures(found) {
  const names = found.figures.map((one) => one.name);
  // Orders only where one of the others is not known.
  const shown = found.figures.filter((one) => one.name !== "orders" || names.length < 5);
  return h(
    "dl",
    { class: "compared" },
    shown.map((one) => {
      const [title, write, , what] = FIGURES[one.name];
      return h("div", {}, h("dt", {}, title), h("dd", {}, h("b", {}, write(one.value)), " ", change(one)), h("dd", { class: "note" }, what), h("dd", {}, sparkline(one.series, found.days)));
    }),
  );
}

const why = (one) => {
  if (one.reason !== "lapse") return "after an event";
  return one.idle_days === null ? "after a longer pause" : `after ${plural(Math.round(one.idle_days), "day")} without an event`;
};

function group(one, { since, until }) {
  const query = new URLSearchParams([["since", since], ["until", until], ["from", one.from], ["to", one.to], ["reason", one.reason]]);
  return h("li", {}, h("a", { href: `#/moves?${query}` }, plural(one.moves, "move")), " ", chip(one.from), " → ", chip(one.to), h("span", { class: "note" }, why(one), one.monthly ? `, spending ${money(one.monthly)} a month` : ""));
}

/** A rule with its confidence before and after, and when, if that is said. */
export const difference = (one, when = null) => {
  const now = percent(one.confidence, 0);
  const [was, is] = one.change === "entered" ? ["new: ", now] : one.change === "left" ? ["gone; was ", now] : [one.confidence_before === null ? "" : `${percent(one.confidence_before, 0)} → `, now];
  return h("li", {}, h("a", { class: "rule", href: ofRule(one) }, rule(one)), h("span", { class: "note" }, " ", was, is, " of baskets", when && [" · ", when]));
};

/** The card; its period is one of the address's. */
export function news(query, signal) {
  const days = PERIODS.some(([length]) => String(length) === query.get("days")) ? query.get("days") : "7";
  const span = h("select", { id: "period", "aria-label": "What changed in which time" }, PERIODS.map(([length, label]) => h("option", { value: String(length), selected: String(length) === days }, label)));
  const place = h("div", { class: "told" }, loading());
  const visit = h("p", { class: "visit", hidden: true });
  const listeners = new Set();
  const tell = async () => {
    if (!board.values.ready?.ready) return;
    if (span.value === "monday" && !board.values.status?.watermark) return;
    const asked = span.value === "monday" ? { since: monday() } : { days: span.value };
    const [found, rules] = await Promise.all([get("digest", asked, signal), get("rule-changes", { ...asked, change: "changed", limit: RULES }, signal)]).catch(() => []);
    if (!found) return;
    const kept = found.kept_since && found.kept_since > found.since ? h("p", { class: "note" }, "Changes are kept since ", time(found.kept_since), "; what was before is not counted.") : null;
    const flows = found.flows.slice(0, GROUPS);
    put(
      place,
      h("p", { class: "headline" }, sentences(found.parts)),
      found.figures.length ? figures(found) : null,
      kept,
      h(
        "div",
        { class: "halves" },
        flows.length ? h("div", {}, h("h3", {}, "Who moved"), h("ul", { class: "groups" }, flows.map((one) => group(one, found)))) : null,
        rules.rules.length ? h("div", {}, h("h3", {}, "Rules that changed most"), h("ul", { class: "groups" }, rules.rules.map((one) => difference(one)))) : null,
      ),
    );
    for (const then of listeners) then(found);
  };
  const since = async () => {
    if (!visited || !(board.values.status?.watermark > visited)) return;
    const found = await get("digest", { since: visited }, signal).catch(() => null);
    if (!found || !(found.moves || found.newcomers || found.rules_entered || found.rules_left)) return;
    visit.hidden = false;
    put(visit, h("b", {}, "New since your last visit"), h("span", { class: "note" }, ` (${apart(at(visited, styles.long))}) `), sentences(found.parts.slice(1)));
  };
  span.addEventListener("change", () => {
    history.replaceState(null, "", span.value === "7" ? "#/" : `#/?days=${span.value}`);
    tell();
  });
  board.fresh(() => (tell(), since()), signal);
  board.whenReady(tell, signal);
  let first = true;
  board.on("status", (status) => {
    if (first && status) board.whenReady(since, signal);
    first = first && !status;
  }, signal);
  const element = h("section", { class: "card w12 news" }, h("header", {}, h("h2", {}, "What changed"), span), visit, place);
  return { element, on: (then) => listeners.add(then) };
}
