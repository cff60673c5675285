// All segments: the tree that they make, and what sets each apart.

import { board } from "../board.js";
import { joined, tree } from "../charts/tree.js";
import { h, put, text } from "../dom.js";
import { count, number, percent, plural, quantity, words } from "../format.js";
import { chip, mark, named, ranked } from "../segments.js";
import { asTable, card, heading, loading, noModel, noState, table, wrong } from "./parts.js";

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

/** What a segment's sampled customers need and say more, or less, often than others. */
export function traits({ description }) {
  const found = description.traits;
  if (!found) return null;
  const some = (title, list, name) =>
    list.length
      ? [h("h3", {}, title), h("ul", { class: "tags" }, list.map((one) => h("li", {}, name(one), h("span", {}, one.ratio ? ` ${number(one.ratio)} ×` : ""))))]
      : null;
  const say = found.feedback;
  return [
    some("Buys, beside what everybody buys", found.items, (one) => one.value),
    some("Is", found.attributes, (one) => (one.value === undefined ? words(one.name) : `${words(one.name)}: ${one.value}`)),
    some("Gets in touch about", found.contact_reasons, (one) => one.value),
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
    const cards = h("div", { class: "apart" });
    put(
      body,
      h("div", { class: "grid" }, card("w12", "How they are related", "the further left two branches join, the more alike they are", h("div", { class: "beside" }, chart.element, h("div", {}, h("h3", {}, "Joins, the nearest first"), words)), apart.element)),
      h("h2", { class: "unseen" }, "Each segment"),
      cards,
    );
    return { chart, apart, words, cards };
  };

  board.on("segments", (found, problem) => {
    if (!found) {
      if (problem) put(body, h("section", { class: "card" }, wrong(problem)));
      return;
    }
    if (!found.segments.length) {
      put(body, h("section", { class: "card" }, found.customers ? noModel() : noState()));
      return;
    }
    text(lead, `${plural(found.k, "segment")} of ${plural(found.customers, "customer")}, version ${found.model_version} of the model`);
    parts ??= build();
    parts.chart.set(found);
    put(parts.words, joined(found.hierarchy).map((line) => h("li", {}, line)));
    if (!parts.cards.contains(document.activeElement)) put(parts.cards, ranked().map((segment) => one(segment, found.customers)));
    parts.apart.again();
  }, signal);
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
