// A chart: drawn again with each value, each theme and each size of its place, in the page's own colours.

import { calm, h, s } from "../dom.js";
import { hue } from "../segments.js";
import { hide, show } from "../tip.js";

const SETTLED = 120;

// What the styles say, until the theme changes: to ask while something is drawn makes the browser compute all styles anew.
const said = new Map();
window.addEventListener("theme", () => said.clear());
function of(name) {
  const known = said.get(name) ?? getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  if (known) said.set(name, known);
  return known;
}

/** The page's own colours and letters, as they are now. */
export function look() {
  return { ink: of("--ink"), soft: of("--soft"), grid: of("--grid"), card: of("--card"), font: of("--font"), segment: (id) => of(hue(id).replace(/^var\((.*)\)$/, "$1")) || hue(id) };
}

/** Round numbers from the least to the most, about so many. */
export function ticks(low, high, about) {
  const rough = (high - low) / about || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((times) => times * power >= rough * 0.999);
  const first = Math.ceil(low / step - 1e-9);
  return [...Array(Math.max(0, Math.floor(high / step + 1e-9) - first + 1)).keys()].map((n) => Number(((first + n) * step).toPrecision(12)));
}

const DAY = 86_400_000;
const STEPS = [DAY / 24, DAY / 8, DAY / 4, DAY, 2 * DAY, 7 * DAY];

/** Local times by which people count, about so many: hours, days, months, years; each with how it is written. */
export function timeTicks(from, to, about) {
  const rough = (to - from) / about;
  const months = [1, 2, 3, 6, 12, 24, 60].find((n) => n * 30.4 * DAY >= rough) ?? 120;
  const found = [];
  const step = STEPS.find((one) => one >= rough);
  const at = new Date(from);
  if (step) {
    at.setHours(0, 0, 0, 0);
    for (let time = at.getTime(); time <= to; time += step) if (time >= from) found.push(time);
    return { times: found, style: step < DAY ? { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" } : { day: "numeric", month: "short" } };
  }
  at.setHours(0, 0, 0, 0);
  at.setDate(1);
  at.setMonth(Math.floor(at.getMonth() / Math.min(months, 12)) * Math.min(months, 12));
  for (; at.getTime() <= to; at.setMonth(at.getMonth() + months)) if (at.getTime() >= from) found.push(at.getTime());
  return { times: found, style: months < 12 ? { month: "short", year: "numeric" } : { year: "numeric" } };
}

/** A scale from values to pixels. */
export const scale = ([low, high], [from, to]) => (value) => from + ((value - low) / (high - low || 1)) * (to - from);

/** Text in a chart. */
export const letters = (x, y, text, more = {}) => s("text", { x: x.toFixed(1), y: y.toFixed(1), ...more }, text);

// One chart a frame: all at once would keep a slow phone from answering a finger.
const waiting = new Set();
function drawNext() {
  const [chart] = waiting;
  if (!chart) return;
  waiting.delete(chart);
  if (waiting.size) requestAnimationFrame(drawNext);
  chart.drawNow();
}

/**
 * A figure: `draw(plot, value, moving)` draws, `says(value)` is what the picture shows, for who does not see it.
 */
export class Chart {
  #value;
  #moving = false;

  constructor(kind, draw, says, signal) {
    this.draw = draw;
    this.says = says;
    // It is an image, with a text, once it shows something.
    this.plot = h("div", { class: `plot ${kind}` });
    this.element = h("figure", {}, this.plot);
    window.addEventListener("theme", () => this.again(), { signal });
    // Its place becomes another one not only with the window: what stands next to it grows and shrinks too.
    let [resized, size] = [null, ""];
    const watch = new ResizeObserver(() => {
      clearTimeout(resized);
      resized = setTimeout(() => {
        const now = `${this.plot.clientWidth} ${this.plot.clientHeight}`;
        if (now !== size) this.again();
        size = now;
      }, SETTLED);
    });
    watch.observe(this.plot);
    this.plot.addEventListener("pointerleave", () => this.#leave());
    signal.addEventListener("abort", () => {
      watch.disconnect();
      clearTimeout(resized);
      waiting.delete(this);
      this.#value = undefined;
      hide();
    });
  }

  set(value) {
    this.#value = value;
    this.plot.setAttribute("role", "img");
    this.plot.setAttribute("aria-label", this.says(value));
    this.again(!calm());
  }

  /** Draw what is there with one of the next frames; what comes until then is drawn once. */
  again(moving = false) {
    this.#moving = moving;
    if (this.#value === undefined || waiting.has(this)) return;
    waiting.add(this);
    if (waiting.size === 1) requestAnimationFrame(drawNext);
  }

  drawNow() {
    if (this.#value !== undefined && this.plot.clientWidth) this.draw(this.plot, this.#value, this.#moving);
  }

  /** An SVG as large as the plot, which takes the place of the last one. */
  svg() {
    const [width, height] = [this.plot.clientWidth, this.plot.clientHeight];
    const svg = s("svg", { class: "drawn", viewBox: `0 0 ${width} ${height}`, width, height, "aria-hidden": "true" });
    this.plot.replaceChildren(svg);
    return { svg, width, height };
  }

  /** Explain an element that is drawn; a click on it opens an address. */
  explain(element, label, address = null) {
    element.addEventListener("pointermove", (event) => show(event.clientX, event.clientY, label()));
    element.addEventListener("pointerleave", hide);
    if (address) {
      element.classList.add("opens");
      element.addEventListener("click", () => (location.hash = address));
    }
    return element;
  }

  #leave() {
    hide();
    this.plot.classList.remove("over");
  }
}
