// Who moved from where to where: segments before on the left, after on the right.

import { h, s } from "../dom.js";
import { count, plural } from "../format.js";
import { known, mark, named, ranked } from "../segments.js";
import { Chart, letters, look } from "./chart.js";

const GONE = "gone";
const REST = "rest";
const EVER = "1970-01-01T00:00:00Z";
// Segments that stand for themselves.
const SHOWN = 12;
// Pixels of height: of the whole, and of each segment; between two, and of a segment's bar.
const [LEAST, EACH, MOST] = [130, 58, 520];
const [BETWEEN, BAR] = [12, 12];
export const nameOf = (id) => (id === GONE ? "segments that are gone" : id === REST ? "smaller segments" : named(id));
const order = () => [...ranked().slice(0, SHOWN).map((one) => one.id), REST, GONE];

/** The flows between segments that there are; those that are gone count as one. */
export function merged({ flows }) {
  const all = new Map();
  const shown = new Set(order());
  const of = (id) => (shown.has(id) ? id : known(id) ? REST : GONE);
  for (const { from, to, moves } of flows) {
    const [a, b] = [of(from), of(to)];
    if (a === b) continue;
    const key = `${a} ${b}`;
    all.set(key, { from: a, to: b, moves: (all.get(key)?.moves ?? 0) + moves });
  }
  return [...all.values()].sort((a, b) => b.moves - a.moves);
}

/** The address of the list of a flow's customers; null where it is of several segments. */
function listed({ from, to }, { asked }) {
  if (![from, to].every(known) || !asked) return null;
  return `#/moves?${new URLSearchParams([["since", asked.since ?? EVER], ["from", from], ["to", to], ...(asked.behaviour ? [["reason", "did"]] : [])])}`;
}

/** The segments of one side from top to bottom, each with its part of the height. */
function nodes(all, links, side, height) {
  const ids = all.filter((id) => links.some((one) => one[side] === id));
  const total = links.reduce((sum, one) => sum + one.moves, 0) || 1;
  const room = height - 8 - BETWEEN * (ids.length - 1);
  let top = 4;
  return new Map(ids.map((id) => {
    const moves = links.filter((one) => one[side] === id).reduce((sum, one) => sum + one.moves, 0);
    const node = { id, moves, top, height: Math.max(1.5, (room * moves) / total), used: 0 };
    top += node.height + BETWEEN;
    return [id, node];
  }));
}

function draw(chart) {
  return (plot, value) => {
    const theme = look();
    const links = merged(value);
    const sides = ["from", "to"].map((side) => order().filter((id) => links.some((one) => one[side] === id)).length);
    plot.style.height = `${Math.min(MOST, Math.max(LEAST, EACH * Math.max(...sides)))}px`;
    const { svg, width, height } = chart.svg();
    const [lefts, rights] = ["from", "to"].map((side) => nodes(order(), links, side, height));
    const middle = width / 2;
    const place = new Map(order().map((id, n) => [id, n]));
    const sorted = [...links].sort((a, b) => place.get(a.from) - place.get(b.from) || place.get(a.to) - place.get(b.to));
    for (const link of sorted) {
      const [left, right] = [lefts.get(link.from), rights.get(link.to)];
      const [a, b] = [left, right].map((node) => {
        const thick = (node.height * link.moves) / node.moves;
        const from = node.top + node.used;
        node.used += thick;
        return [from, from + thick];
      });
      const [x1, x2] = [BAR, width - BAR];
      const d = `M${x1} ${a[0].toFixed(1)}C${middle} ${a[0].toFixed(1)} ${middle} ${b[0].toFixed(1)} ${x2} ${b[0].toFixed(1)}V${b[1].toFixed(1)}C${middle} ${b[1].toFixed(1)} ${middle} ${a[1].toFixed(1)} ${x1} ${a[1].toFixed(1)}Z`;
      const label = () => [h("p", { class: "row" }, mark(link.from), nameOf(link.from)), h("p", { class: "row" }, "→ ", mark(link.to), nameOf(link.to)), h("p", {}, plural(link.moves, "move"))];
      svg.append(chart.explain(s("path", { class: "flow", fill: theme.segment(link.from), d }), label, listed(link, value)));
    }
    for (const [side, all] of [["from", lefts], ["to", rights]]) {
      for (const node of all.values()) {
        const x = side === "from" ? 0 : width - BAR;
        const label = () => [h("p", { class: "row" }, mark(node.id), nameOf(node.id)), h("p", {}, `${plural(node.moves, "move")} ${side === "from" ? "out" : "in"}`)];
        const most = Math.floor((middle - 30) / 7);
        const name = nameOf(node.id);
        const text = letters(side === "from" ? BAR + 7 : width - BAR - 7, node.top + node.height / 2 + 4, name.length > most ? `${name.slice(0, most - 1)}…` : name, { class: `node-label ink ${side === "from" ? "" : "end"}` });
        const bar = s("rect", { x, y: node.top.toFixed(1), width: BAR, height: node.height.toFixed(1), fill: theme.segment(node.id) });
        svg.append(chart.explain(s("g", { "data-segment": node.id, "data-moves": node.moves }, bar, text), label));
      }
    }
  };
}

export function flows(signal) {
  const says = (value) =>
    `Flows between segments: ${plural(value.moves, "move")}. The table has how many went from each segment to each.`;
  const chart = new Chart("flows", null, says, signal);
  chart.draw = draw(chart);
  return chart;
}

/** The same as a table: rows from, columns to; each number leads to its customers. */
export function matrix(value) {
  const links = merged(value);
  const rows = order().filter((id) => links.some((one) => one.from === id));
  const columns = order().filter((id) => links.some((one) => one.to === id));
  const at = new Map(links.map((one) => [`${one.from} ${one.to}`, one.moves]));
  const cell = (from, to) => {
    if (!at.has(`${from} ${to}`)) return "–";
    const [moves, href] = [count(at.get(`${from} ${to}`)), listed({ from, to }, value)];
    return href ? h("a", { href, "aria-label": `${plural(at.get(`${from} ${to}`), "move")} from ${nameOf(from)} to ${nameOf(to)}` }, moves) : moves;
  };
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
        h("tr", {}, head(from, "row"), columns.map((to) => h("td", { class: "num" }, cell(from, to)))),
      ),
    ),
  );
}
