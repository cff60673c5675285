// All segments: the tree that they make, and what sets each apart.

import { board } from "../board.js";
import { joined, tree } from "../charts/tree.js";
import { h, put, text } from "../dom.js";
import { count, number, percent, plural, quantity, words } from "../format.js";
import { chip, mark, named, ranked } from "../segments.js";
import { asTable, card, heading, loading, noSegments, table, wrong } from "./parts.js";

// Segments that are shown at once: the largest.
const SHOWN = 12;

/** What sets a segment apart, in figures. */
export const facts = ({ description }) =>
  h(
    "table",
    { class: "fact" },
    h("caption", { class: "unseen" }, "What sets it apart"),
    h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "feature"), h("th", { scope: "col", class: "num" }, "here"), h("th", { scope: "col", class: "num" }, "typical"))),
    h(
      "tbody",
      {},
      description.facts.map((fact) =>
        h("tr", {}, h("th", { scope: "row" }, words(fact.feature)), h("td", { class: "num" }, quantity(fact.value, fact.unit)), h("td", { class: "num note" }, quantity(fact.everybody, fact.unit))),
      ),
    ),
  );

/** Whether they have it less often than everybody; what has no ratio is so rare there that no figure is given. */
const isLess = (one) => one.value !== undefined && (one.ratio ?? 0) < 1;

/** What a segment's sampled customers need and say more, or less, often than others. */
export function traits({ description }) {
  const found = description.traits;
  if (!found) return null;
  const some = (title, list, name) =>
    list.length
      ? [h("h3", {}, title), h("ul", { class: "tags" }, list.map((one) => h("li", {}, h("bdi", {}, name(one)), h("span", {}, one.ratio ? ` ${number(one.ratio)} ×` : ""))))]
      : null;
  const both = (more, less, list, name) => [some(more, list.filter((one) => !isLess(one)), name), some(less, list.filter(isLess), name)];
  const say = found.feedback;
  return [
    both("Buys more than others", "Buys less than others", found.items, (one) => one.value),
    both("Is more often", "Is less often", found.attributes, (one) => (one.value === undefined ? words(one.name) : `${words(one.name)}: ${one.value}`)),
    both("Gets in touch more about", "Gets in touch less about", found.contact_reasons, (one) => one.value),
    say && [h("h3", {}, "Says"), h("p", {}, `Feedback ${number(say.score)} of 1 (everybody: ${number(say.everybody)})`)],
  ];
}

function one(segment, customers) {
  return h(
    "article",
    { class: "card", "data-segment": segment.id },
    h("header", {}, mark(segment.id), h("h2", {}, h("a", { href: `#/segments/${segment.id}` }, segment.name))),
    h("p", { class: "of" }, h("b", {}, count(segment.size)), h("span", { class: "note" }, `customers, ${percent(segment.size / (customers || 1))}`)),
    h("p", {}, segment.description.text),
    facts(segment),
    traits(segment),
    h("p", { class: "more" }, h("a", { href: `#/rules?segment=${segment.id}` }, "Rules for them"), " · ", h("a", { href: `#/segments/${segment.id}` }, "Their customers")),
  );
}

export function segments(root, _, signal) {
  const lead = h("span");
  const body = h("div", {}, loading());
  put(root, h("div", { class: "head" }, heading("Segments", lead)), body);
  let parts = null;

  const build = () => {
    const chart = tree(signal);
    const apart = asTable("Distances between centres as a table", () => distances(board.values.segments));
    const words = h("ol", { class: "joins" });
    const title = h("h3", {}, "Joins, the nearest first");
    const cards = h("div", { class: "apart" });
    const more = h("button", { type: "button", class: "more" });
    const made = { chart, apart, words, title, cards, more, all: false };
    more.addEventListener("click", () => {
      made.all = true;
      draw(board.values.segments);
      cards.children[SHOWN]?.querySelector("a")?.focus();
    });
    put(
      body,
      h("div", { class: "grid" }, card("w12", "How they are related", "the further left two branches join, the more alike they are", h("div", { class: "beside" }, chart.element, h("div", {}, title, words)), apart.element)),
      h("h2", { class: "unseen" }, "Each segment"),
      cards,
      more,
    );
    return made;
  };

  const draw = (found, problem) => {
    if (!found) {
      if (problem) put(body, h("section", { class: "card" }, wrong(problem)));
      return;
    }
    if (!found.segments.length) {
      put(body, h("section", { class: "card" }, noSegments(found)));
      return;
    }
    text(lead, `${plural(found.k, "segment")} of ${plural(found.customers, "customer")}, version ${found.model_version} of the model`);
    parts ??= build();
    parts.chart.set(found);
    const lines = joined(found.hierarchy);
    put(parts.words, (lines.length > SHOWN ? lines.slice(-SHOWN) : lines).map((line) => h("li", {}, line)));
    text(parts.title, lines.length > SHOWN ? `The last ${SHOWN} joins` : "Joins, the nearest first");
    if (!parts.cards.contains(document.activeElement)) put(parts.cards, ranked().slice(0, parts.all ? Infinity : SHOWN).map((segment) => one(segment, found.customers)));
    parts.more.hidden = parts.all || found.k <= SHOWN;
    text(parts.more, `Show all ${found.k} segments`);
    parts.apart.again();
  };
  board.on("segments", draw, signal);
}

function distances({ hierarchy }) {
  const { leaves } = hierarchy;
  const rows = hierarchy.distances;
  return table(
    "Distance between two segments' centres, standard deviations",
    ["", ...leaves.map(named)],
    leaves.map((id, row) => [chip(id), ...leaves.map((__, column) => (row === column ? "–" : number(rows[row]?.[column])))]),
  );
}
