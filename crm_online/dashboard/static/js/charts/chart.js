// A chart: the drawing library is fetched when the first one is drawn, and given the page's colours.

import { calm, h } from "../dom.js";
import { colour } from "../segments.js";
import { hide, show } from "../tip.js";

const FILE = "/static/plotly.min.js";
export const CONFIG = { displayModeBar: false, responsive: false, showTips: false, doubleClick: false, scrollZoom: false };
export const MOVING = 900;
const SETTLED = 250;

let loading = null;

function library() {
  loading ??= new Promise((resolve, reject) => {
    const script = h("script", { src: FILE });
    script.onload = () => resolve(window.Plotly);
    script.onerror = () => {
      loading = null;
      reject(new Error("The charts could not be loaded"));
    };
    document.head.append(script);
  });
  return loading;
}

/** The page's own colours and letters, as they are now. */
export function look() {
  const style = getComputedStyle(document.documentElement);
  const of = (name) => style.getPropertyValue(name).trim();
  return {
    ink: of("--ink"),
    soft: of("--soft"),
    grid: of("--grid"),
    line: of("--line"),
    card: of("--card"),
    font: of("--font"),
    segment: (id) => of(`--${colour(id)}`),
  };
}

/** A colour, seen through. */
export const thin = (hex, opacity) =>
  `rgba(${[1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16)).join(",")},${opacity})`;

/** Text for the library, which would read markup in it. */
export const plain = (text) => String(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll("\n", "<br>");

/** A layout that all charts share. */
export const layout = (theme, more = {}) => ({
  paper_bgcolor: "rgba(0,0,0,0)",
  plot_bgcolor: "rgba(0,0,0,0)",
  font: { family: theme.font, size: 12, color: theme.soft },
  margin: { l: 48, r: 12, t: 12, b: 44 },
  showlegend: false,
  hovermode: "closest",
  dragmode: false,
  ...more,
});

/** An axis that all charts share. */
export const axis = (theme, title, more = {}) => ({
  title: { text: plain(title), font: { size: 12, color: theme.soft }, standoff: 8 },
  gridcolor: theme.grid,
  zerolinecolor: theme.grid,
  linecolor: theme.line,
  tickfont: { color: theme.soft },
  fixedrange: true,
  automargin: true,
  ...more,
});

/**
 * A figure that is drawn again with each value and each theme.
 *
 * `draw(Plotly, plot, value, moving)` draws; `says(value)` is what the picture shows, for who does not see it.
 */
export class Chart {
  #value;
  #drawing = Promise.resolve();
  #waiting = false;
  #gone = false;

  constructor(kind, draw, says, signal) {
    this.draw = draw;
    this.says = says;
    this.plot = h("div", { class: `plot ${kind}`, role: "img", "aria-label": "" });
    this.element = h("figure", {}, this.plot);
    window.addEventListener("theme", () => this.again(), { signal });
    // Its place becomes another one not only with the window: what stands next to it grows and shrinks too.
    let resized = null;
    const watch = new ResizeObserver(() => {
      clearTimeout(resized);
      resized = setTimeout(() => this.#resize(), SETTLED);
    });
    watch.observe(this.plot);
    signal.addEventListener("abort", () => {
      watch.disconnect();
      clearTimeout(resized);
      this.#end();
    });
  }

  set(value) {
    this.#value = value;
    this.plot.setAttribute("aria-label", this.says(value));
    this.again(!calm());
  }

  /** Draw what is there; one drawing after the other, and what came meanwhile once. */
  again(moving = false) {
    if (this.#waiting || this.#value === undefined) return;
    this.#waiting = true;
    this.#drawing = this.#drawing.then(async () => {
      try {
        const Plotly = await library();
        this.#waiting = false;
        if (this.#gone || !this.plot.isConnected) return;
        await this.draw(Plotly, this.plot, this.#value, moving);
      } catch (error) {
        this.#waiting = false;
        if (!this.#gone && !this.plot.firstChild) this.plot.textContent = error.message;
      }
    });
  }

  /** Explain what is pointed at: `label(point, points)` returns what, or null; `open(point)` is for a click. */
  hover(label, open = null) {
    for (const name of ["plotly_hover", "plotly_unhover", "plotly_click"]) this.plot.removeAllListeners(name);
    this.plot.on("plotly_hover", ({ event, points }) => {
      const more = label(points[0], points);
      if (more) show(event.clientX, event.clientY, more);
      this.plot.classList.toggle("over", Boolean(open && more));
    });
    this.plot.on("plotly_unhover", () => {
      hide();
      this.plot.classList.remove("over");
    });
    if (open) this.plot.on("plotly_click", ({ points }) => open(points[0]));
  }

  #resize() {
    if (this.#gone || !this.plot.firstChild || !window.Plotly) return;
    const { width, height } = this.plot.getBoundingClientRect();
    const drawn = this.plot.querySelector(".main-svg")?.getBoundingClientRect();
    if (!drawn || (Math.abs(drawn.width - width) < 1 && Math.abs(drawn.height - height) < 1)) return;
    window.Plotly.Plots.resize(this.plot);
    this.again();
  }

  #end() {
    this.#gone = true;
    hide();
    if (window.Plotly && this.plot.firstChild) window.Plotly.purge(this.plot);
  }
}
