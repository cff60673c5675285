// A rectangle that the mouse draws on a chart. It is kept in the chart's values, and stays when the chart is drawn anew.

import { s } from "../dom.js";
import { hide } from "../tip.js";
import { scale } from "./chart.js";

// Pixels from which on the mouse draws; below it clicks.
const LEAST = 5;

export class Brush {
  #from = null;
  #rect = s("rect", { class: "brush" });
  /** The values within, `{ x: [low, high], y: [low, high] }`; null: nothing is drawn. */
  area = null;
  /** Whether the last press drew, so that its click is none. */
  drew = false;

  constructor(plot, changed) {
    this.plot = plot;
    this.changed = changed;
    plot.addEventListener("pointerdown", (event) => this.#begin(event));
    plot.addEventListener("pointermove", (event) => this.#draw(event));
    for (const end of ["pointerup", "pointercancel"]) plot.addEventListener(end, () => (this.#from = null));
  }

  get drawing() {
    return this.#from !== null && this.drew;
  }

  /** Put the rectangle on a picture that was drawn anew: `x` and `y` are its ranges of values, and of pixels. */
  put(svg, x, y) {
    this.axes = { x, y };
    svg.append(this.#rect);
    this.#place();
  }

  clear() {
    this.area = null;
    this.#place();
    this.changed();
  }

  holds({ x, y }) {
    const inside = (value, [low, high]) => low <= value && value <= high;
    return this.area !== null && inside(x, this.area.x) && inside(y, this.area.y);
  }

  #at(event) {
    const { left, top } = this.plot.getBoundingClientRect();
    return { x: event.clientX - left, y: event.clientY - top };
  }

  #begin(event) {
    // A finger scrolls.
    if (event.button !== 0 || event.pointerType === "touch" || !this.axes) return;
    [this.#from, this.drew] = [this.#at(event), false];
  }

  #draw(event) {
    if (!this.#from) return;
    const to = this.#at(event);
    if (!this.drew && Math.hypot(to.x - this.#from.x, to.y - this.#from.y) < LEAST) return;
    if (!this.drew) this.plot.setPointerCapture(event.pointerId);
    this.drew = true;
    hide();
    const range = (side) => {
      const back = scale(this.axes[side].pixels, this.axes[side].values);
      return [back(this.#from[side]), back(to[side])].sort((a, b) => a - b);
    };
    this.area = { x: range("x"), y: range("y") };
    this.#place();
    this.changed();
  }

  #place() {
    this.#rect.toggleAttribute("hidden", !this.area);
    if (!this.area) return;
    const [[left, right], [bottom, top]] = ["x", "y"].map((side) => this.area[side].map(scale(this.axes[side].values, this.axes[side].pixels)));
    for (const [name, value] of Object.entries({ x: left, y: top, width: right - left, height: bottom - top })) this.#rect.setAttribute(name, value.toFixed(1));
  }
}
