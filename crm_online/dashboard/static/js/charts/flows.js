// Who moved from where to where: segments before on the left, after on the right.

import { h } from "../dom.js";
import { count, plural } from "../format.js";
import { known, mark, named, ranked } from "../segments.js";
import { Chart, CONFIG, layout, look, plain, thin } from "./chart.js";

const GONE = "gone";
// Pixels of height: of the whole, and of each segment.
const [LEAST, EACH, MOST] = [130, 58, 430];
const of = (id) => (known(id) ? id : GONE);
export const nameOf = (id) => (id === GONE ? "gone segments" : named(id));

/** The flows between segments that there are; those that are gone count as one. */
export function merged({ flows }) {
  const all = new Map();
  for (const { from, to, moves } of flows) {
    const [a, b] = [of(from), of(to)];
    if (a === GONE && b === GONE) continue;
    const key = `${a} ${b}`;
    all.set(key, { from: a, to: b, moves: (all.get(key)?.moves ?? 0) + moves });
  }
  return [...all.values()].sort((a, b) => b.moves - a.moves);
}

async function draw(Plotly, plot, value) {
  const theme = look();
  const links = merged(value);
  const order = [...ranked().map((one) => one.id), GONE];
  const lefts = order.filter((id) => links.some((one) => one.from === id));
  const rights = order.filter((id) => links.some((one) => one.to === id));
  const nodes = [...lefts, ...rights];
  const data = [
    {
      type: "sankey",
      orientation: "h",
      arrangement: "fixed",
      node: {
        label: nodes.map((id) => plain(nameOf(id))),
        color: nodes.map((id) => theme.segment(id)),
        customdata: nodes.map((id, place) => ({ id, side: place < lefts.length ? "from" : "to" })),
        pad: 14,
        thickness: 12,
        line: { width: 0 },
        hoverinfo: "none",
      },
      link: {
        source: links.map((one) => lefts.indexOf(one.from)),
        target: links.map((one) => lefts.length + rights.indexOf(one.to)),
        value: links.map((one) => one.moves),
        color: links.map((one) => thin(theme.segment(one.from), 0.32)),
        hovercolor: links.map((one) => thin(theme.segment(one.from), 0.66)),
        customdata: links,
        hoverinfo: "none",
      },
      textfont: { color: theme.ink, size: 12.5 },
    },
  ];
  plot.style.height = `${Math.min(MOST, Math.max(LEAST, EACH * Math.max(lefts.length, rights.length)))}px`;
  // Anew each time: the library moves what was there in a way that shows wrong flows meanwhile.
  await Plotly.newPlot(plot, data, layout(theme, { margin: { l: 4, r: 4, t: 10, b: 10 } }), CONFIG);
}

export function flows(signal) {
  const says = (value) =>
    `Flows between segments: ${plural(value.moves, "move")}. The table has how many went from each segment to each.`;
  const chart = new Chart("flows", null, says, signal);
  chart.draw = async (Plotly, plot, value) => {
    await draw(Plotly, plot, value);
    chart.hover(({ customdata: one, value: moves }) => {
      if (!one) return null;
      if (one.id) return [h("p", { class: "row" }, mark(one.id), nameOf(one.id)), h("p", {}, `${plural(moves, "move")} ${one.side === "from" ? "out" : "in"}`)];
      return [
        h("p", { class: "row" }, mark(one.from), nameOf(one.from)),
        h("p", { class: "row" }, "→ ", mark(one.to), nameOf(one.to)),
        h("p", {}, plural(one.moves, "move")),
      ];
    });
  };
  return chart;
}

/** The same as a table: rows from, columns to. */
export function matrix(value) {
  const links = merged(value);
  const order = [...ranked().map((one) => one.id), GONE];
  const rows = order.filter((id) => links.some((one) => one.from === id));
  const columns = order.filter((id) => links.some((one) => one.to === id));
  const at = new Map(links.map((one) => [`${one.from} ${one.to}`, one.moves]));
  const head = (id, scope) => h("th", { scope, class: scope === "col" ? "num" : null }, h("span", { class: "chip" }, mark(id), nameOf(id)));
  return h(
    "table",
    { class: "matrix" },
    h("caption", {}, "Moves from the segment of the row to that of the column"),
    h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "from \\ to"), columns.map((id) => head(id, "col")))),
    h(
      "tbody",
      {},
      rows.map((from) =>
        h("tr", {}, head(from, "row"), columns.map((to) => h("td", { class: "num" }, at.has(`${from} ${to}`) ? count(at.get(`${from} ${to}`)) : "–"))),
      ),
    ),
  );
}
