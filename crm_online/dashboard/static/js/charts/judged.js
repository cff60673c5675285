// How good predictions were: calibration, ROC AUC over time, and gains, a line for each model.

import { h, s } from "../dom.js";
import { at, number, percent, plural, styles, written } from "../format.js";
import { SHAPES } from "../segments.js";
import { Chart, letters, scale, ticks, timeTicks } from "./chart.js";

export const ACTED_ON = "ensemble";
const DASHES = { btyd: "1 3", logistic: "7 4", tree: "7 3 1 3", svm: "11 4", net: "11 3 1 3" };
const RADIUS = 3.2;

const place = (name, names) => names.indexOf(name) % SHAPES.length;
const hue = (name, names) => (name === ACTED_ON ? "acted-on" : `seg-${place(name, names)}`);

/** A model's mark: its shape in its colour. */
export const modelMark = (name, names) =>
  s("svg", { class: `mark ${hue(name, names)}`, viewBox: "-1.4 -1.4 2.8 2.8", "aria-hidden": "true" }, s("path", { d: SHAPES[place(name, names)] }));

export const names = ({ curves }) => curves.map((one) => one.name);

/** From 0 to 1, in per cent. */
const shares = (title) => ({ title, range: [0, 1], marks: [0, 0.25, 0.5, 0.75, 1], write: (value) => percent(value, 0) });

/** A chart of lines: `make(value)` gives `x` and `y` (title, range, marks, write), `lines` (name, points), and whether there is a diagonal. */
function lines(says, make, label, signal) {
  const chart = new Chart("judged", null, says, signal);
  chart.draw = (plot, value) => {
    const { svg, width, height } = chart.svg();
    const { x, y, lines: drawn, even } = make(value, width);
    const box = { left: 58, right: width - 14, top: 10, bottom: height - 46 };
    const [across, up] = [scale(x.range, [box.left, box.right]), scale(y.range, [box.bottom, box.top])];
    for (const mark of y.marks) svg.append(s("path", { class: "rule", d: `M${box.left} ${up(mark).toFixed(1)}H${box.right}` }), letters(box.left - 6, up(mark) + 4, y.write(mark), { class: "end" }));
    for (const mark of x.marks) svg.append(letters(Math.min(across(mark), box.right - 8), box.bottom + 18, x.write(mark), { class: "middle" }));
    const middle = (box.top + box.bottom) / 2;
    svg.append(letters((box.left + box.right) / 2, height - 6, x.title, { class: "middle" }), letters(11, middle, y.title, { class: "middle", transform: `rotate(-90 11 ${middle})` }));
    if (even) svg.append(s("path", { class: "even", d: `M${across(0)} ${up(0)}L${across(1)} ${up(1)}` }));
    const all = names(value);
    for (const { name, points } of drawn) {
      const spots = points.filter(([, level]) => level !== null).map(([along, level]) => [across(along), up(level), along, level]);
      svg.append(s("path", { class: `curve ${hue(name, all)}`, "stroke-dasharray": DASHES[name], d: spots.length ? `M${spots.map(([left, top]) => `${left.toFixed(1)} ${top.toFixed(1)}`).join("L")}` : "" }));
      for (const [left, top, along, level] of spots) {
        const spot = s("g", { class: hue(name, all), transform: `translate(${left.toFixed(1)} ${top.toFixed(1)}) scale(${name === ACTED_ON ? RADIUS * 1.4 : RADIUS})` }, s("circle", { class: "near", r: 3 }), s("path", { class: "spot", d: SHAPES[place(name, all)] }));
        svg.append(chart.explain(spot, () => [h("p", { class: "row" }, modelMark(name, all), h("b", {}, name)), h("p", {}, label(along, level))]));
      }
    }
  };
  return chart;
}

export const calibration = (signal) =>
  lines(
    ({ curves }) => `Calibration of ${plural(curves.length, "model")}: what share happened of what was predicted. The table below has the figures.`,
    ({ curves }) => ({ x: shares("predicted chance"), y: shares("share for which it happened"), even: true, lines: curves.map((one) => ({ name: one.name, points: one.calibration.map((bin) => [bin.predicted, bin.observed]) })) }),
    (predicted, observed) => `predicted ${percent(predicted)}, happened ${percent(observed)}`,
    signal,
  );

export const gains = (signal) =>
  lines(
    ({ curves }) => `Gains of ${plural(curves.length, "model")}: share found by share of the customers. The table below has the figures.`,
    ({ curves }) => ({
      x: shares("customers, the likeliest first"),
      y: shares(`share found of those ${curves.some((one) => one.rarer) ? "who did" : "who did not"}`),
      even: true,
      lines: curves.map((one) => ({ name: one.name, points: one.gains.map((found, step) => [step / (one.gains.length - 1), found]) })),
    }),
    (customers, found) => `${percent(found)} among the first ${percent(customers, 0)}`,
    signal,
  );

export const overTime = (signal) =>
  lines(
    ({ over_time: periods }) => `ROC AUC of each model in ${plural(periods.length, "period")}. The table below has the figures.`,
    (value, width) => {
      const times = value.over_time.map((one) => Date.parse(one.begin));
      const of = (name) => value.over_time.map((one, n) => [times[n], one.models.find((model) => model.name === name)?.roc_auc ?? null]);
      const drawn = names(value).map((name) => ({ name, points: of(name) }));
      const levels = drawn.flatMap(({ points }) => points.map(([, level]) => level)).filter((level) => level !== null);
      const range = levels.length ? [Math.min(...levels) - 0.02, Math.max(...levels) + 0.02] : [0.5, 1];
      const { times: marks, style } = timeTicks(times[0], times.at(-1), Math.max(2, width / 130));
      return {
        x: { title: "when it was predicted", range: [times[0], Math.max(times.at(-1), times[0] + 1)], marks, write: (time) => written(time, style) },
        y: { title: "ROC AUC", range, marks: ticks(...range, 5), write: number },
        lines: drawn,
      };
    },
    (time, level) => `ROC AUC ${number(level)} from ${at(new Date(time).toISOString(), styles.day)} on`,
    signal,
  );
