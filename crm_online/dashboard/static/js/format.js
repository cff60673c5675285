// Numbers with units, and times: local, with UTC on hover.

import { h } from "./dom.js";

const LOCALE = "en-GB";
const whole = new Intl.NumberFormat(LOCALE, { maximumFractionDigits: 0 });
const long = new Intl.DateTimeFormat(LOCALE, { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" });
const short = new Intl.DateTimeFormat(LOCALE, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
const day = new Intl.DateTimeFormat(LOCALE, { day: "numeric", month: "short", year: "numeric" });

export const count = (value) => whole.format(value);
export const plural = (value, one, many = `${one}s`) => `${count(value)} ${value === 1 ? one : many}`;

/** A number to three significant digits; whole from 1,000 on. */
export function number(value) {
  if (value === null || value === undefined) return "–";
  const size = Math.abs(value);
  if (size >= 1000) return whole.format(value);
  if (size > 0 && size < 0.001) return value.toExponential(1).replace("-", "−");
  return new Intl.NumberFormat(LOCALE, { maximumSignificantDigits: 3 }).format(value).replace("-", "−");
}

export const percent = (share, digits = 1) =>
  `${new Intl.NumberFormat(LOCALE, { maximumFractionDigits: digits, minimumFractionDigits: digits }).format(100 * share).replace("-", "−")} %`;

let currency = null;
/** The shop's currency, as its settings say. */
export function setCurrency(code) {
  currency = code;
}

/** Money, in the shop's currency where that is known. */
export function money(value) {
  if (!currency) return number(value);
  return new Intl.NumberFormat(LOCALE, { style: "currency", currency, maximumFractionDigits: Math.abs(value) >= 100 ? 0 : 2 }).format(value);
}

/** A feature's value with its unit. */
export function quantity(value, unit) {
  if (value === null || value === undefined) return "–";
  if (unit === "share") return percent(value);
  if (unit === "score") return `${number(value)} of 1`;
  if (unit === "money") return money(value);
  return unit ? `${number(value)} ${value === 1 ? unit.replace(/s$/, "") : unit}` : number(value);
}

/** A name in a sentence: one that is written from right to left does not turn the rest round. */
export const apart = (name) => `\u2068${name}\u2069`;

export const words = (name) => name.replaceAll("_", " ");

function pad(iso) {
  const at = new Date(iso);
  return Number.isNaN(at.getTime()) ? null : at;
}

export const utc = (iso) => `${pad(iso)?.toISOString().replace("T", " ").replace(/\.\d+Z/, "") ?? iso} UTC`;
/** A time in ms as a style of Intl says. */
export const written = (time, style) => new Intl.DateTimeFormat(LOCALE, style).format(time);
export const at = (iso, style = long) => (pad(iso) ? style.format(pad(iso)) : String(iso));
export const styles = { long, short, day };

/** A time as people read it. */
export const time = (iso, style = long) => h("time", { datetime: iso, title: utc(iso) }, at(iso, style));
