// Sampled customers and centroids on the two axes along which customers differ most. Points move with the customers.

import { ofCustomer } from "../api.js";
import { h } from "../dom.js";
import { count, plural, words } from "../format.js";
import { mark, named, ranked, symbol } from "../segments.js";
import { axis, Chart, CONFIG, layout, look, MOVING, plain } from "./chart.js";

const ROOM = 0.06;
const WIDE = 560;

/** The least and the largest, with some room; grown from what was shown before, so that the picture keeps its place. */
function range(values, before) {
  let [low, high] = before ?? [Infinity, -Infinity];
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const room = (Math.max(high, most) - Math.min(low, least) || 1) * ROOM;
  if (least < low) low = least - room;
  if (most > high) high = most + room;
  return [low, high];
}

function traces(picture, theme, plot, ranges) {
  const { customers, centroids } = picture;
  const wide = plot.clientWidth > WIDE;
  const size = wide ? 13 : 11.5;
  const positions = places(centroids, plot, ranges, size);
  return [
    {
      type: "scatter",
      mode: "markers",
      ids: customers.map((one) => one.id),
      customdata: customers,
      x: customers.map((one) => one.x),
      y: customers.map((one) => one.y),
      marker: {
        size: wide ? 6.5 : 5,
        opacity: 0.72,
        color: customers.map((one) => theme.segment(one.segment)),
        symbol: customers.map((one) => symbol(one.segment)),
        line: { width: 0 },
      },
      hoverinfo: "none",
      cliponaxis: false,
    },
    ...[
      { color: theme.card, width: 7, size: 15 },
      { color: theme.ink, width: 2.6, size: 13 },
    ].map(({ color, width, size }, top) => ({
      type: "scatter",
      mode: top ? "markers+text" : "markers",
      ids: centroids.map((one) => one.id),
      customdata: centroids,
      x: centroids.map((one) => one.x),
      y: centroids.map((one) => one.y),
      marker: { symbol: "cross-thin", size, line: { color, width } },
      ...(top && {
        text: centroids.map((one, at) => (positions[at] ? plain(named(one.segment)) : "")),
        textposition: positions.map((one) => one ?? "top center"),
        textfont: { color: theme.ink, size, weight: 600 },
      }),
      hoverinfo: top ? "none" : "skip",
      cliponaxis: false,
    })),
  ];
}

/**
 * Where each name stands next to its cross, so that none is on another or outside; the largest segments choose first,
 * and a name that fits nowhere is left out: the list of segments has all.
 */
function places(centroids, plot, { x, y }, size) {
  const [width, height] = [plot.clientWidth - (plot.clientWidth > WIDE ? 66 : 92), plot.clientHeight - 60];
  const order = ranked().map((one) => one.id);
  const ruler = document.createElement("canvas").getContext("2d");
  ruler.font = `600 ${size}px ${look().font}`;
  const occupied = [];
  const found = new Map();
  const free = (box) =>
    box[0] >= 0 && box[2] <= width && box[1] >= 0 && box[3] <= height &&
    occupied.every((other) => box[2] < other[0] || box[0] > other[2] || box[3] < other[1] || box[1] > other[3]);
  const at = (one) => [((one.x - x[0]) / (x[1] - x[0])) * width, ((y[1] - one.y) / (y[1] - y[0])) * height];
  for (const one of centroids) {
    const [left, top] = at(one);
    occupied.push([left - 7, top - 7, left + 7, top + 7]);
  }
  for (const one of [...centroids].sort((a, b) => order.indexOf(a.segment) - order.indexOf(b.segment))) {
    const [left, top] = at(one);
    const [wide, high] = [ruler.measureText(named(one.segment)).width, size * 1.3];
    const boxes = {
      "top center": [left - wide / 2, top - 9 - high, left + wide / 2, top - 9],
      "bottom center": [left - wide / 2, top + 9, left + wide / 2, top + 9 + high],
      "middle right": [left + 9, top - high / 2, left + 9 + wide, top + high / 2],
      "middle left": [left - 9 - wide, top - high / 2, left - 9, top + high / 2],
    };
    const place = Object.keys(boxes).find((name) => free(boxes[name]));
    if (!place) continue;
    occupied.push(boxes[place]);
    found.set(one.id, place);
  }
  return centroids.map((one) => found.get(one.id));
}

/** An axis' name; where there is little room, in two lines. */
const title = (one, wide) => words(one?.name ?? "").replace(": ", wide ? ": " : ":\n");

function draw(chart) {
  let shown = {};
  return async (Plotly, plot, picture, moving) => {
    const theme = look();
    const wide = plot.clientWidth > WIDE;
    const names = picture.axes.map((one) => one.name).join();
    const same = names === shown.axes;
    const all = [...picture.customers, ...picture.centroids];
    const [x, y] = ["x", "y"].map((side) => range(all.map((one) => one[side]), same ? shown[side] : null));
    const grew = String([x, y]) !== String([shown.x, shown.y]);
    const data = traces(picture, theme, plot, { x, y });
    const first = shown.axes === undefined || !plot.data;
    shown = { x, y, axes: names };
    const axes = {
      xaxis: axis(theme, title(picture.axes[0], true), { range: x, zeroline: false, nticks: wide ? 8 : 5 }),
      yaxis: axis(theme, title(picture.axes[1], wide), { range: y, zeroline: false, nticks: 6 }),
    };
    const whole = layout(theme, { ...axes, margin: { l: 44, r: 10, t: 14, b: 44 } });
    if (first || !moving || !same || grew) {
      await Plotly.react(plot, data, whole, CONFIG);
      explain(chart);
      return;
    }
    await Plotly.animate(
      plot,
      { data, traces: data.map((_, number) => number) },
      { mode: "immediate", transition: { duration: MOVING, easing: "cubic-in-out" }, frame: { duration: MOVING, redraw: false } },
    ).catch(() => undefined); // another picture came before this one was there
  };
}

function explain(chart) {
  const label = ({ customdata: one, curveNumber }) => {
    if (!one) return null;
    if (curveNumber > 0) return [h("p", {}, h("b", {}, named(one.segment))), h("p", {}, "its centre; click to open")];
    return [h("p", {}, h("b", {}, one.id)), h("p", { class: "row" }, mark(one.segment), named(one.segment))];
  };
  chart.hover(label, ({ customdata: one, curveNumber }) => {
    location.hash = curveNumber > 0 ? `#/segments/${one.segment}` : ofCustomer(one.id);
  });
}

function says({ customers, centroids, axes }) {
  const where = axes.map((one) => words(one.name)).join("; ");
  return (
    `Scatter of ${plural(customers.length, "sampled customer")} in ${plural(centroids.length, "segment")}, which are named, ` +
    `with their sizes, in the list of segments. ${where}.`
  );
}

export function scatter(signal) {
  const chart = new Chart("scatter", null, says, signal);
  chart.draw = draw(chart);
  return chart;
}

export const sampled = (picture, all) =>
  picture.customers.length < all
    ? `${count(picture.customers.length)} of ${plural(all, "customer")}, always the same ones`
    : plural(all, "customer");
