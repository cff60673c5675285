// Sampled customers and centroids on the two axes along which customers differ most. Points move with the customers.

import { ofCustomer } from "../api.js";
import { h, s } from "../dom.js";
import { count, number, plural, words } from "../format.js";
import { mark, named, ranked, shape } from "../segments.js";
import { hide, show } from "../tip.js";
import { Brush } from "./brush.js";
import { Chart, letters, look, scale, ticks } from "./chart.js";

const ROOM = 0.06;
const WIDE = 560;
// Milliseconds that marks are on their way, and from one place to the next: a tab that is left open must cost little.
const MOVING = 600;
const FRAME = 66;
// Pixels within which a point is pointed at.
const NEAR = 12;
const MARGIN = { left: 46, right: 12, top: 12, bottom: 44 };

/** The least and the largest, with some room; grown from what was shown before, so that the picture keeps its place. */
function range(values, before) {
  let [low, high] = before ?? [Infinity, -Infinity];
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const room = (Math.max(high, most) - Math.min(low, least) || 1) * ROOM;
  if (least < low) low = least - room;
  if (most > high) high = most + room;
  return [low, high];
}

/**
 * Where each name stands next to its cross, so that none is on another or outside; the largest segments choose first,
 * and a name that fits nowhere is left out: the list of segments has all.
 */
function places(centroids, x, y, box, size) {
  const order = ranked().map((one) => one.id);
  const ruler = document.createElement("canvas").getContext("2d");
  ruler.font = `600 ${size}px ${look().font}`;
  const occupied = centroids.map((one) => [x(one.x) - 7, y(one.y) - 7, x(one.x) + 7, y(one.y) + 7]);
  const free = ([left, top, right, bottom]) =>
    left >= box.left && right <= box.right && top >= box.top && bottom <= box.bottom &&
    occupied.every((other) => right < other[0] || left > other[2] || bottom < other[1] || top > other[3]);
  const found = [];
  for (const one of [...centroids].sort((a, b) => order.indexOf(a.segment) - order.indexOf(b.segment))) {
    const [left, top, name] = [x(one.x), y(one.y), named(one.segment)];
    const [wide, high] = [ruler.measureText(name).width, size * 1.3];
    const boxes = [
      [left - wide / 2, top - 9 - high, left + wide / 2, top - 9],
      [left - wide / 2, top + 9, left + wide / 2, top + 9 + high],
      [left + 11, top - high / 2, left + 11 + wide, top + high / 2],
      [left - 11 - wide, top - high / 2, left - 11, top + high / 2],
    ];
    const place = boxes.find(free);
    if (!place) continue;
    occupied.push(place);
    found.push(letters(place[0], place[3] - size * 0.3, name, { class: "node-label ink strong", "font-size": size }));
  }
  return found;
}

/** A picture that is drawn on a canvas, under an SVG with axes, crosses and names. */
class Picture {
  constructor(chart) {
    this.chart = chart;
    this.ranges = { axes: "", x: null, y: null };
    this.points = new Map();
    this.moved = 0;
    this.brush = new Brush(chart.plot, () => this.#list());
    chart.plot.addEventListener("pointermove", (event) => this.brush.drawing || this.#point(event));
    chart.plot.addEventListener("click", () => this.pointed && !this.brush.drew && (location.hash = this.pointed.address));
  }

  draw(plot, picture, moving) {
    const theme = look();
    const names = picture.axes.map((one) => one.name).join();
    const same = names === this.ranges.axes;
    const all = [...picture.customers, ...picture.centroids];
    const [rx, ry] = ["x", "y"].map((side) => range(all.map((one) => one[side]), same ? this.ranges[side] : null));
    const grew = String([rx, ry]) !== String([this.ranges.x, this.ranges.y]);
    this.ranges = { axes: names, x: rx, y: ry };
    const { svg, width, height } = this.chart.svg();
    const box = { left: MARGIN.left, right: width - MARGIN.right, top: MARGIN.top, bottom: height - MARGIN.bottom };
    const [x, y] = [scale(rx, [box.left, box.right]), scale(ry, [box.bottom, box.top])];
    this.#axes(svg, picture, { x, y, box, width, height });
    const canvas = this.#canvasOf(width * devicePixelRatio, height * devicePixelRatio);
    plot.insertBefore(canvas, svg);
    const wide = width > WIDE;
    const before = this.points;
    this.centroids = picture.centroids.map((one) => ({ x: x(one.x), y: y(one.y), one, address: `#/segments/${one.segment}` }));
    this.points = new Map(picture.customers.map((one) => [one.id, { x: x(one.x), y: y(one.y), one, address: ofCustomer(one.id) }]));
    for (const { x: left, y: top } of this.centroids) {
      const d = `M${left - 7} ${top}H${left + 7}M${left} ${top - 7}V${top + 7}`;
      svg.append(s("path", { class: "cross under", d }), s("path", { class: "cross", d }));
    }
    this.brush.put(svg, { values: rx, pixels: [box.left, box.right] }, { values: ry, pixels: [box.bottom, box.top] });
    this.#list();
    svg.append(...places(picture.centroids, x, y, box, wide ? 13 : 11.5));
    const paint = this.#painter(canvas, theme, wide ? 3.2 : 2.6);
    cancelAnimationFrame(this.frame);
    // The first time in a frame of its own: axes, names and marks together would keep a slow phone from answering.
    if (!before.size) return (this.frame = requestAnimationFrame(() => paint(null, 1)));
    if (!moving || !same || grew) return paint(null, 1);
    this.moved += 1;
    plot.dataset.moved = String(this.moved);
    const began = performance.now();
    let painted = 0;
    const step = (now) => {
      const share = Math.min(1, (now - began) / MOVING);
      if (now - painted >= FRAME || share === 1) {
        painted = now;
        paint(before, share < 0.5 ? 4 * share ** 3 : 1 - (-2 * share + 2) ** 3 / 2);
      }
      if (share < 1 && canvas.isConnected) this.frame = requestAnimationFrame(step);
    };
    this.frame = requestAnimationFrame(step);
  }

  /** Tell who is in the rectangle, if there is one. */
  #list() {
    const all = [...this.points.values()].map(({ one }) => one);
    this.chart.brushed?.(this.brush.area ? all.filter((one) => this.brush.holds(one)) : null);
  }

  /** The canvas, always the same one: browsers give the memory of another back late. */
  #canvasOf(width, height) {
    this.canvas ??= h("canvas");
    const [wide, high] = [width, height].map(Math.floor);
    if (this.canvas.width !== wide) this.canvas.width = wide;
    if (this.canvas.height !== high) this.canvas.height = high;
    return this.canvas;
  }

  #axes(svg, picture, { x, y, box, width, height }) {
    const wide = width > WIDE;
    for (const tick of ticks(...this.ranges.x, wide ? 8 : 4)) svg.append(s("path", { class: "rule", d: `M${x(tick).toFixed(1)} ${box.top}V${box.bottom}` }), letters(x(tick), box.bottom + 16, number(tick), { class: "middle" }));
    for (const tick of ticks(...this.ranges.y, 6)) svg.append(s("path", { class: "rule", d: `M${box.left} ${y(tick).toFixed(1)}H${box.right}` }), letters(box.left - 7, y(tick) + 4, number(tick), { class: "end" }));
    const titles = picture.axes.map((one) => words(one?.name ?? ""));
    const fit = (text, room) => (text.length * 6.3 > room ? `${text.slice(0, Math.floor(room / 6.3) - 1)}…` : text);
    svg.append(letters((box.left + box.right) / 2, height - 8, fit(titles[0] ?? "", box.right - box.left), { class: "middle" }));
    const middle = (box.top + box.bottom) / 2;
    svg.append(letters(12, middle, fit(titles[1] ?? "", box.bottom - box.top), { class: "middle", transform: `rotate(-90 12 ${middle})` }));
  }

  /** Paint the points on their way from where they were; each segment's shape is made once. */
  #painter(canvas, theme, radius) {
    const context = canvas.getContext("2d");
    const groups = new Map();
    for (const point of this.points.values()) {
      if (!groups.has(point.one.segment)) groups.set(point.one.segment, []);
      groups.get(point.one.segment).push(point);
    }
    const ready = [...groups].map(([id, points]) => [new Path2D(shape(id)), theme.segment(id), points]);
    return (before, share) => {
      context.setTransform(1, 0, 0, 1, 0, 0);
      context.clearRect(0, 0, canvas.width, canvas.height);
      context.globalAlpha = 0.72;
      for (const [path, fill, points] of ready) {
        context.fillStyle = fill;
        for (const point of points) {
          const from = before?.get(point.one.id) ?? point;
          const [left, top] = [from.x + (point.x - from.x) * share, from.y + (point.y - from.y) * share];
          const size = radius * devicePixelRatio;
          context.setTransform(size, 0, 0, size, left * devicePixelRatio, top * devicePixelRatio);
          context.fill(path);
        }
      }
    };
  }

  #point(event) {
    const { left, top } = this.chart.plot.getBoundingClientRect();
    const [x, y] = [event.clientX - left, event.clientY - top];
    let [found, least] = [null, NEAR];
    for (const point of [...this.points.values(), ...(this.centroids ?? [])]) {
      const far = Math.hypot(point.x - x, point.y - y);
      if (far < least) [found, least] = [point, far];
    }
    this.pointed = found;
    this.chart.plot.classList.toggle("over", Boolean(found));
    if (!found) return hide();
    const { one } = found;
    const centre = found.address.startsWith("#/segments/");
    show(event.clientX, event.clientY, centre ? [h("p", {}, h("b", {}, named(one.segment))), h("p", {}, "its centre; click to open")] : [h("p", {}, h("b", {}, one.id)), h("p", { class: "row" }, mark(one.segment), named(one.segment))]);
    return undefined;
  }
}

function says({ customers, centroids, axes }) {
  const where = axes.map((one) => words(one.name)).join("; ");
  return (
    `Scatter of ${plural(customers.length, "sampled customer")} in ${plural(centroids.length, "segment")}, which are named, ` +
    `with their sizes, in the list of segments. ${where}.`
  );
}

export function scatter(signal) {
  const chart = new Chart("scatter", null, says, signal);
  const picture = new Picture(chart);
  chart.draw = (plot, value, moving) => picture.draw(plot, value, moving);
  chart.clear = () => picture.brush.clear();
  // Where a customer's point is, for who looks from outside: a test.
  chart.plot.pointOf = (id) => picture.points.get(id) ?? null;
  return chart;
}

export const sampled = (picture, all) =>
  picture.customers.length < all
    ? `${count(picture.customers.length)} of ${plural(all, "customer")}, always the same ones`
    : plural(all, "customer");
