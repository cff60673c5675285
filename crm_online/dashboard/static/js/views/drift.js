// When the shop changed: what is bought, how customers lie, how good predictors are.

import { h, put } from "../dom.js";
import { apart, number, percent, styles, time } from "../format.js";
import { empty } from "./parts.js";

const SHOWN = 8;
const WHAT = { baskets: "What is bought has changed", distances: "Customers lie otherwise around their segments' centres" };

export const title = (what) => WHAT[what] ?? `The loss of ${what.replace("loss:", "")} has changed`;

function line(drift) {
  const items = drift.items.map((one) => `${apart(one.item)} in ${percent(one.before)} → ${percent(one.after)} of baskets`).join(", ");
  const figures = items || `${number(drift.before)} → ${number(drift.after)}`;
  return h("li", {}, h("strong", {}, title(drift.what)), ` since `, time(drift.since, styles.day), h("span", { class: "note" }, ` ${figures}`));
}

/** The last drifts, the newest first. */
export function drifts(element, found) {
  if (found.drifts.length) put(element, h("ul", { class: "drifts" }, found.drifts.slice(0, SHOWN).map(line)));
  else put(element, empty("Nothing has drifted", "What is bought and how customers lie fluctuates as it always did."));
}
