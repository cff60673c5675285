// How the segments join into a tree, the nearest first.

import { h } from "../dom.js";
import { number, plural } from "../format.js";
import { named, symbol } from "../segments.js";
import { axis, Chart, CONFIG, layout, look, plain } from "./chart.js";

const WIDE = 560;

/** The leaves in the order in which no branches cross, and each join as a bracket. */
export function brackets({ linkage, leaves }) {
  const n = leaves.length;
  const under = (node) => (node < n ? [node] : linkage[node - n].slice(0, 2).flatMap(under));
  const order = linkage.length ? under(n + linkage.length - 1) : leaves.map((_, leaf) => leaf);
  const place = new Map(order.map((leaf, at) => [leaf, { at, apart: 0, ids: [leaves[leaf]] }]));
  const joins = linkage.map(([a, b, apart, customers], step) => {
    const [one, other] = [place.get(a), place.get(b)];
    const ids = [...one.ids, ...other.ids];
    place.set(n + step, { at: (one.at + other.at) / 2, apart, ids });
    return { x: [one.apart, apart, apart, other.apart], y: [one.at, one.at, other.at, other.at], apart, customers, ids };
  });
  return { order: order.map((leaf) => leaves[leaf]), joins };
}

async function draw(Plotly, plot, { hierarchy }) {
  const theme = look();
  const { order, joins } = brackets(hierarchy);
  const wide = plot.clientWidth > WIDE;
  const branches = joins.map((join) => ({
    type: "scatter",
    mode: "lines",
    x: join.x,
    y: join.y,
    line: { color: theme.soft, width: 1.6 },
    customdata: join.x.map(() => join),
    hoverinfo: "none",
    cliponaxis: false,
  }));
  const ends = {
    type: "scatter",
    mode: "markers",
    x: order.map(() => 0),
    y: order.map((_, at) => at),
    customdata: order,
    marker: { size: 11, symbol: order.map(symbol), color: order.map((id) => theme.segment(id)) },
    hoverinfo: "none",
    cliponaxis: false,
  };
  const whole = layout(theme, {
    xaxis: axis(theme, wide ? "apart, in standard deviations" : "std. deviations", { range: [0, 1.03 * Math.max(...joins.map((join) => join.apart), 0.1)], zeroline: false, nticks: 6 }),
    yaxis: axis(theme, "", {
      tickmode: "array",
      tickvals: order.map((_, at) => at),
      ticktext: order.map((id) => `${plain(named(id))}  `),
      tickfont: { color: theme.ink, size: wide ? 13 : 11 },
      showgrid: false,
      showline: false,
      zeroline: false,
      range: [-0.6, order.length - 0.4],
    }),
    margin: { l: 10, r: 16, t: 8, b: 44 },
  });
  await Plotly.react(plot, [...branches, ends], whole, CONFIG);
}

export function tree(signal) {
  const says = ({ hierarchy }) =>
    `Tree of ${plural(hierarchy.leaves.length, "segment")}: ${joined(hierarchy).join("; ") || "nothing to join"}.`;
  const chart = new Chart("tree", null, says, signal);
  chart.draw = async (Plotly, plot, value) => {
    await draw(Plotly, plot, value);
    const label = ({ customdata: one }) =>
      one?.ids && [h("p", {}, one.ids.map(named).join(" + ")), h("p", {}, `join at ${number(one.apart)} standard deviations: ${plural(one.customers, "customer")}`)];
    chart.hover(label, (point) => {
      if (typeof point.customdata === "string") location.hash = `#/segments/${point.customdata}`;
    });
  };
  return chart;
}

/** The joins in words, the nearest first. */
export const joined = (hierarchy) =>
  brackets(hierarchy).joins.map(
    ({ ids, apart, customers }) => `${ids.map(named).join(" + ")} at ${number(apart)} standard deviations (${plural(customers, "customer")})`,
  );
