// How things stand: figures, the picture, sizes over time, who moved, and what changes.

import { get } from "../api.js";
import { board } from "../board.js";
import { flows, matrix, merged } from "../charts/flows.js";
import { sampled, scatter } from "../charts/scatter.js";
import { nameOf, series, sizes } from "../charts/sizes.js";
import { h, put, s, text } from "../dom.js";
import { at, count, number, percent, plural, styles, time } from "../format.js";
import { chip, hue, mark, ranked } from "../segments.js";
import { asTable, card, empty, figures, heading, loading, noModel, noState, scrolled, table, wrong } from "./parts.js";
import { drifts } from "./drift.js";
import { ticker } from "./ticker.js";

const ROWS = 40;
// Segments that are listed at once: the largest.
const SHOWN = 12;
const DAY = 86_400_000;
// Flows that are told in words.
const GROUPS = 6;
const PERIODS = [[7, "last 7 days"], [30, "last 30 days"], [90, "last 90 days"], [0, "all that is kept"]];

function spark(rates) {
  const most = Math.max(...rates, 1);
  const points = rates.map((rate, place) => `${((84 * place) / Math.max(1, rates.length - 1)).toFixed(1)} ${(25 - (23 * rate) / most).toFixed(1)}`);
  return s(
    "svg",
    { class: "spark", viewBox: "0 0 84 26", "aria-hidden": "true" },
    s("path", { class: "under", d: `M0 26L${points.join("L")}L84 26Z` }),
    s("path", { d: `M${points.join("L")}` }),
  );
}

function showStatus(figure, status) {
  figure.set("Customers", count(status.customers));
  figure.set("Baskets", count(status.baskets));
  figure.set("Events accepted", count(status.accepted));
  figure.set("Events a second", `${number(status.events_per_second)} `, board.rates.length > 2 ? spark(board.rates) : null);
  const lag = status.lag === null ? ["–", h("small", {}, " logs feed it")] : [count(status.lag), h("small", {}, " records behind")];
  figure.set("Lag", lag);
  figure.set("Event time", status.watermark ? time(status.watermark, styles.long) : "–");
}

/** The segments, the largest first: colour, name, size, share, what sets them apart. */
function legend(found) {
  const rows = new Map();
  const list = h("ul", { class: "legend" });
  const more = h("button", { type: "button", class: "small" });
  let open = false;
  more.addEventListener("click", () => {
    open = true;
    set(board.values.segments);
    list.children[SHOWN]?.querySelector("a")?.focus();
  });
  const row = (one) => {
    const size = h("span", { class: "size" });
    const share = h("span", { class: "share" });
    const bar = h("i");
    const what = h("span", { class: "what" }, one.description.text);
    const who = h("span", { class: "who" }, one.name);
    const link = h("a", { class: "row", href: `#/segments/${one.id}` }, mark(one.id), who, size, h("span", { class: "bar", "aria-hidden": "true" }, bar), share, what);
    return { element: h("li", { "data-segment": one.id }, link), size, share, bar, what, who };
  };
  const set = ({ segments, customers }) => {
    const all = [...segments].sort((a, b) => b.size - a.size).slice(0, open ? Infinity : SHOWN);
    more.hidden = open || segments.length <= SHOWN;
    text(more, `Show all ${segments.length}`);
    for (const one of all) {
      if (!rows.has(one.id)) rows.set(one.id, row(one));
      const at = rows.get(one.id);
      text(at.who, one.name);
      text(at.size, count(one.size));
      text(at.share, percent(one.size / (customers || 1)));
      text(at.what, one.description.text);
      at.bar.style.width = `${(100 * one.size) / (all[0].size || 1)}%`;
      at.bar.style.background = hue(one.id);
    }
    const order = all.map((one) => rows.get(one.id).element);
    if (order.some((element, place) => list.children[place] !== element) || list.children.length !== order.length) put(list, order);
  };
  set(found);
  return { element: h("div", {}, list, more), set };
}

export function overview(root, _, signal) {
  const figure = figures(["Customers", "Baskets", "Events accepted", "Events a second", "Lag", "Event time"]);
  const lead = h("span", {}, "Segments, rules and customers as of the latest event");
  const body = h("div", {}, loading());
  put(root, h("div", { class: "head" }, heading("Overview", lead), figure.element), body);
  board.on("status", (status) => status && showStatus(figure, status), signal);

  let parts = null;
  const show = () => {
    const { segments } = board.values;
    if (board.trouble?.kind === "no-state" || (!segments && board.errors.segments)) {
      parts = null;
      figure.element.hidden = true;
      put(body, h("section", { class: "card" }, wrong(board.trouble ?? board.errors.segments)));
      return;
    }
    figure.element.hidden = false;
    if (!segments) return;
    if (!segments.segments.length) {
      parts = null;
      put(body, h("div", { class: "grid" }, h("section", { class: "card w8" }, segments.customers ? noModel() : noState()), ticker(signal)));
      return;
    }
    text(lead, `${plural(segments.k, "segment")} of ${plural(segments.customers, "customer")}${segments.complete ? "" : ", moving to another version of the model"}`);
    parts ??= whole(body, signal);
    parts.legend.set(segments);
  };
  board.on("segments", show, signal);
  board.on("trouble", show, signal);
}

/** What changed in a period: a sentence, four figures with those of the period before, and the largest flows. */
function digest(found) {
  const change = (now, before) => h("small", { class: now > before ? "up" : "down" }, now === before ? " as before" : ` ${now > before ? "▲" : "▼"} ${count(Math.abs(now - before))}`);
  const figures = [
    ["Moves by behaviour", count(found.moves), change(found.moves, found.moves_before)],
    ["Newcomers", count(found.newcomers)],
    ["Rules new, gone", `${count(found.rules_entered)}, ${count(found.rules_left)}`],
    ["Moves between models", count(found.refits)],
  ];
  const grouped = found.flows.slice(0, GROUPS);
  return [
    h("p", { class: "why headline" }, found.headline),
    h("dl", { class: "figures" }, figures.map(([name, ...value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value)))),
    grouped.length ? h("ul", { class: "groups" }, grouped.map((one) => h("li", {}, h("b", {}, plural(one.moves, "move")), " ", chip(one.from), " → ", chip(one.to), h("span", { class: "note" }, one.reason === "lapse" ? "after a longer pause" : "after an event")))) : null,
  ];
}

/** The overview once there are segments. */
function whole(body, signal) {
  const names = legend(board.values.segments);
  const of = h("p", { class: "note" });
  const picture = scatter(signal);
  const over = sizes(signal);
  const one = h("div", {}, over.element);
  const few = empty("No history yet", "Sizes show here from the first segments on, as soon as they change.");
  const drifted = h("div", {}, loading());
  board.on("drifts", (value) => value && drifts(drifted, value), signal);
  const between = flows(signal);
  const moves = scrolled("Moves, as a table");
  const moved = h("div", { class: "columns" }, h("div", {}, between.element), moves);
  const still = empty("Nobody has moved yet", "Who goes from one segment to another shows here.");
  const since = h("p", { class: "note" });
  const span = h("select", { "aria-label": "What changed in which time" }, PERIODS.filter(([days]) => days).map(([days, label]) => h("option", { value: String(days) }, `${label}, and those before`)));
  const news = h("div", {}, loading());
  const tell = async () => {
    const found = await get("digest", { days: span.value }, signal).catch(() => null);
    if (found) put(news, digest(found));
  };
  span.addEventListener("change", tell);
  board.fresh(tell, signal);
  tell();
  const period = h("select", { "aria-label": "In which time" }, PERIODS.map(([days, label]) => h("option", { value: String(days), selected: days === 30 }, label)));
  const models = h("input", { type: "checkbox", id: "refits" });
  const refits = h("label", { class: "note", for: "refits" }, models, " with moves between versions of the model");
  const history = asTable("Sizes as a table", () => sizesTable(board.values.sizes));
  const key = h("ul", { class: "key" });

  put(
    body,
    h(
      "div",
      { class: "grid" },
      h("section", { class: "card w12 news" }, h("header", {}, h("h2", {}, "What changed"), span), news),
      h("section", { class: "card w8 filled" }, h("header", {}, h("h2", {}, "Customers"), of), picture.element),
      card("w4", "Segments", "customers", names.element),
      card("w8", "Sizes over time", null, one, few, key, history.element),
      ticker(signal),
      card("w12", "When the shop changed", null, drifted),
      h("section", { class: "card w12 moved" }, h("header", {}, h("h2", {}, "Who moved"), period, refits, since), moved, still),
    ),
  );
  board.on("picture", (value) => {
    if (!value?.customers.length) return;
    text(of, `${sampled(value, board.values.segments.customers)}; crosses are the segments' centres`);
    picture.set(value);
  }, signal);
  board.on("sizes", (value) => {
    if (!value) return;
    [one.hidden, few.hidden, key.hidden, history.element.hidden] = value.points.length > 1 ? [false, true, false, false] : [true, false, true, true];
    if (value.points.length < 2) return;
    over.set(value);
    put(key, series(value).map(({ id }) => h("li", { class: "chip" }, mark(id), nameOf(id))));
    history.again();
  }, signal);
  // Behaviour only, unless asked for: what the model changed is nobody's move.
  const ask = async () => {
    const { watermark } = board.values.status ?? {};
    if (!board.values.status) return;
    const days = Number(period.value);
    const begun = days && watermark ? new Date(Date.parse(watermark) - days * DAY).toISOString() : null;
    const value = await get("flows", { since: begun, reason: models.checked ? null : ["event", "lapse"] }, signal).catch(() => null);
    if (value) showFlows(value);
  };
  for (const input of [period, models]) input.addEventListener("change", ask);
  board.fresh(ask, signal);
  const showFlows = (value) => {
    const any = merged(value).length > 0;
    [moved.hidden, still.hidden] = [!any, any];
    put(since, value.since ? [plural(value.moves, "move"), " since ", time(value.since, styles.day)] : "");
    if (!any) return;
    between.set(value);
    put(moves, matrix(value));
  };
  let first = true;
  board.on("status", (status) => {
    if (first && status) ask();
    first = first && !status;
  }, signal);
  return { legend: names };
}

function sizesTable(value) {
  const step = Math.max(1, Math.ceil(value.points.length / ROWS));
  const rows = value.points.map((point, place) => [point, place]).filter(([, place]) => (value.points.length - 1 - place) % step === 0).map(([point]) => point).reverse();
  const all = ranked();
  return table(
    "Customers of each segment, the latest first",
    ["event time", ...all.map((one) => one.name)],
    rows.map((point) => [at(point.as_of), ...all.map((one) => count(point.sizes[one.id] ?? 0))]),
  );
}
