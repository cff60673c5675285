// Segments: their names, and the colour and shape that stay theirs.

import { board } from "./board.js";
import { h, s } from "./dom.js";

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
let names = new Map();
let given = new Map();

const number = (id) => Number(String(id).slice(1)) - 1;

board.on("segments", (found) => {
  if (!found) return;
  names = new Map(found.segments.map((segment) => [segment.id, segment.name]));
  given = new Map(found.segments.filter((segment) => segment.colour).map((segment) => [segment.id, segment.colour]));
});

/** A segment's colour, by its number, so that it is the same in every browser; or the one that somebody gave it. */
export const colour = (id) => (names.has(id) ? `seg-${number(id) % COLOURS}` : "seg-gone");
export const hue = (id) => given.get(id) ?? `var(--${colour(id)})`;
/** A segment's shape: two of the same colour have different ones. */
export const shape = (id) => (names.has(id) ? SHAPES[(number(id) + Math.floor(number(id) / COLOURS)) % COLOURS] : GONE);
export const known = (id) => names.has(id);

/** A segment's name; one that is gone has only its id. */
export function named(id) {
  if (id === null || id === undefined) return "no segment";
  return names.get(id) ?? `${id} (gone)`;
}

/** A segment's mark: its shape in its colour. */
export function mark(id) {
  const made = s("svg", { class: `mark ${colour(id)}`, viewBox: "-1.4 -1.4 2.8 2.8", "aria-hidden": "true" }, s("path", { d: shape(id) }));
  if (given.has(id)) made.style.setProperty("--seg", given.get(id));
  return made;
}

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

/** Features that are made of money. */
export const PRICED = ["spending", "basket_value"];
/** Whether no purchase had a price: what is spent is then left out everywhere. */
export const moneyless = () => !(board.values.segments?.segments ?? []).some((one) => one.spend_share > 0);

/** All segments that there are, the largest first. */
export const ranked = () => [...(board.values.segments?.segments ?? [])].sort((a, b) => b.size - a.size);
