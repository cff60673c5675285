// A rule: a sentence, three figures, and what its measures say; and its own page.

import { get, part } from "../api.js";
import { board } from "../board.js";
import { h, put } from "../dom.js";
import { apart, number, percent, styles, time } from "../format.js";
import { card, empty, loading, wrong } from "./parts.js";

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
/** Measures to sort by. */
export const SORTS = ["support", "confidence", "lift", "leverage", "conviction", "mutual_information"];

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

/** The address of a rule's page. */
export const ofRule = ({ antecedent, consequent }) => `#/rules/${part(JSON.stringify([antecedent, consequent]))}`;

/** How often, how sure, and how many times chance. */
export const three = (one) =>
  h(
    "dl",
    { class: "three" },
    [["how often", percent(one.support), "of all baskets"], ["how sure", percent(one.confidence), "of those with the first"], ["times chance", `${number(one.lift)} ×`, "as by chance: 1"]].map(([title, value, about]) => h("div", {}, h("dt", {}, title), h("dd", {}, value), h("dd", { class: "note" }, about))),
  );

/** The page of one rule. */
export function rulePage(root, { id }, signal) {
  const body = h("div", {}, loading());
  const title = h("h1", { tabindex: "-1" }, "Rule");
  put(root, h("div", { class: "head" }, h("div", {}, title, h("p", { class: "lead" }, h("a", { href: "#/rules" }, "All rules")))), body);
  const load = async () => {
    try {
      const one = await get(`rules/${part(id)}`, {}, signal);
      put(title, rule(one));
      put(body, h("div", { class: "grid" }, card("w6", "What it says", null, h("p", { class: "why" }, sentence(one)), three(one), h("p", { class: "note" }, `Rule ${number(one.rank)} of those in force, the best first.`, one.time ? [one.change === "entered" ? " So since " : " Its figures last changed ", time(one.time, styles.day), "."] : null), h("p", { class: "more" }, h("a", { href: `#/rules?text=${part(one.consequent[0])}` }, "Other rules with ", h("bdi", {}, one.consequent[0])))), card("w6", "All measures", null, measures(one))));
    } catch (problem) {
      if (problem.name === "AbortError") return;
      if (problem.status === 404) put(body, h("section", { class: "card" }, empty("No such rule now", "It does not hold any more, or never did. ", h("a", { href: "#/rule-changes?days=90&change=left" }, "Rules that are gone"))));
      else put(body, h("section", { class: "card" }, wrong(problem)));
    }
  };
  board.fresh(load, signal, 8000);
  load();
}
