// How things stand: what changed, the segments, the picture, sizes over time, who moved, and what changes.

import { get } from "../api.js";
import { board } from "../board.js";
import { branches } from "../branches.js";
import { flows, matrix, merged } from "../charts/flows.js";
import { sampled, scatter } from "../charts/scatter.js";
import { nameOf, series, sizes } from "../charts/sizes.js";
import { h, put, text } from "../dom.js";
import { at, count, money, percent, plural, styles, time } from "../format.js";
import { mark, moneyless, ranked } from "../segments.js";
import { asTable, card, empty, figures, heading, loading, noSegments, scrolled, table, wrong } from "./parts.js";
import { brushed } from "./brushed.js";
import { drifts } from "./drift.js";
import { news, sparkline } from "./news.js";
import { ticker } from "./ticker.js";

const ROWS = 40;
// Columns of the table of moves that have room beside the picture.
const FEW = 6;
// Lines that the list of segments has, before branches are opened.
const SHOWN = 12;
const DAY = 86_400_000;
// Points of a trend.
const POINTS = 40;
const MOUSE = matchMedia("(hover: hover)");
const PERIODS = [[7, "last 7 days"], [30, "last 30 days"], [90, "last 90 days"], [0, "all that is kept"]];

function showStatus(figure, status) {
  figure.set("Customers", count(status.customers));
  figure.set("Baskets", count(status.baskets));
  figure.set("Events accepted", count(status.accepted));
  figure.set("Up to", status.watermark ? time(status.watermark, styles.long) : "–");
}

const signed = (value) => (value > 0 ? `+${count(value)}` : value < 0 ? `−${count(-value)}` : "0");

/** A line of the list of segments: of one, or of a branch of several, whose lines a button opens. */
function legendRow(heading, id) {
  const [size, change, share, came, left] = ["size", "change", "share", "came", "left"].map((name) => h("span", { class: name }));
  const [trend, what, percentage] = [h("td", { class: "wide trend" }), h("span", { class: "what" }), h("span", { class: "note block" })];
  const cell = (inside, kind = "") => h("td", { class: `num ${kind}` }, inside);
  const element = h("tr", { "data-segment": id }, h("th", { scope: "row" }, heading, what), cell([size, percentage]), cell(change), trend, cell(share, "money"), cell(came, "wide"), cell(left, "wide"));
  return { element, heading, size, percentage, change, trend, share, came, left, what };
}

/** What the history of sizes and the digest say of some segments together. */
function compare(ids, size, digest, at) {
  const together = (sizes) => ids.reduce((sum, id) => sum + (sizes[id] ?? 0), 0);
  const points = board.values.sizes?.points ?? [];
  const step = Math.max(1, Math.ceil(points.length / POINTS));
  const trend = points.filter((_, place) => (points.length - 1 - place) % step === 0).map((point) => together(point.sizes));
  put(at.trend, trend.length > 1 ? sparkline(trend) : "");
  if (!digest) return;
  const begin = points.filter((point) => point.as_of <= digest.since).at(-1);
  text(at.change, begin && ids.some((id) => id in begin.sizes) ? signed(size - together(begin.sizes)) : "–");
  for (const [place, side, other] of [[at.came, "to", "from"], [at.left, "from", "to"]]) {
    const crossing = digest.flows.filter((flow) => ids.includes(flow[side]) && !ids.includes(flow[other]));
    const sum = (what) => crossing.reduce((total, flow) => total + (flow[what] ?? 0), 0);
    put(place, count(sum("moves")), sum("monthly") ? h("span", { class: "note block" }, `${money(sum("monthly"))} a month`) : null);
  }
}

/**
 * The segments, the largest first: how large, since when larger, what share of the money, who came and went. Beyond
 * the first twelve the nearest are one line, which opens.
 */
function legend(found, signal) {
  const rows = new Map();
  const opened = new Set();
  const list = h("tbody");
  const more = h("button", { type: "button", class: "small" });
  const since = h("p", { class: "note" });
  let digest = null;
  const heads = [["segment"], ["customers", "num"], ["change", "num"], ["trend", "wide trend"], ["share of revenue", "num money"], ["in", "num wide"], ["out", "num wide"]];
  const table = h("table", { class: "legend" }, h("caption", { class: "unseen" }, "Segments, the largest first"), h("thead", {}, h("tr", {}, heads.map(([title, kind]) => h("th", { scope: "col", class: kind }, title)))), list);
  const again = () => set(board.values.segments);
  const fill = (at, some, customers) => {
    const sum = (what) => some.reduce((total, one) => total + (one[what] ?? 0), 0);
    text(at.size, count(sum("size")));
    text(at.percentage, percent(sum("size") / (customers || 1)));
    text(at.share, moneyless() ? "–" : percent(sum("spend_share")));
    compare(some.map((one) => one.id), sum("size"), digest, at);
    return at.element;
  };
  const single = (one, customers, inner) => {
    if (!rows.has(one.id)) rows.set(one.id, legendRow(h("a", { href: `#/segments/${one.id}` }, mark(one.id), h("span", { class: "who" })), one.id));
    const at = rows.get(one.id);
    text(at.heading.lastChild, one.name);
    text(at.what, one.description.text);
    at.element.classList.toggle("inner", inner);
    return fill(at, [one], customers);
  };
  const branch = (some, customers) => {
    const key = some.map((one) => one.id).join();
    if (!rows.has(key)) {
      const toggle = h("button", { type: "button", class: "branch", onclick: () => (opened.delete(key) || opened.add(key), again()) }, h("span", { class: "who" }));
      rows.set(key, legendRow(toggle, null));
    }
    const at = rows.get(key);
    put(at.heading.firstChild, h("bdi", {}, some[0].name), ` and ${count(some.length - 1)} more`);
    put(at.what, some.map((one) => [mark(one.id), " "]));
    at.heading.setAttribute("aria-expanded", String(opened.has(key)));
    const line = fill(at, some, customers);
    return opened.has(key) ? [line, ...some.map((one) => single(one, customers, true))] : [line];
  };
  const groups = ({ segments, hierarchy }) => {
    const sized = (some) => some.reduce((sum, one) => sum + one.size, 0);
    const byId = new Map(segments.map((one) => [one.id, one]));
    const parts = segments.length > SHOWN ? branches(hierarchy, SHOWN).map((ids) => ids.map((id) => byId.get(id)).filter(Boolean)) : segments.map((one) => [one]);
    return parts.filter((some) => some.length).map((some) => some.sort((a, b) => b.size - a.size)).sort((a, b) => sized(b) - sized(a));
  };
  const set = (now) => {
    const all = groups(now);
    const folded = all.filter((some) => some.length > 1).map((some) => some.map((one) => one.id).join());
    const whole = folded.every((key) => opened.has(key));
    more.hidden = !folded.length;
    text(more, whole ? "Fold them" : `Show all ${now.segments.length}`);
    more.onclick = () => {
      for (const key of folded) if (whole) opened.delete(key); else opened.add(key);
      again();
    };
    table.classList.toggle("moneyless", moneyless());
    const order = all.flatMap((some) => (some.length > 1 ? branch(some, now.customers) : single(some[0], now.customers, false)));
    if (order.some((element, place) => list.children[place] !== element) || list.children.length !== order.length) keepFocus(() => put(list, order));
  };
  set(found);
  board.on("sizes", again, signal);
  const compared = (value) => {
    digest = value;
    put(since, "change, in and out since ", time(value.since, styles.day), moneyless() ? "" : "; share of what was spent lately");
    again();
  };
  return { element: h("div", {}, scrolled("Segments", table), more), since, set, compared };
}

/** What has the focus keeps it, when it is put to another place. */
function keepFocus(change) {
  const { activeElement } = document;
  change();
  if (activeElement !== document.activeElement && activeElement.isConnected) activeElement.focus();
}

export function overview(root, { query }, signal) {
  const figure = figures(["Customers", "Baskets", "Events accepted", "Up to"]);
  const lead = h("span", {}, "Segments, rules and customers as of the latest event");
  const body = h("div", {}, loading());
  put(root, h("div", { class: "head" }, heading("Overview", lead), figure.element), body);
  board.on("status", (status) => status && showStatus(figure, status), signal);

  // Asked for with the segments, so that they are there when there is a place for them.
  for (const name of ["picture", "sizes"]) board.on(name, () => {}, signal);
  let [parts, bare] = [null, null];
  const show = () => {
    const { segments } = board.values;
    if (board.trouble?.kind === "no-state" || (!segments && board.errors.segments)) {
      [parts, bare] = [null, null];
      figure.element.hidden = true;
      put(body, h("section", { class: "card" }, wrong(board.trouble ?? board.errors.segments)));
      return;
    }
    figure.element.hidden = false;
    if (!segments) return;
    if (!segments.segments.length) {
      parts = null;
      if (!bare) {
        const place = h("section", { class: "card w8" });
        bare = { place, grid: h("div", { class: "grid" }, place, ticker(signal)), news: null };
        put(body, bare.grid);
      }
      if (board.values.status?.accepted && !bare.news) bare.grid.prepend((bare.news = news(query, signal).element));
      put(bare.place, noSegments(segments));
      return;
    }
    bare = null;
    text(lead, `${plural(segments.k, "segment")} of ${plural(segments.customers, "customer")}${segments.complete ? "" : ", moving to another version of the model"}`);
    parts ??= whole(body, query, signal);
    parts.legend.set(segments);
  };
  board.on("segments", show, signal);
  board.on("trouble", show, signal);
  board.on("status", () => bare && show(), signal);
}

/** The overview once there are segments. */
function whole(body, query, signal) {
  const names = legend(board.values.segments, signal);
  const changed = news(query, signal);
  changed.on(names.compared);
  const of = h("p", { class: "note" });
  const picture = scatter(signal);
  const within = brushed(() => picture.clear());
  picture.brushed = within.set;
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
      changed.element,
      h("section", { class: "card w12" }, h("header", {}, h("h2", {}, "Segments"), names.since), names.element),
      h("section", { class: "card w8 filled" }, h("header", {}, h("h2", {}, "Customers"), of), picture.element, within.element),
      ticker(signal),
      card("w12", "Sizes over time", null, one, few, key, history.element),
      card("w12", "When the shop changed", null, drifted),
      h("section", { class: "card w12 moved" }, h("header", {}, h("h2", {}, "Who moved"), period, refits, since), moved, still),
    ),
  );
  board.on("picture", (value) => {
    if (!value?.customers.length) return;
    text(of, `${sampled(value, board.values.segments.customers)}; crosses are the segments' centres${MOUSE.matches ? "; draw over some to list them" : ""}`);
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
    if (value) showFlows({ ...value, asked: { since: begun, behaviour: !models.checked } });
  };
  for (const input of [period, models]) input.addEventListener("change", ask);
  board.fresh(ask, signal);
  const showFlows = (value) => {
    const any = merged(value).length > 0;
    [moved.hidden, still.hidden] = [!any, any];
    put(since, value.since ? [plural(value.moves, "move"), " since ", time(value.since, styles.day)] : "");
    if (!any) return;
    moved.classList.toggle("many", new Set(merged(value).map((one) => one.to)).size > FEW);
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
