// A rule, and what its measures say.

import { h } from "../dom.js";
import { apart, number, percent } from "../format.js";

/** Name, how it is written, and what it says, of each measure; those of the table first. */
export const MEASURES = {
  support: ["Support", percent, "Share of all baskets that have the items of both sides."],
  confidence: ["Confidence", percent, "Of the baskets with the first items, the share that has the others too."],
  lift: ["Lift", (value) => `${number(value)} ×`, "How many times as often both sides come together as by chance. 1: they have nothing to do with each other."],
  leverage: ["Leverage", (value) => percent(value, 2), "Share of baskets with both sides, less what chance alone would give."],
  conviction: ["Conviction", (value) => (value === null ? "∞" : `${number(value)} ×`), "How many times as often the rule would be wrong if the sides had nothing to do with each other. Infinite: it is never wrong."],
  mutual_information: ["Mutual information", (value) => (value < 0.001 ? "< 0.001 bits" : `${number(value)} bits`), "How much having one side says about having the other."],
  article_gain: ["Article's gain", (value) => `${number(value)} bits`, "Confidence × log2(confidence): 0 where the rule always holds."],
  count: ["Baskets with both", (value) => number(value), "Number of baskets with the items of both sides; old ones count less."],
};
export const COLUMNS = ["support", "confidence", "lift", "leverage", "conviction", "mutual_information"];

/** All items of one side, in words. */
const side = (items) => items.map((item, at) => [at ? h("span", { class: "and" }, " + ") : null, h("bdi", { class: "item" }, item)]);

export const rule = ({ antecedent, consequent }) =>
  h("span", {}, side(antecedent), h("span", { class: "then" }, " → ", h("span", { class: "unseen" }, "then ")), side(consequent));

/** The rule as a sentence. */
export function sentence({ antecedent, consequent, confidence, lift }) {
  const [a, b] = [antecedent, consequent].map((side) => side.map(apart).join(" and "));
  return `Of the baskets with ${a}, ${percent(confidence)} have ${b} too: ${number(lift)} times as many as of all baskets.`;
}

/** All measures, each with what it says. */
export const measures = (one) =>
  h(
    "dl",
    { class: "measures" },
    Object.entries(MEASURES).map(([name, [title, write, about]]) =>
      h("div", {}, h("dt", {}, title), h("dd", {}, write(one[name])), h("dd", { class: "note" }, about)),
    ),
  );
