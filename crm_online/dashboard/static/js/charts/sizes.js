// How many customers each segment had, one area on the other, along event time.

import { h, s } from "../dom.js";
import { at, count, plural, styles, written } from "../format.js";
import { known, mark, named, ranked } from "../segments.js";
import { hide, show } from "../tip.js";
import { Chart, letters, look, scale, ticks, timeTicks } from "./chart.js";

export const GONE = "gone";
// Segments that have an area of their own.
const MOST = 12;
export const REST = "rest";

/**
 * The segments that there are, the largest below, and those that were, or are beyond the first twelve, as one; or one
 * segment alone.
 */
export function series({ points }, only = null) {
  if (only !== null) return points.some((point) => point.sizes[only]) ? [{ id: only, sizes: points.map((point) => point.sizes[only] ?? 0) }] : [];
  const living = ranked().map((one) => one.id);
  const ids = new Set(points.flatMap((point) => Object.keys(point.sizes)));
  const shown = living.filter((id) => ids.has(id));
  const made = shown.slice(0, MOST).map((id) => ({ id, sizes: points.map((point) => point.sizes[id] ?? 0) }));
  const together = (id, some) => {
    const sizes = points.map((point) => some.reduce((sum, one) => sum + (point.sizes[one] ?? 0), 0));
    if (sizes.some(Boolean)) made.push({ id, sizes });
  };
  together(REST, shown.slice(MOST));
  together(GONE, [...ids].filter((id) => !known(id)));
  return made;
}

export const nameOf = (id) => (id === GONE ? "segments that are gone" : id === REST ? "smaller segments" : named(id));

function draw(chart, only) {
  return (plot, value) => {
    const theme = look();
    const { svg, width, height } = chart.svg();
    const times = value.points.map((point) => Date.parse(point.as_of));
    const all = series(value, only);
    const totals = times.map((_, place) => all.reduce((sum, { sizes }) => sum + sizes[place], 0));
    const box = { left: 52, right: width - 12, top: 10, bottom: height - 30 };
    const most = Math.max(...totals, 1);
    const x = scale([times[0], times.at(-1)], [box.left, box.right]);
    const y = scale([0, most], [box.bottom, box.top]);
    for (const tick of ticks(0, most, 5)) {
      svg.append(s("path", { class: "rule", d: `M${box.left} ${y(tick).toFixed(1)}H${box.right}` }), letters(box.left - 8, y(tick) + 4, count(tick), { class: "end" }));
    }
    const { times: marks, style } = timeTicks(times[0], times.at(-1), Math.max(2, width / 130));
    for (const tick of marks) svg.append(letters(Math.min(x(tick), box.right - 30), height - 10, written(tick, style), { class: "middle" }));
    let base = times.map(() => 0);
    for (const { id, sizes } of all) {
      const top = base.map((below, place) => below + sizes[place]);
      const line = (levels) => levels.map((level, place) => `${x(times[place]).toFixed(1)} ${y(level).toFixed(1)}`);
      svg.append(s("path", { class: "area", fill: theme.segment(id), d: `M${line(top).join("L")}L${line(base).reverse().join("L")}Z` }));
      base = top;
    }
    const cursor = s("path", { class: "cursor", d: "" });
    svg.append(cursor);
    svg.addEventListener("pointermove", (event) => {
      const from = svg.getBoundingClientRect().left;
      const wanted = event.clientX - from;
      let place = 0;
      for (let n = 1; n < times.length; n += 1) if (Math.abs(x(times[n]) - wanted) < Math.abs(x(times[place]) - wanted)) place = n;
      cursor.setAttribute("d", `M${x(times[place]).toFixed(1)} ${box.top}V${box.bottom}`);
      show(event.clientX, event.clientY, h("p", {}, at(value.points[place].as_of, styles.long)), all.map(({ id, sizes }) => h("p", { class: "row" }, mark(id), nameOf(id), h("b", {}, count(sizes[place])))), only ? null : h("p", { class: "row" }, "together", h("b", {}, count(totals[place]))));
    });
    svg.addEventListener("pointerleave", () => {
      hide();
      cursor.setAttribute("d", "");
    });
  };
}

/** The chart; of all segments, or of one. */
export function sizes(signal, only = null) {
  const says = (value) =>
    `${only ? "Area: customers of the segment" : "Stacked areas: customers of each segment"} at ${plural(value.points.length, "time")}. The table below has the figures.`;
  const chart = new Chart(only ? "sizes trend" : "sizes", null, says, signal);
  chart.draw = draw(chart, only);
  return chart;
}
