// How the segments join into a tree, the nearest first.

import { h, s } from "../dom.js";
import { number, plural } from "../format.js";
import { named, shape } from "../segments.js";
import { Chart, letters, look, scale, ticks } from "./chart.js";

const WIDE = 560;
// Names in one sentence.
const NAMES = 6;
const [ROW, DENSE, MANY, EDGE] = [34, 19, 16, 46];

/** The leaves in the order in which no branches cross, and each join as a bracket. */
function brackets({ linkage, leaves }) {
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

function draw(chart) {
  return (plot, { hierarchy }) => {
    const theme = look();
    const { order, joins } = brackets(hierarchy);
    plot.style.height = `${Math.max(120, EDGE + (order.length > MANY ? DENSE : ROW) * order.length)}px`;
    const { svg, width, height } = chart.svg();
    const wide = width > WIDE;
    const names = wide ? Math.min(320, width * 0.4) : width * 0.46;
    const most = 1.03 * Math.max(...joins.map((join) => join.apart), 0.1);
    const x = scale([0, most], [names + 14, width - 16]);
    const y = scale([-0.5, order.length - 0.5], [4, height - EDGE + 4]);
    for (const tick of ticks(0, most, wide ? 6 : 3)) svg.append(s("path", { class: "rule", d: `M${x(tick).toFixed(1)} 4V${height - EDGE + 4}` }), letters(x(tick), height - 24, number(tick), { class: "middle" }));
    svg.append(letters((names + width) / 2, height - 6, wide ? "apart, in standard deviations" : "standard deviations", { class: "middle" }));
    for (const join of joins) {
      const d = `M${join.x.map((one, place) => `${x(one).toFixed(1)} ${y(join.y[place]).toFixed(1)}`).join("L")}`;
      const label = () => [h("p", {}, together(join.ids)), h("p", {}, `join at ${number(join.apart)} standard deviations: ${plural(join.customers, "customer")}`)];
      svg.append(chart.explain(s("g", {}, s("path", { class: "branch", d }), s("path", { class: "wide", d })), label));
    }
    order.forEach((id, place) => {
      const end = s("g", { transform: `translate(${names} ${y(place).toFixed(1)})` }, s("path", { d: shape(id), transform: "scale(6)", fill: theme.segment(id) }), fitted(named(id), names - 12, wide));
      svg.append(chart.explain(end, () => h("p", {}, named(id)), `#/segments/${id}`));
    });
  };
}

/** A name in the room that there is. */
function fitted(name, room, wide) {
  const most = Math.floor(room / (wide ? 7.2 : 6.6));
  return letters(-14, 4, name.length > most ? `${name.slice(0, most - 1)}…` : name, { class: "end ink" });
}

export function tree(signal) {
  const says = ({ hierarchy }) =>
    `Tree of ${plural(hierarchy.leaves.length, "segment")}: ${joined(hierarchy).join("; ") || "nothing to join"}. Distances are in standard deviations.`;
  const chart = new Chart("tree", null, says, signal);
  chart.draw = draw(chart);
  return chart;
}

/** Some names, and how many others. */
const together = (ids) => (ids.length > NAMES ? `${ids.slice(0, NAMES - 1).map(named).join(" + ")} + ${ids.length - NAMES + 1} others` : ids.map(named).join(" + "));

/** The joins in words, the nearest first. */
export const joined = (hierarchy) =>
  brackets(hierarchy).joins.map(
    ({ ids, apart, customers }) => `${together(ids)} at ${number(apart)} standard deviations (${plural(customers, "customer")})`,
  );
