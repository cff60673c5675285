// Numbers with units, and times: local, with UTC on hover.

import { h } from "./dom.js";

let [locale, zone, currency] = ["en-GB", undefined, null];
const NIL = 0.001;
const STYLES = {
  long: { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" },
  short: { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" },
  day: { day: "numeric", month: "short", year: "numeric" },
};
let formats = new Map();
function formatter(kind, options) {
  const key = `${kind.name} ${JSON.stringify(options)}`;
  if (!formats.has(key)) formats.set(key, new kind(locale, options));
  return formats.get(key);
}
const digits = (options) => formatter(Intl.NumberFormat, options);
const dates = (options) => formatter(Intl.DateTimeFormat, { timeZone: zone, ...options });
const whole = { format: (value) => digits({ maximumFractionDigits: 0 }).format(value) };

/** How the shop's settings say that money, numbers and times are written; what the browser does not know is left as it was. */
export function localise(settings) {
  currency = settings.currency ?? null;
  for (const [wanted, other] of [[settings.locale, settings.zone], [settings.locale, null], [null, settings.zone]]) {
    try {
      new Intl.DateTimeFormat(wanted ?? undefined, { timeZone: other ?? undefined });
      [locale, zone, formats] = [wanted ?? "en-GB", other ?? undefined, new Map()];
      return;
    } catch {
      // This browser has no such locale or zone.
    }
  }
}
/** The shop's time zone, if the settings say it. */
export const shopZone = () => zone;

export const count = (value) => whole.format(value);
export const plural = (value, one, many = `${one}s`) => `${count(value)} ${value === 1 ? one : many}`;

/** A number to three significant digits; whole from 1,000 on. */
export function number(value) {
  if (value === null || value === undefined) return "–";
  const size = Math.abs(value);
  if (size >= 1000) return whole.format(value);
  if (size > 0 && size < 0.001) return value.toExponential(1).replace("-", "−");
  return digits({ maximumSignificantDigits: 3 }).format(value).replace("-", "−");
}

export const percent = (share, places = 1) =>
  `${digits({ maximumFractionDigits: places, minimumFractionDigits: places }).format(100 * share).replace("-", "−")} %`;

/** Money, in the shop's currency where that is known. */
export function money(value) {
  if (!currency) return number(value);
  return digits({ style: "currency", currency, maximumFractionDigits: Math.abs(value) >= 100 ? 0 : 2 }).format(value);
}

/** A feature's value with its unit. */
export function quantity(value, unit) {
  if (value === null || value === undefined) return "–";
  if (unit === "share") return percent(value);
  if (unit === "score") return `${number(value)} of 1`;
  if (unit === "money") return money(value);
  // What is left of an amount that fades, or of a difference of large ones, is none.
  if (unit && value !== 0 && Math.abs(value) < NIL) return quantity(0, unit);
  return unit ? `${number(value)} ${value === 1 ? unit.replace(/s$/, "") : unit}` : number(value);
}

/** A name in a sentence: one that is written from right to left does not turn the rest round. */
export const apart = (name) => `\u2068${name}\u2069`;

export const words = (name) => name.replaceAll("_", " ");

function pad(iso) {
  const at = new Date(iso);
  return Number.isNaN(at.getTime()) ? null : at;
}

const utc = (iso) => `${pad(iso)?.toISOString().replace("T", " ").replace(/\.\d+Z/, "") ?? iso} UTC`;
/** A time in ms as a style of Intl says. */
export const written = (time, style) => dates(style).format(time);
export const at = (iso, style = STYLES.long) => (pad(iso) ? dates(style).format(pad(iso)) : String(iso));
export const styles = STYLES;

/** A time as people read it. */
export const time = (iso, style = STYLES.long) => h("time", { datetime: iso, title: utc(iso) }, at(iso, style));
