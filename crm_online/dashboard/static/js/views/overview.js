// How things stand: what changed, the segments, the picture, sizes over time, who moved, and what changes.

import { get } from "../api.js";
import { board } from "../board.js";
import { flows, matrix, merged } from "../charts/flows.js";
import { sampled, scatter } from "../charts/scatter.js";
import { nameOf, series, sizes } from "../charts/sizes.js";
import { h, put, text } from "../dom.js";
import { at, count, money, percent, plural, styles, time } from "../format.js";
import { mark, ranked } from "../segments.js";
import { asTable, card, empty, figures, heading, loading, noSegments, scrolled, table, wrong } from "./parts.js";
import { drifts } from "./drift.js";
import { news, sparkline } from "./news.js";
import { ticker } from "./ticker.js";

const ROWS = 40;
// Segments that are listed at once: the largest.
const SHOWN = 12;
const DAY = 86_400_000;
// Points of a trend.
const POINTS = 40;
const PERIODS = [[7, "last 7 days"], [30, "last 30 days"], [90, "last 90 days"], [0, "all that is kept"]];

function showStatus(figure, status) {
  figure.set("Customers", count(status.customers));
  figure.set("Baskets", count(status.baskets));
  figure.set("Events accepted", count(status.accepted));
  figure.set("Up to", status.watermark ? time(status.watermark, styles.long) : "–");
}

const signed = (value) => (value > 0 ? `+${count(value)}` : value < 0 ? `−${count(-value)}` : "0");

/** The segments, the largest first: how large, since when larger, what share of the money, who came and went. */
function legend(found, signal) {
  const rows = new Map();
  const list = h("tbody");
  const more = h("button", { type: "button", class: "small" });
  const since = h("p", { class: "note" });
  const moneyless = () => !board.values.segments.segments.some((one) => one.spend_share > 0);
  let [open, digest] = [false, null];
  more.addEventListener("click", () => {
    open = true;
    set(board.values.segments);
    list.children[SHOWN]?.querySelector("a")?.focus();
  });
  const heads = [["segment"], ["customers", "num"], ["change", "num"], ["trend", "wide"], ["share of revenue", "num money"], ["in", "num wide"], ["out", "num wide"]];
  const table = h("table", { class: "legend" }, h("caption", { class: "unseen" }, "Segments, the largest first"), h("thead", {}, h("tr", {}, heads.map(([title, kind]) => h("th", { scope: "col", class: kind }, title)))), list);
  const row = (one) => {
    const [size, change, share, came, left] = ["size", "change", "share", "came", "left"].map((name) => h("span", { class: name }));
    const [trend, what, who] = [h("td", { class: "wide trend" }), h("span", { class: "what" }, one.description.text), h("span", { class: "who" }, one.name)];
    const link = h("a", { href: `#/segments/${one.id}` }, mark(one.id), who);
    const cell = (inside, kind = "") => h("td", { class: `num ${kind}` }, inside);
    const percentage = h("span", { class: "note block" });
    const element = h("tr", { "data-segment": one.id }, h("th", { scope: "row" }, link, what), cell([size, percentage]), cell(change), trend, cell(share, "money"), cell(came, "wide"), cell(left, "wide"));
    return { element, size, percentage, change, trend, share, came, left, what, who };
  };
  /** What the history of sizes and the digest say of a segment. */
  const compare = (one, at) => {
    const points = board.values.sizes?.points ?? [];
    const step = Math.max(1, Math.ceil(points.length / POINTS));
    const trend = points.filter((_, place) => (points.length - 1 - place) % step === 0 && place >= 0).map((point) => point.sizes[one.id] ?? 0);
    put(at.trend, trend.length > 1 ? sparkline(trend) : "");
    if (!digest) return;
    const begin = points.filter((point) => point.as_of <= digest.since).at(-1);
    text(at.change, begin && one.id in begin.sizes ? signed(one.size - begin.sizes[one.id]) : "–");
    const sum = (side, what) => digest.flows.filter((flow) => flow[side] === one.id).reduce((total, flow) => total + (flow[what] ?? 0), 0);
    for (const [place, side] of [[at.came, "to"], [at.left, "from"]]) {
      const monthly = sum(side, "monthly");
      put(place, count(sum(side, "moves")), monthly ? h("span", { class: "note block" }, `${money(monthly)} a month`) : null);
    }
  };
  const set = ({ segments, customers }) => {
    const all = [...segments].sort((a, b) => b.size - a.size).slice(0, open ? Infinity : SHOWN);
    more.hidden = open || segments.length <= SHOWN;
    text(more, `Show all ${segments.length}`);
    table.classList.toggle("moneyless", moneyless());
    for (const one of all) {
      if (!rows.has(one.id)) rows.set(one.id, row(one));
      const at = rows.get(one.id);
      text(at.who, one.name);
      text(at.size, count(one.size));
      text(at.percentage, percent(one.size / (customers || 1)));
      text(at.what, one.description.text);
      text(at.share, one.spend_share === null || one.spend_share === undefined ? "–" : percent(one.spend_share));
      compare(one, at);
    }
    const order = all.map((one) => rows.get(one.id).element);
    if (order.some((element, place) => list.children[place] !== element) || list.children.length !== order.length) put(list, order);
  };
  set(found);
  board.on("sizes", () => set(board.values.segments), signal);
  const compared = (value) => {
    digest = value;
    put(since, "change, in and out since ", time(value.since, styles.day), moneyless() ? "" : "; share of what was spent lately");
    set(board.values.segments);
  };
  return { element: h("div", {}, scrolled("Segments", table), more), since, set, compared };
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
      h("section", { class: "card w8 filled" }, h("header", {}, h("h2", {}, "Customers"), of), picture.element),
      ticker(signal),
      card("w12", "Sizes over time", null, one, few, key, history.element),
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
