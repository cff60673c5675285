// How many customers each segment had, one area on the other, along event time.

import { h } from "../dom.js";
import { at, count, plural, styles } from "../format.js";
import { known, mark, named, ranked } from "../segments.js";
import { axis, Chart, CONFIG, layout, look, plain, thin } from "./chart.js";

const GONE = "gone";

/** The segments that there are, the largest below, and those that were as one. */
export function series({ points }) {
  const living = ranked().map((one) => one.id);
  const ids = new Set(points.flatMap((point) => Object.keys(point.sizes)));
  const gone = [...ids].filter((id) => !known(id));
  const made = living.filter((id) => ids.has(id)).map((id) => ({ id, sizes: points.map((point) => point.sizes[id] ?? 0) }));
  if (gone.length) {
    const sizes = points.map((point) => gone.reduce((sum, id) => sum + (point.sizes[id] ?? 0), 0));
    if (sizes.some(Boolean)) made.push({ id: GONE, sizes });
  }
  return made;
}

export const nameOf = (id) => (id === GONE ? "gone segments" : named(id));

async function draw(Plotly, plot, value) {
  const theme = look();
  const data = series(value).map(({ id, sizes }) => ({
    type: "scatter",
    mode: "lines",
    stackgroup: "one",
    name: plain(nameOf(id)),
    x: value.points.map((point) => point.as_of),
    y: sizes,
    line: { width: 1.2, color: theme.card, shape: "linear" },
    fillcolor: thin(theme.segment(id), 0.8),
    hoverinfo: "none",
    customdata: sizes.map((size) => ({ id, size })),
  }));
  const whole = layout(theme, {
    xaxis: axis(theme, "event time", { type: "date", showgrid: false, nticks: 6 }),
    yaxis: axis(theme, "customers", { rangemode: "tozero", nticks: 5 }),
    hovermode: "x",
  });
  await Plotly.react(plot, data, whole, CONFIG);
}

export function sizes(signal) {
  const says = (value) =>
    `Stacked areas: customers of each segment at ${plural(value.points.length, "time")}. The table below has the figures.`;
  const chart = new Chart("sizes", null, says, signal);
  chart.draw = async (Plotly, plot, value) => {
    await draw(Plotly, plot, value);
    chart.hover((first, all) => [
      h("p", {}, at(first.x, styles.long)),
      all.map(({ customdata: { id, size } }) => h("p", { class: "row" }, mark(id), nameOf(id), h("b", {}, count(size)))),
    ]);
  };
  return chart;
}
