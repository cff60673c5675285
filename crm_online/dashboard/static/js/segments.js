// Segments: their names, and the colour and shape that stay theirs.

import { board } from "./board.js";
import { h, s } from "./dom.js";

const KEPT = "crm-online.colours";
const COLOURS = 10;

// Each about as large as a circle of radius 1.
const star = [...Array(10).keys()].map((n) => {
  const [r, a] = [n % 2 ? 0.62 : 1.4, (Math.PI * n) / 5];
  return `${(r * Math.sin(a)).toFixed(2)} ${(-r * Math.cos(a)).toFixed(2)}`;
});
const polygon = (corners, r, turn = 0) => {
  const points = [...Array(corners).keys()].map((n) => {
    const a = (2 * Math.PI * n) / corners + turn;
    return `${(r * Math.sin(a)).toFixed(2)} ${(-r * Math.cos(a)).toFixed(2)}`;
  });
  return `M${points.join("L")}Z`;
};
export const SHAPES = [
  "M-1 0A1 1 0 1 1 1 0A1 1 0 1 1-1 0Z",
  polygon(4, 1.25, Math.PI / 4),
  polygon(3, 1.4),
  polygon(4, 1.3),
  polygon(3, 1.4, Math.PI),
  `M${star.join("L")}Z`,
  polygon(5, 1.15),
  polygon(3, 1.4, Math.PI / 2),
  polygon(6, 1.1),
  polygon(3, 1.4, -Math.PI / 2),
];
const GONE = "M-.9-.25H.9V.25H-.9Z";
// The same shapes as the drawing library names them.
const SYMBOLS = [
  "circle", "square", "triangle-up", "diamond", "triangle-down", "star", "pentagon", "triangle-right", "hexagon", "triangle-left",
];

let slots = read();
let names = new Map();

function read() {
  try {
    return new Map(Object.entries(JSON.parse(localStorage.getItem(KEPT) ?? "{}")));
  } catch {
    return new Map(); // nothing kept, or not by us
  }
}

/** Give each new segment the first colour that no living one has; those that went keep theirs until it is needed. */
function assign(ids) {
  const used = new Set(ids.filter((id) => slots.has(id)).map((id) => slots.get(id)));
  const fresh = ids.filter((id) => !slots.has(id)).sort((a, b) => Number(a.slice(1)) - Number(b.slice(1)));
  if (!fresh.length) return;
  for (const id of fresh) {
    const places = [...Array(Math.max(COLOURS, ids.length)).keys()];
    const dead = new Set(slots.values());
    const slot = places.find((n) => !used.has(n) && !dead.has(n)) ?? places.find((n) => !used.has(n));
    for (const [other, had] of slots) if (had === slot) slots.delete(other);
    slots.set(id, slot);
    used.add(slot);
  }
  try {
    localStorage.setItem(KEPT, JSON.stringify(Object.fromEntries(slots)));
  } catch {
    // A browser that keeps nothing: the colours hold until the page is closed.
  }
}

board.on("segments", (found) => {
  if (!found) return;
  names = new Map(found.segments.map((segment) => [segment.id, segment.name]));
  assign([...names.keys()]);
});

export const slot = (id) => (slots.has(id) ? slots.get(id) % COLOURS : null);
export const colour = (id) => (slot(id) === null ? "seg-gone" : `seg-${slot(id)}`);
export const shape = (id) => (slot(id) === null ? GONE : SHAPES[slot(id)]);
export const symbol = (id) => (slot(id) === null ? "line-ew-open" : SYMBOLS[slot(id)]);
export const known = (id) => names.has(id);

/** A segment's name; one that is gone has only its id. */
export function named(id) {
  if (id === null || id === undefined) return "no segment";
  return names.get(id) ?? `${id} (gone)`;
}

/** A segment's mark: its shape in its colour. */
export const mark = (id) =>
  s("svg", { class: `mark ${colour(id)}`, viewBox: "-1.4 -1.4 2.8 2.8", "aria-hidden": "true" }, s("path", { d: shape(id) }));

/** A segment's mark and name; a link where the segment is there. */
export function chip(id) {
  if (known(id)) return h("a", { class: "chip", href: `#/segments/${id}` }, mark(id), h("span", {}, named(id)));
  return h("span", { class: "chip" }, mark(id), h("span", {}, named(id)));
}

/** A feature's unit, as far as the facts about segments have it. */
export function unit(feature) {
  for (const segment of board.values.segments?.segments ?? []) {
    const fact = segment.description.facts.find((one) => one.feature === feature);
    if (fact) return fact.unit;
  }
  return "";
}

/** All segments that there are, the largest first. */
export const ranked = () => [...(board.values.segments?.segments ?? [])].sort((a, b) => b.size - a.size);
